"""A person at a browser without script: looks at pages, fills in forms, presses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final

from httpx2 import Response
from starlette.testclient import TestClient

from app.edge.headers import session_cookie
from app.use_cases.sessions import begin_with_key
from tests.service.world import World

_VOID: Final = frozenset({"input", "meta", "link", "br", "hr", "img"})


@dataclass(slots=True)
class Element:
    """An element of a page, with what is inside."""

    name: str
    attributes: dict[str, str]
    inside: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside, its spaces put together."""
        parts = [one if isinstance(one, str) else one.text for one in self.inside]
        return " ".join("".join(parts).split())

    def all(self, name: str, /, **wanted: str) -> list["Element"]:
        """Return every element of a name inside, with some attributes."""
        found = []
        for one in self.inside:
            if isinstance(one, str):
                continue
            if one.name == name and all(
                one.attributes.get(key.rstrip("_").replace("_", "-")) == value
                for key, value in wanted.items()
            ):
                found.append(one)
            found += one.all(name, **wanted)
        return found

    def every(self) -> list["Element"]:
        """Return every element inside."""
        inner = [one for one in self.inside if isinstance(one, Element)]
        return [*inner, *(deeper for one in inner for deeper in one.every())]

    def rows(self) -> list[list[str]]:
        """Return the cells of the body of a table, by row."""
        return [
            [cell.text for cell in row.inside if isinstance(cell, Element)]
            for body in self.all("tbody")
            for row in body.all("tr")
        ]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("page", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(made)
        if tag not in _VOID:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        if tag in [one.name for one in self.open]:
            while self.open.pop().name != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


@dataclass(frozen=True, slots=True)
class Page:
    """A page that came, and what is on it."""

    answer: Response
    root: Element

    @property
    def status(self) -> int:
        """The status it came with."""
        return self.answer.status_code

    @property
    def main(self) -> Element:
        """What is on it beside the frame."""
        (found,) = self.root.all("main")
        return found

    def table(self, caption: str) -> list[list[str]]:
        """Return the cells of the table whose caption begins with some words."""
        for table in self.root.all("table"):
            said = [one.text for one in table.all("caption")]
            if said and said[0].startswith(caption):
                return table.rows()
        raise AssertionError(f"no table {caption!r}")

    def form(self, action: str) -> dict[str, list[str]]:
        """Return what the form of an address would send as it is drawn."""
        for form in self.root.all("form"):
            if form.attributes.get("action") == action:
                return _drawn(form)
        raise AssertionError(f"no form {action!r}")


def _drawn(form: Element) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for one in form.every():
        name = one.attributes.get("name")
        if not name:
            continue
        if one.name == "textarea":
            inner = "".join(part for part in one.inside if isinstance(part, str))
            said.setdefault(name, []).append(inner.removeprefix("\n"))
        elif one.name == "select":
            chosen = [o for o in one.all("option") if "selected" in o.attributes]
            value = (chosen or one.all("option"))[0].attributes["value"]
            said.setdefault(name, []).append(value)
        elif one.name == "input":
            kind = one.attributes.get("type", "text")
            ticked = "checked" in one.attributes
            if kind in ("checkbox", "radio") and not ticked:
                continue
            if kind != "file":
                value = one.attributes.get("value", "")
                said.setdefault(name, []).append(value)
    return said


class Visitor:
    """Somebody who has signed in with a key, or nobody."""

    def __init__(self, world: World, key: str | None) -> None:
        self.client = TestClient(
            world.built.app, raise_server_exceptions=False, follow_redirects=False
        )
        if key is not None:
            begun = begin_with_key(world.service, key, None)
            self.client.cookies.set(session_cookie(world.settings), begun.cookie)

    def get(self, path: str, **headers: str) -> Page:
        """Look at a page."""
        given = {"Accept": "text/html"} | headers
        return _page(self.client.get(path, headers=given))

    def send(
        self,
        path: str,
        fields: Mapping[str, str | Sequence[str]],
        file: tuple[str, bytes] | None = None,
    ) -> Page:
        """Send a form as a browser does."""
        files = None if file is None else {"file": file}
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        answer = self.client.post(path, data=dict(fields), files=files, headers=headers)
        return _page(answer)

    def fill(
        self,
        path: str,
        action: str,
        file: tuple[str, bytes] | None = None,
        **fields: str,
    ) -> Page:
        """Look at a page, fill its form in and send it."""
        return self.send(action, {**self.get(path).form(action), **fields}, file)


def _page(answer: Response) -> Page:
    reader = _Reader()
    if answer.headers.get("content-type", "").startswith("text/html"):
        reader.feed(answer.text)
    return Page(answer, reader.root)
