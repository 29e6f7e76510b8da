"""Take the README's picture: the top of the report on Prometheus, in a real browser.

    uv run python docs/screenshot.py

Writes ``docs/images/report.png``. Needs Chromium; run it again when the report's looks change.
"""

# ruff: noqa: INP001  a script, not a package

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import gigawatt as gw

TARGET = Path(__file__).parent / "images" / "report.png"
SIZE = {"width": 1280, "height": 1720}


def main() -> None:
    """Simulate, render the report and photograph its top."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as browsers:
        page_file = Path(folder) / "report.html"
        gw.simulate(gw.load("prometheus")).report(page_file)
        browser = browsers.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=SIZE)
        page.goto(page_file.as_uri())
        page.wait_for_selector(".js-plotly-plot .main-svg")
        page.wait_for_timeout(1000)
        page.screenshot(path=TARGET)
        browser.close()


if __name__ == "__main__":
    main()
