"""Chromium, as the machine has it, with the network off; and the pages to look at."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from job.analysis.report import analyse
from job.analysis.sweep import analyse_sweep
from job.page.page import page as render_page
from tests.samples import comparison, cost_sweep, hostile, large, scaling_sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from job.analysis.report import Report
    from job.analysis.sweep import SweepReport

    Open = Callable[..., "Sight"]

SCREENSHOTS = Path(__file__).parent / "screenshots"  # git-ignored
FLAGS = [
    "--no-sandbox",  # root, in a container, has no other way
    "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
DRAWN_TIMEOUT_MS = 60_000
CASES: dict[str, Callable[[], Report | SweepReport]] = {
    "comparison": lambda: analyse(comparison()), "hostile": lambda: analyse(hostile()),
    "large": lambda: analyse(large()), "scaling": lambda: analyse_sweep(scaling_sweep()),
    "costs": lambda: analyse_sweep(cost_sweep()),
}  # fmt: skip


@dataclass
class Sight:
    """A page that is open, and what went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)

    def drawn_after_ms(self) -> float:
        """Wait until all charts are drawn, and say when that was, counted from the navigation."""
        root = "html[data-drawn-after-ms]"
        self.page.wait_for_selector(root, state="attached", timeout=DRAWN_TIMEOUT_MS)
        return float(self.page.get_attribute("html", "data-drawn-after-ms") or 0)

    def keep(self, name: str) -> None:
        """Keep a picture of all of it."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the machine's Chromium; playwright's own is not downloaded."""
    found = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    if not found:
        pytest.skip("no Chromium here: apt-get install chromium, or name one in CHROMIUM")
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Write the pages."""
    folder = tmp_path_factory.mktemp("pages")
    made = {name: folder / f"{name}.html" for name in CASES}
    for name, place in made.items():
        place.write_text(render_page(CASES[name]()), "utf-8")
    return made


@pytest.fixture
def open_page(browser: Browser, files: dict[str, Path]) -> Iterator[Open]:
    """Return what opens a page from disk, without a network, and waits until it is drawn."""
    opened = []

    def open_it(name: str, width: int = 1440, scheme: str = "light") -> Sight:
        context = browser.new_context(
            viewport={"width": width, "height": 844 if width < 600 else 900},
            color_scheme="dark" if scheme == "dark" else "light",
            offline=True,
        )
        opened.append(context)
        page = context.new_page()
        sight = Sight(page)
        sight.page.on("console", lambda message: sight.errors.append(message.text))
        sight.page.on("pageerror", lambda error: sight.errors.append(str(error)))
        sight.page.on("request", lambda request: sight.asked_for.append(request.url))
        sight.page.goto(files[name].as_uri(), wait_until="commit")
        sight.drawn_after_ms()
        return sight

    yield open_it
    for context in opened:
        context.close()
