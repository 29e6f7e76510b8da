"""A real browser, and a visit to a page that must be drawn whole and alone."""

from __future__ import annotations

import shutil

import pytest

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser():
    """Return a browser, or skip where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(params=[("desk", "light"), ("phone", "dark")], ids="-".join)
def visit(request, browser):
    """Return a function that opens a page and holds it against what every page must do."""
    size, scheme = request.param
    across, down = WIDTHS[size]
    opened = browser.new_page(viewport={"width": across, "height": down}, color_scheme=scheme)
    said, fetched = [], []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("console", lambda one: said.append(one.text))
    opened.on("dialog", lambda one: said.append(one.message))
    opened.on("request", lambda one: fetched.append(one.url))

    def look(path, figures):
        opened.goto(path.as_uri())
        opened.wait_for_selector("html[data-drawn=all]", state="attached", timeout=60_000)
        assert said == [], "the console stays silent, and no script of the campus runs"
        assert fetched == [path.as_uri()], "nothing but the file itself is asked for"
        assert figures
        for name in figures:
            place = opened.locator(f"[data-figure={name}]")
            traces = place.locator(".plot-container .trace, .heatmaplayer image, .slice, .points")
            assert traces.count() > 0, name
            box, plot = place.bounding_box(), place.locator(".main-svg").first.bounding_box()
            assert plot["width"] <= box["width"] + 1, name
            assert plot["height"] <= box["height"] + 1, name
        assert opened.evaluate("document.documentElement.scrollWidth") <= across
        return opened

    yield look
    opened.close()
