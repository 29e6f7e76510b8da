"""The report in a real browser: drawn whole, without a network, at desk and phone width."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "results"))

import factory

from gigawatt.results import FIGURES

WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    nasty = "Big <script>alert(1)</script> River"
    return factory.run(factory.campus(nasty)).report(tmp_path_factory.mktemp("e2e") / "r.html")


@pytest.fixture(
    scope="module", params=[(w, s) for w in WIDTHS for s in ("light", "dark")], ids="-".join
)
def page(request, browser, report):
    size, scheme = request.param
    width, height = WIDTHS[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=size == "phone"
    )
    opened = context.new_page()
    opened.said, opened.asked = [], []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("dialog", lambda dialog: opened.said.append(f"dialog: {dialog.message}"))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto(report.as_uri())
    opened.wait_for_selector("html[data-drawn=all]", state="attached", timeout=60_000)
    yield opened
    context.close()


def test_the_page_is_drawn_whole_and_alone(page, report) -> None:
    drawn = page.eval_on_selector_all("[data-figure]", "all => all.map(e => e.dataset.figure)")
    assert sorted(drawn) == sorted(FIGURES)
    empty = page.eval_on_selector_all(
        "[data-figure]",
        "all => all.filter(e => !e.querySelector('.main-svg path')).map(e => e.dataset.figure)",
    )
    assert empty == []
    assert page.said == [], "the console stays silent, and no script of the campus runs"
    assert page.asked == [report.as_uri()], "nothing but the file itself is asked for"


def test_the_page_does_not_scroll_sideways(page) -> None:
    wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window
    outside = page.eval_on_selector_all(
        "main *, header *",
        """all => all.filter(e => !e.closest('.scroll, pre, .unseen, .plot, thead')
            && e.getBoundingClientRect().right > window.innerWidth + 1).map(e => e.outerHTML)""",
    )
    assert outside == []


def test_figures_stay_inside_their_boxes(page) -> None:
    out = page.eval_on_selector_all(
        "[data-figure]",
        """all => all.filter(e => {
            const box = e.parentElement.getBoundingClientRect();
            const plot = e.querySelector('.main-svg').getBoundingClientRect();
            return plot.right > box.right + 1 || plot.bottom > box.bottom + 1;
        }).map(e => e.dataset.figure)""",
    )
    assert out == []


def test_text_is_readable_on_its_ground(page) -> None:
    """Body text has a contrast of 4.5 and more, as WCAG 2.2 asks for."""
    ratio = page.evaluate(
        """() => {
            const light = (css) => {
                const part = css.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
                    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
            };
            const pairs = [['.lead', 'body'], ['.card dt', '.card'], ['.card .value', '.card'],
                           ['.answers summary', '.answers'], ['nav a', 'nav'], ['.when', 'header']];
            return Math.min(...pairs.map(([text, ground]) => {
                const a = light(getComputedStyle(document.querySelector(text)).color);
                const b = light(getComputedStyle(document.querySelector(ground)).backgroundColor);
                return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            }));
        }"""
    )
    assert ratio >= 4.5


def test_a_keyboard_reaches_the_answers_and_what_they_rest_on(page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#answers")
    details = page.locator("details").first
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    assert details.evaluate("e => e.open")


def test_a_link_to_a_fact_opens_the_list_it_stands_in(page) -> None:
    anchor = page.locator("details a[href^='#fact-']").first
    page.evaluate("hash => { location.hash = hash }", anchor.get_attribute("href"))
    fact = page.locator("tr:target")
    fact.wait_for(state="visible")
    assert fact.evaluate("e => e.closest('details').open")


def test_it_prints_every_figure(page) -> None:
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") >= 3
    page.wait_for_selector("html[data-drawn=all]", state="attached")
    assert page.said == []
