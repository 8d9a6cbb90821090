"""Policy pages read from files: the bank's Markdown manual, or regulation pages in HTML.

Both yield paragraphs with stable ids, which is what a citation points at.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

# To be raised when the same pages are to be indexed in another way, so that a database notices.
_FORMAT: Final = b"1"
_FRONT: Final = re.compile(r"\A---\n(?P<front>.*?)\n---\n(?P<body>.*)\Z", re.DOTALL)
_PARAGRAPH: Final = re.compile(r"\[(?P<id>[a-z0-9-]+)\] (?P<text>.+)", re.DOTALL)


class PolicyMalformed(Exception):
    """A policy page can't be read: mend the page that the message names; the index is as it was."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph that can be cited. `version` is the section's own, "" where the page has none."""

    id: str
    text: str
    title: str
    effective_date: date
    version: str


def read_pages(folder: Path) -> tuple[Paragraph, ...]:
    """Every paragraph of the folder's .md and .html pages, in the order of the file names.

    Raises PolicyMalformed for a page without a title or effective date, a Markdown paragraph without an id,
    an id that occurs twice, or a folder without a page.
    """
    pages = sorted(path for path in folder.glob("*") if path.suffix in (".md", ".html"))
    read = [_read_page(path) for path in pages]
    paragraphs = tuple(paragraph for page in read for paragraph in page)
    if not paragraphs:
        raise PolicyMalformed(f"{folder} holds no policy page (.md or .html)")
    seen: set[str] = set()
    for paragraph in paragraphs:
        if paragraph.id in seen:
            raise PolicyMalformed(f"{folder}: the paragraph id {paragraph.id} occurs twice")
        seen.add(paragraph.id)
    return paragraphs


def content_version(paragraphs: Sequence[Paragraph]) -> str:
    """The version of an index over these paragraphs: 16 hexadecimal digits of their content's hash."""
    digest = hashlib.sha256(_FORMAT)
    for p in paragraphs:
        for field in (p.id, p.text, p.title, p.effective_date.isoformat(), p.version):
            digest.update(field.encode() + b"\0")
    return digest.hexdigest()[:16]


def _read_page(path: Path) -> tuple[Paragraph, ...]:
    text = path.read_text(encoding="utf-8")
    try:
        return _read_html(text) if path.suffix == ".html" else _read_markdown(text)
    except ValueError as error:
        raise PolicyMalformed(f"{path.name}: {error}") from error


def _read_markdown(page: str) -> tuple[Paragraph, ...]:
    parts = _FRONT.match(page)
    if parts is None:
        raise ValueError("no front matter (section, title, effective, version between --- lines)")
    front = dict(line.split(": ", 1) for line in parts["front"].splitlines())
    missing = {"title", "effective", "version"} - front.keys()
    if missing:
        raise ValueError(f"the front matter lacks {', '.join(sorted(missing))}")
    blocks = (block.strip() for block in parts["body"].split("\n\n"))
    return tuple(_markdown_paragraph(b, front) for b in blocks if b and not b.startswith("#"))


def _markdown_paragraph(block: str, front: dict[str, str]) -> Paragraph:
    found = _PARAGRAPH.fullmatch(block)
    if found is None:
        raise ValueError(f"a paragraph without an id: {block[:40]!r}")
    text = " ".join(found["text"].split())
    return Paragraph(
        found["id"], text, front["title"], date.fromisoformat(front["effective"]), front["version"]
    )


class _RegulationPage(HTMLParser):
    """Collects <title>, the metas, and each <p id>; inline markup inside a paragraph is only text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.metas: dict[str, str] = {}
        self.texts: dict[str, list[str]] = {}
        self._into: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "meta" and "name" in given:
            self.metas[given["name"]] = given.get("content", "")
        elif tag == "title":
            self._into = self.texts.setdefault("title", [])
        elif tag == "p" and "id" in given:
            self._into = self.texts.setdefault(given["id"], [])

    def handle_endtag(self, tag: str) -> None:
        if tag in ("p", "title"):
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)


def _read_html(page: str) -> tuple[Paragraph, ...]:
    parser = _RegulationPage()
    parser.feed(page)
    parser.close()
    texts = {name: " ".join("".join(parts).split()) for name, parts in parser.texts.items()}
    title = texts.pop("title", "")
    if not title or "effective-date" not in parser.metas:
        raise ValueError("no <title> or no effective-date <meta>")
    effective = date.fromisoformat(parser.metas["effective-date"])
    version = parser.metas.get("document-number", "")
    return tuple(Paragraph(name, text, title, effective, version) for name, text in texts.items() if text)
