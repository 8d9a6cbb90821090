"""Policy pages read from files, good and bad."""

from datetime import date
from pathlib import Path

import pytest

from penstock.examples.casework.pages import Paragraph, PolicyMalformed, content_version, read_pages
from penstock.examples.casework.policy import MANUAL

FRONT = "---\nsection: 1\ntitle: Fees\neffective: 2025-02-01\nversion: 7\n---\n# 1. Fees\n\n"


def page(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_manual_has_twelve_sections_with_date_and_version() -> None:
    paragraphs = read_pages(MANUAL)
    assert len({paragraph.title for paragraph in paragraphs}) == 12
    assert all(paragraph.version and paragraph.text for paragraph in paragraphs)
    assert {paragraph.effective_date.year for paragraph in paragraphs} == {2024, 2025}


def test_a_paragraph_of_markdown_keeps_its_words_and_loses_its_line_breaks(tmp_path: Path) -> None:
    found = read_pages(page(tmp_path, "a.md", FRONT + "[x-1] No fee is\ntaken.\n\n[x-2] None at all.\n"))
    assert found == (
        Paragraph("x-1", "No fee is taken.", "Fees", date(2025, 2, 1), "7"),
        Paragraph("x-2", "None at all.", "Fees", date(2025, 2, 1), "7"),
    )


def test_a_page_of_html_gives_its_paragraphs_without_markup(tmp_path: Path) -> None:
    html = (
        '<html><head><title>§ 9 Fees &amp; more</title><meta name="effective-date" content="2014-11-17">'
        '<meta name="document-number" content="D-1"></head><body><h1>Not a paragraph</h1>'
        '<p id="9-a">(a) <em>None.</em> It&#x27;s free.</p><p>no id</p><p id="9-b"></p></body></html>'
    )
    assert read_pages(page(tmp_path, "9.html", html)) == (
        Paragraph("9-a", "(a) None. It's free.", "§ 9 Fees & more", date(2014, 11, 17), "D-1"),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[x-1] No front matter.", "front matter"),
        (FRONT + "A paragraph that nobody can cite.", "without an id"),
        ("---\ntitle: Fees\nversion: 7\n---\n[x-1] When?", "lacks effective"),
        ("---\ntitle: Fees\nversion: 7\neffective: soon\n---\n[x-1] When?", "soon"),
        (FRONT + "[x-1] One.\n\n[x-1] Another.", "x-1 occurs twice"),
        (FRONT, "no policy page"),
    ],
)
def test_a_page_that_cannot_be_cited_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(PolicyMalformed, match=complaint):
        read_pages(page(tmp_path, "a.md", text))


def test_a_regulation_page_without_a_date_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyMalformed, match="effective-date"):
        read_pages(page(tmp_path, "a.html", '<title>t</title><p id="a">x</p>'))


def test_the_version_is_that_of_the_content() -> None:
    one = Paragraph("a", "text", "title", date(2025, 1, 1), "1")
    same = Paragraph("a", "text", "title", date(2025, 1, 1), "1")
    later = Paragraph("a", "text", "title", date(2025, 1, 2), "1")
    # The fields are kept apart: the same characters in other fields are another content.
    shifted = Paragraph("at", "ext", "title", date(2025, 1, 1), "1")
    assert content_version([one]) == content_version([same])
    assert len({content_version([each]) for each in (one, later, shifted)}) == 3
