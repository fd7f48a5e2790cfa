"""PDF read back: its text, its tags in their order, and what a reader is told of it."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pypdf import PdfReader


@dataclass(frozen=True, slots=True)
class Read:
    """A PDF as a person and a screen reader find it."""

    text: str
    pages: int
    title: str
    language: str
    is_tagged: bool
    ua_part: str
    tags: tuple[str, ...]


def read_pdf(content: bytes) -> Read:
    """Return what a PDF says."""
    reader = PdfReader(io.BytesIO(content), strict=True)
    root: Any = reader.trailer["/Root"]
    metadata = root["/Metadata"].get_object().get_data().decode()
    return Read(
        text=" ".join(" ".join(page.extract_text() for page in reader.pages).split()),
        pages=len(reader.pages),
        title=str(reader.metadata.title if reader.metadata else ""),
        language=str(root["/Lang"]),
        is_tagged=bool(root["/MarkInfo"]["/Marked"]),
        ua_part=metadata.partition("<pdfuaid:part>")[2][:1],
        tags=tuple(_tags(root["/StructTreeRoot"])),
    )


def _tags(node: Any) -> Iterator[str]:
    """Yield the kind of each part, in the order a screen reader comes to it."""
    if "/S" in node:
        yield str(node["/S"]).removeprefix("/")
    inside = node.get("/K", [])
    for one in inside if isinstance(inside, list) else [inside]:
        part = one.get_object()
        if isinstance(part, dict) and "/S" in part:
            yield from _tags(part)
