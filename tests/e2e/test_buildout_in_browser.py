"""The page of a build-out in a real browser: drawn whole, without a network or an error."""

from __future__ import annotations

import shutil

import pytest

from gigawatt import spec
from gigawatt.programme.buildout.simulate import simulate_buildout
from gigawatt.results.buildout_figures import BUILDOUT_FIGURES, render

WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as driver:
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
        opened = driver.chromium.launch(executable_path=chromium, args=arguments)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    nasty = {"name": "Big <script>alert(1)</script> River", "phases[0].name": "<b>Hall</b> 1"}
    build = simulate_buildout(spec.load("hyperion", nasty), samples=2000)
    path = tmp_path_factory.mktemp("buildout") / "page.html"
    path.write_text(render(build), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_figure_is_drawn(browser, page, width, scheme):
    across, down = WIDTHS[width]
    opened = browser.new_page(viewport={"width": across, "height": down}, color_scheme=scheme)
    said, fetched = [], []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("console", lambda one: said.append(one.text))
    opened.on("dialog", lambda one: said.append(one.message))
    opened.on("request", lambda request: fetched.append(request.url))
    opened.goto(page.as_uri())
    opened.wait_for_selector("html[data-drawn=all]", state="attached", timeout=60_000)
    assert said == []
    assert fetched == [page.as_uri()]
    for name in BUILDOUT_FIGURES:
        place = opened.locator(f"[data-figure={name}]")
        layer = ".scatterlayer .trace" if name in ("power", "chance") else ".barlayer .trace"
        assert place.locator(layer).count() > 0, name
        box, plot = place.bounding_box(), place.locator(".main-svg").first.bounding_box()
        assert plot["width"] <= box["width"] + 1
        assert plot["height"] <= box["height"] + 1
    assert opened.evaluate("document.documentElement.scrollWidth") <= across
    assert opened.locator("h1").inner_text().startswith("Big <script>")
    assert "<b>Hall</b> 1" in opened.locator("[data-figure=phases]").inner_text()
    opened.close()
