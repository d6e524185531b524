"""The page in a real browser: drawn, readable everywhere, and closed to what is put into it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.samples import SCRIPT

if TYPE_CHECKING:
    from tests.browser.conftest import Open, Sight

ON_PAPER_PX = 680
ATTEMPTS = 3  # the clock also tells of what else the machine does

TIMELINES = {"phases", "timeline-actors", "timeline-sharded"}
CHARTS = {
    "comparison": TIMELINES | {"samples", "pay-off"}, "hostile": TIMELINES,
    "large": TIMELINES | {"samples"},
    "scaling": {"speedups"}, "costs": {"pay-off"},
}  # fmt: skip

# Every chart with the marks it has; a bar, a dot or a line.
MARKS = """
() => Object.fromEntries([...document.querySelectorAll('.chart')].map((chart) =>
  [chart.id, chart.querySelectorAll('.point path, path.point').length]))
"""
# What is wider than the window, and what a chart shows outside of itself or over another text.
OVERFLOWING = """
() => {
  const wide = document.documentElement.scrollWidth > innerWidth ? ['the page'] : [];
  for (const chart of document.querySelectorAll('.chart')) {
    const box = chart.getBoundingClientRect();
    const texts = [...chart.querySelectorAll('svg text')]
      .map((text) => [text.textContent, text.getBoundingClientRect()])
      .filter(([, own]) => own.width);
    texts.forEach(([text, own], place) => {
      if (own.left < box.left - 1 || own.right > box.right + 1) wide.push(`${chart.id}: ${text}`);
      for (const [other, its] of texts.slice(place + 1)) {
        const across = Math.min(own.right, its.right) - Math.max(own.left, its.left);
        const down = Math.min(own.bottom, its.bottom) - Math.max(own.top, its.top);
        if (across > 3 && down > 3) wide.push(`${chart.id}: ${text} over ${other}`);
      }
    });
  }
  return wide;
}
"""
LIGHT = {"page": "rgb(255, 255, 255)", "bar": "rgb(43, 95, 217)", "text": "rgb(89, 98, 110)"}
DARK = {"page": "rgb(18, 20, 23)", "bar": "rgb(111, 155, 255)", "text": "rgb(160, 168, 179)"}


def overflowing(sight: Sight) -> list[str]:
    found: list[str] = sight.page.evaluate(OVERFLOWING)
    return found


def expect_colours(sight: Sight, colours: dict[str, str]) -> None:
    bar = sight.page.locator("#phases .trace.bars").nth(1).locator("path").first
    expect(bar).to_have_css("fill", colours["bar"])
    expect(sight.page.locator("#phases .xtick text").first).to_have_css("fill", colours["text"])
    expect(sight.page.locator("body")).to_have_css("background-color", colours["page"])


@pytest.mark.quick("comparison-1440-light", "hostile-390-dark", "scaling-390-dark")
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
@pytest.mark.parametrize("case", CHARTS)
def test_every_chart_is_drawn_and_nothing_overflows(
    open_page: Open, case: str, width: int, scheme: str
) -> None:
    sight = open_page(case, width, scheme)
    sight.keep(f"{case}-{width}-{scheme}")
    marks = sight.page.evaluate(MARKS)
    assert marks.keys() >= CHARTS[case]
    assert [chart for chart, count in marks.items() if not count] == []
    assert overflowing(sight) == []
    assert sight.errors == []
    assert len(sight.asked_for) == 1  # the page itself


def test_a_script_of_the_target_or_the_cluster_stays_text(open_page: Open) -> None:
    sight = open_page("hostile")
    assert sight.page.evaluate("window.struck") is None
    assert sight.page.evaluate("document.scripts.length") == 3
    assert sight.page.evaluate("document.images.length") == 0
    assert SCRIPT in sight.page.inner_text("header dl")
    assert SCRIPT in sight.page.inner_text(".long")
    assert "<script>" in sight.page.text_content("#timeline-actors")  # type: ignore[operator]


def test_a_script_that_slipped_through_would_not_run(open_page: Open) -> None:
    sight = open_page("comparison")
    sight.page.evaluate(
        "() => { const made = document.createElement('script');"
        " made.textContent = 'window.struck = 1'; document.body.append(made); }"
    )
    assert sight.page.evaluate("window.struck") is None
    assert "Content Security Policy" in sight.errors[0]


@pytest.mark.release
def test_the_charts_follow_day_and_night(open_page: Open) -> None:
    sight = open_page("comparison")
    expect_colours(sight, LIGHT)
    sight.page.emulate_media(color_scheme="dark")
    expect_colours(sight, DARK)


@pytest.mark.release
def test_on_paper_it_is_day_and_the_charts_fit(open_page: Open) -> None:
    sight = open_page("comparison", scheme="dark")
    sight.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    sight.page.emulate_media(media="print", color_scheme="dark")
    expect_colours(sight, LIGHT)
    widths = "[...document.querySelectorAll('.chart .main-svg')].map((each) => each.clientWidth)"
    assert set(sight.page.evaluate(widths)) == {ON_PAPER_PX}
    sight.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    sight.page.emulate_media(media="screen", color_scheme="dark")
    expect_colours(sight, DARK)
    assert sight.page.pdf(format="A4").startswith(b"%PDF")
    assert sight.errors == []


@pytest.mark.release
def test_the_charts_follow_the_window(open_page: Open) -> None:
    sight = open_page("comparison")
    sight.page.set_viewport_size({"width": 390, "height": 844})
    narrow = re.compile(r"3[0-8]\d")
    expect(sight.page.locator("#timeline-sharded .main-svg").first).to_have_attribute(
        "width", narrow
    )
    assert overflowing(sight) == []


def test_every_chart_has_a_name_for_those_who_cannot_see_it(open_page: Open) -> None:
    sight = open_page("comparison", width=390)
    named = sight.page.locator(".chart[role=img]").all()
    assert len(named) == 5
    assert "Elapsed time by phase: serial" in (named[0].get_attribute("aria-label") or "")
    sight.page.locator("summary").first.focus()
    sight.page.keyboard.press("Enter")
    assert sight.page.locator("details[open] table").is_visible()
    assert overflowing(sight) == []


@pytest.mark.release
def test_a_thousand_instances_times_twenty_calls_are_drawn_about_as_soon_as_four(
    open_page: Open,
) -> None:
    taken = {
        name: min(open_page(name).drawn_after_ms() for _ in range(ATTEMPTS))
        for name in ("comparison", "large")
    }
    assert taken["large"] < 4 * taken["comparison"], taken
