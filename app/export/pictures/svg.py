"""Elements of an SVG picture, every text and value escaped."""

from markupsafe import Markup, escape


def tag(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """Return an element; ``_`` in attribute names is ``-``, a last ``_`` is dropped.

    >>> str(tag("text", "R&D", x="50%", text_anchor="end"))
    '<text x="50%" text-anchor="end">R&amp;D</text>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(escape(child) for child in children)
    if not inside:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{inside}</{name}>")


def percent(value: float) -> str:
    """Return a coordinate in percent of the picture's width."""
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"


def hatch(identity: str) -> Markup:
    """Return a pattern of slanted lines, which reads in black and white."""
    lines = tag("path", d="M-1 1l2-2M0 6l6-6M5 7l2-2", class_="hatch-line")
    return tag(
        "pattern",
        lines,
        id=identity,
        width=6,
        height=6,
        patternUnits="userSpaceOnUse",
    )


def picture(
    identity: str, *, title: str, description: str, height: float, body: list[Markup]
) -> Markup:
    """Return a whole picture with its accessible name and description."""
    return tag(
        "svg",
        tag("title", title, id=f"{identity}-title"),
        tag("desc", description, id=f"{identity}-desc"),
        *body,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        aria_labelledby=f"{identity}-title {identity}-desc",
        width="100%",
        height=height,
        class_="picture",
    )


def _plain(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"
