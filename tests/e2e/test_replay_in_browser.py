"""The page of a replay in a real browser: drawn whole, without a network or an error."""

from __future__ import annotations

import shutil

import pytest

from gigawatt.compute.hosting import arrivals
from gigawatt.compute.hosting.replay.run import replay_requests
from gigawatt.results.replay_figures import REPLAY_FIGURES, render

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
    lengths = arrivals.lognormal_lengths(300, (1000, 1.0), (200, 0.8))
    trace = arrivals.synthetic(arrivals.poisson(300, 6.0), lengths)
    found = replay_requests(
        "llama-3.1-8b", "h100", trace, pools=(1, 1), split={"tp": 1}, ttft_ms=500, tpot_ms=20
    )
    path = tmp_path_factory.mktemp("replay") / "page.html"
    path.write_text(render(found), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", WIDTHS)
def test_every_figure_is_drawn(browser, page, width):
    across, down = WIDTHS[width]
    opened = browser.new_page(viewport={"width": across, "height": down})
    faults, fetched = [], []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    opened.on("request", lambda request: fetched.append(request.url))
    opened.goto(page.as_uri())
    opened.wait_for_selector("html[data-drawn=all]", timeout=60_000)
    assert not faults
    assert fetched == [page.as_uri()]
    for name in REPLAY_FIGURES:
        place = opened.locator(f"[data-figure={name}]")
        assert place.locator("svg.main-svg").count() > 0, name
        assert place.locator(".scatterlayer .trace").count() > 0, name
    assert opened.evaluate("document.documentElement.scrollWidth") <= across
    opened.close()
