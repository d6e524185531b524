"""Every link of a page leads somewhere: to a file of the repository, and to a heading of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.tree import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def headings(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub makes them of its headings."""
    text = FENCED.sub("", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: Path, text: str) -> list[str]:
    """Return the links in a page's text that lead nowhere."""
    found = []
    for link in LINK.findall(FENCED.sub("", text)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        file = page.parent / name if name else page
        if not file.exists() or (anchor and anchor not in headings(file)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert broken(page, page.read_text("utf-8")) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    right = "[a](#limits-and-what-it-is-not) [b](docs/report.png) [c](docs/measuring.md#gates)"
    wrong = "[d](nothing.md) [e](README.md#nothing)"
    assert broken(ROOT / "README.md", right + wrong) == ["nothing.md", "README.md#nothing"]


def test_the_readme_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
    assert pages <= set(LINK.findall(text))


def test_the_readme_can_be_read_at_a_sitting() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 180
