"""The pages of figures in a real browser: drawn whole, without a network or an error."""

from __future__ import annotations

import pytest

import gigawatt as gw
from gigawatt.compute.hosting import arrivals
from gigawatt.results import (
    buildout_figures,
    capability_figures,
    cluster_figures,
    energy_figures,
    finance_figures,
    replay_figures,
    site_figures,
)
from gigawatt.twin.site_year.event import play_event

pytestmark = pytest.mark.e2e

NASTY = {"name": "Big <script>alert(1)</script> River"}


def of_site():
    asked = {**NASTY, "power.interconnection_mw": "1.13 GW"}
    site = gw.simulate_site(gw.load("hyperion", asked), plant="waterside-economiser")
    event = play_event(site, "virginia-2024-07-10")
    return site_figures.render(site, event), site_figures.SITE_FIGURES


def of_replay():
    lengths = arrivals.lognormal_lengths(300, (1000, 1.0), (200, 0.8))
    trace = arrivals.synthetic(arrivals.poisson(300, 6.0), lengths)
    found = gw.replay_requests(
        "llama-3.1-8b", "h100", trace, pools=(1, 1), split={"tp": 1}, ttft_ms=500, tpot_ms=20
    )
    return replay_figures.render(found), replay_figures.REPLAY_FIGURES


def of_buildout():
    asked = {**NASTY, "phases[0].name": "<b>Hall</b> 1"}
    build = gw.simulate_buildout(gw.load("hyperion", asked), samples=2000)
    return buildout_figures.render(build), buildout_figures.BUILDOUT_FIGURES


def of_finance():
    plan = gw.plan_finance(gw.load("hyperion", NASTY), years=10)
    return finance_figures.render(plan, plan.swings), finance_figures.FINANCE_FIGURES


def of_capability():
    asked = {**NASTY, "programme.training[0].name": "<b>Run</b> 1"}
    found = gw.assess_capability(gw.load("hyperion", asked))
    return capability_figures.render(found), capability_figures.capability_figures(found)


def of_energy():
    year = gw.simulate_energy(gw.load("prometheus", NASTY))
    return energy_figures.render(year), energy_figures.energy_figures(year)


def of_cluster():
    failing = {"reliability": "llama-3-405b", "repair_s": 4 * 3600}
    found = gw.simulate_jobs(gw.load("hyperion", NASTY), horizon_s=7200, **failing)
    return cluster_figures.render(found), cluster_figures.CLUSTER_FIGURES


PAGES = {
    "cluster": of_cluster,
    "energy": of_energy,
    "site": of_site,
    "replay": of_replay,
    "buildout": of_buildout,
    "finance": of_finance,
    "capability": of_capability,
}


CLUSTER = pytest.param("cluster", marks=pytest.mark.xdist_group("cluster"))  # compiles the kernel


@pytest.fixture(scope="module", params=[CLUSTER, *(name for name in PAGES if name != "cluster")])
def page(request, browser, tmp_path_factory):  # noqa: ARG001  without a browser nothing is drawn
    text, figures = PAGES[request.param]()
    path = tmp_path_factory.mktemp(request.param) / "page.html"
    path.write_text(text, encoding="utf-8")
    return request.param, path, list(figures)


def test_every_figure_is_drawn(page, visit):
    name, path, figures = page
    opened = visit(path, figures)
    if name != "replay":
        assert opened.locator("h1").inner_text().startswith("Big <script>")
    if name == "buildout":
        assert "<b>Hall</b> 1" in opened.locator("[data-figure=phases]").inner_text()
    if name == "capability":
        assert "<b>Run</b> 1" in opened.locator("[data-figure=limits]").inner_text()
