"""The report is one safe, self-contained page."""

from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser

import factory
import pytest

from gigawatt.errors import InputError
from gigawatt.results._report_tables import source_link
from gigawatt.results.page import embed_json
from gigawatt.results.report import render

NASTY = "</script><script>alert(1)</script>\"'&<!--"


class Page(HTMLParser):
    """What a browser would see: elements with attributes, and the text outside scripts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag):  # noqa: ARG002  the parser calls it so
        self._open = ""

    def handle_data(self, data):
        if self._open == "script":
            self.scripts.append(data)
        elif self._open != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def html() -> str:
    return render(factory.run())


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_it_takes_under_three_tenths_of_a_second() -> None:
    run = factory.run()
    render(run)
    begun = time.process_time()
    render(run)
    assert time.process_time() - begun < 0.3


def test_nothing_is_fetched(page) -> None:
    fetching = {"src", "srcset", "data", "poster", "action", "background"}
    for tag, attrs in page.elements:
        assert not fetching & set(attrs), tag
    links = [attrs["href"] for attrs in page.all("link")]
    assert links == ["data:,"]
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")


def test_every_headline_stands_in_the_page(page) -> None:
    for headline in factory.outcome().headlines:
        assert headline.label in page.text
    for shown in (
        "899 MW",
        "809 to 989 MW",
        "1 May 2026",
        "3,120 T tokens",
        "PUE over the horizon",
    ):
        assert shown in page.text


def test_formulas_facts_and_inputs_are_named(page) -> None:
    assert "IT power x PUE of the hour, within the point of interconnection" in page.text
    ids = {attrs.get("id") for _, attrs in page.elements}
    anchors = [a["href"] for a in page.all("a") if a["href"].startswith("#")]
    assert anchors
    assert all(anchor[1:] in ids for anchor in anchors), "a link inside the page leads nowhere"


def test_sources_are_credited_and_linked_where_they_are_web_addresses(page, html) -> None:
    assert "Credits of the sources: Epoch AI (CC BY 4.0)." in page.text
    outside = {a["href"] for a in page.all("a") if not a["href"].startswith("#")}
    assert outside == {
        "https://epoch.ai/data",
        "https://github.com/owner/repo/blob/0123abc/docs/rack.md",
    }
    assert "javascript:alert(1)" in page.text
    assert 'href="javascript' not in html


def test_ledgers_are_shown_with_totals_that_close(page) -> None:
    assert "Use and supply agree to rounding." in page.text
    assert "Hours by activity and hours installed agree to rounding." in page.text
    assert "Cost by activity and cost by year agree to rounding." in page.text


def test_a_ledger_that_does_not_close_says_so() -> None:
    run = factory.run()
    run.summary["ledgers"]["energy"]["supply_total"] += 5.0
    assert "Use and supply differ by 5 MWh." in Page(render(run)).text


def test_how_it_was_made_is_told(page) -> None:
    run = factory.run()
    for said in (run.id, run.meta["input_sha256"], "--seed 0", f"Gigawatt {run.meta['gigawatt']}"):
        assert said in page.text


def test_homes_are_two_answers_and_never_one_range(page) -> None:
    assert "by energy 678,000 by peak 360,000 (243,000 to 749,000)" in page.text


def test_warnings_stand_under_the_cards(page) -> None:
    assert "Warning" not in page.text
    text = Page(render(factory.run(warnings=("few chips", "<b>late</b>")))).text
    place = text.index("Warnings few chips <b>late</b>")
    assert (
        text.index("Homes, counted two ways") < place < text.index("What stands there, and when.")
    )


def test_a_summary_of_a_former_version_has_a_report_too() -> None:
    run = factory.run()
    del run.summary["warnings"], run.summary["units"]
    assert "Big River" in Page(render(run)).text


def test_it_is_semantic(page) -> None:
    assert page.all("html") == [{"lang": "en"}]
    assert all(
        len(page.all(tag)) == 1 for tag in ("header", "nav", "main", "footer", "h1", "title")
    )
    assert all(th.get("scope") in {"col", "row"} for th in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    ids = [attrs["id"] for _, attrs in page.elements if attrs.get("id")]
    assert len(ids) == len(set(ids))


def test_what_users_and_catalogue_write_stays_text() -> None:
    run = factory.run(factory.campus(NASTY))
    for fact in run.summary["facts"].values():
        fact["note"] = NASTY
    for headline in run.summary["headlines"].values():
        headline["label"] = headline["formula"] = headline["note"] = NASTY
    for row in run.summary["phases"] + run.summary["training_runs"] + run.summary["services"]:
        row["name"] = NASTY
    for row in run.summary["chips"]:
        row["chip"] = NASTY
    clean, nasty = Page(render(factory.run())), Page(render(run))
    assert len(nasty.all("script")) == len(clean.all("script")) == 3
    assert "alert(1)" not in "".join(nasty.scripts[1:])
    assert nasty.all("h1") == [{}]
    assert "</script><script>alert(1)</script>" in nasty.text
    figures = json.loads(nasty.scripts[0])
    assert figures["chips"]["data"][0]["name"].startswith("&lt;/script&gt;")


def test_json_cannot_close_its_element() -> None:
    embedded = embed_json({"a": "</script><!--&"})
    assert not re.search("[<>&]", embedded)
    assert json.loads(embedded) == {"a": "</script><!--&"}


def test_an_empty_campus_has_a_report() -> None:
    page = Page(render(factory.run(factory.campus(phases=False))))
    assert "never: the phases come to 0 MW" in page.text


def test_report_writes_the_page(tmp_path, html) -> None:
    path = factory.run().report(tmp_path / "r.html")
    assert path.read_text(encoding="utf-8") == html


def test_report_makes_no_folders(tmp_path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        factory.run().report(tmp_path / "out" / "r.html")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("where", "link"),
    [
        ("https://epoch.ai/data", "https://epoch.ai/data"),
        ("https://a.org/x: inference v4.1, v5.0", "https://a.org/x"),
        ("owner/repo@v1.0:a/b.csv", "https://github.com/owner/repo/blob/v1.0/a/b.csv"),
        ("owner/repo:a/b.csv (2026)", "https://github.com/owner/repo/blob/HEAD/a/b.csv"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("https:/evil", ""),
        ("A book, page 3", ""),
    ],
)
def test_only_web_addresses_become_links(where, link) -> None:
    assert source_link({"title": "t", "publisher": "p", "where": where}).link == link
