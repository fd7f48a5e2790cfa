"""Set PDF with typst: tagged, in the shared frame, whatever characters a text holds."""

import json
import re
import unicodedata
from collections.abc import Callable
from importlib.resources import files
from typing import Any, BinaryIO, Final

type Document = dict[str, Any]

_PARTS: Final = "parts.typ"

_UNUSUAL: Final = re.compile(
    "[^\n -~\u00a0-\u00ac\u00ae-\u024f\u1e00-\u1eff"  # Latin
    "\u0370-\u03ff\u0400-\u04ff"  # Greek, Cyrillic
    "\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2190-\u21ff\u2200-\u22ff]"  # signs
)
"""Characters of scripts that are not set here.

Some are not in the fonts that come with typst, some turn or hide what stands around
them, and on mixtures of some the typesetter breaks down.
"""

_MOST_CHARACTERS: Final = 4_000
"""Characters of a text that are set; the rest is cut, and said to be."""

_MOST_NUMBERS: Final = 60
"""Characters of a text that are written as numbers; further ones become ``?``."""

_NOT_ASCII: Final = re.compile("[^\n -~]")
_NO_GLYPH: Final = re.compile(
    r'the text `"((?:\\.|[^"`])+)"` could not be displayed with font'
)
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}")
_TRIES: Final = 4


def write_typeset(stream: BinaryIO, template: str, said: Document) -> None:
    """Write what a template makes of some values; texts in them are never code.

    Fonts come with typst alone, so that every machine makes the same file. A character
    that is not set is written as its number, like ``[U+65E5]``: else a reader would see
    nothing, and a screen reader could not say it.
    """
    shown = _changed(said, _usual)
    for _ in range(_TRIES):
        made, missing = _compiled(template, shown)
        if made is not None:
            stream.write(made)
            return
        shown = _changed(shown, missing)
    raise ValueError(f"{template} cannot be set.")


def _compiled(
    template: str, shown: Document
) -> tuple[bytes | None, Callable[[str], str]]:
    """Return a PDF; or how texts have to change before there can be one."""
    import typst

    folder = files("app").joinpath("export", "templates")
    sources: Any = {  # the stubs do not know of more files than one
        "main": folder.joinpath(template).read_bytes(),
        _PARTS: folder.joinpath(_PARTS).read_bytes(),
    }
    try:
        made = typst.compile(
            sources,
            sys_inputs={"data": json.dumps(shown)},
            pdf_standards=["ua-1"],
            ignore_system_fonts=True,
        )
    except typst.TypstError as error:
        characters = _without_shape(str(error.diagnostic))
        if not characters:
            raise
        missing = re.compile(f"[{re.escape(characters)}]")
        return None, lambda text: _numbered(missing, text)
    except BaseException as error:  # a panic of the typesetter is no Exception
        if type(error).__name__ != "PanicException":
            raise
        return None, lambda text: _numbered(_NOT_ASCII, text)
    return made, str


def _without_shape(diagnostic: str) -> str:
    """Return the characters that a diagnostic says no font has a shape for."""
    found = set()
    for written in _NO_GLYPH.findall(diagnostic):
        text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), written)
        found |= {*text}
    return "".join(sorted(found))


def _usual(text: str) -> str:
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_MOST_CHARACTERS]} … (cut)"
    return _numbered(_UNUSUAL, unicodedata.normalize("NFC", text))


def _numbered(pattern: re.Pattern[str], text: str) -> str:
    """Return a text with what a pattern finds written as numbers."""
    written = pattern.sub(lambda found: _number(found[0]), text, count=_MOST_NUMBERS)
    return pattern.sub("?", written)


def _number(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """Return plain values with every text in them changed."""
    match value:
        case str():
            return change(value)
        case list() | tuple():
            return [_changed(one, change) for one in value]
        case dict():
            return {name: _changed(one, change) for name, one in value.items()}
    return value
