"""The rates and serving points: what was published, and the raw data behind it."""

from __future__ import annotations

import csv
import statistics
from typing import TYPE_CHECKING

import pytest

from gigawatt import catalog

if TYPE_CHECKING:
    from pathlib import Path

    from gigawatt.catalog import Catalog, Entry

CORE = {
    "capital": ("compute_usd_per_it_mw", "facility_usd_per_it_mw", "all_in_usd_per_it_mw"),
    "operations": ("other_usd_per_it_mw_year",),
    "finance": ("discount_rate", "it_life_years", "facility_life_years"),
    "home": ("energy_kwh_per_year", "peak_kw"),
    "power_use": ("training", "hosting", "research", "data_processing", "idle"),
    "usage": (
        "requests_per_user_day",
        "input_tokens_per_request",
        "output_tokens_per_request",
        "peak_to_mean",
    ),
    "programme": ("training_share", "research_share", "hosting_share"),
    "fuel": ("gas_usd_per_mmbtu", "gas_co2_kg_per_mmbtu"),
}
# MLPerf latency limits, 99th percentile, ms: (time to first token, time per output token).
LIMITS = {
    ("llama-2-70b", "server"): (2000, 200),
    ("llama-2-70b", "interactive"): (450, 40),
    ("llama-3.1-8b", "server"): (2000, 100),
    ("llama-3.1-8b", "interactive"): (500, 30),
    ("llama-3.1-405b", "server"): (6000, 175),
    ("llama-3.1-405b", "interactive"): (4500, 80),
    ("mixtral-8x7b", "server"): (2000, 200),
    ("deepseek-r1", "server"): (2000, 80),
    ("deepseek-r1", "interactive"): (1500, 15),
    ("gpt-oss-120b", "server"): (3000, 80),
    ("gpt-oss-120b", "interactive"): (2000, 20),
}
RATED_W = {"H100": 10_200, "H200": 10_200, "B200": 14_300}


@pytest.fixture(scope="module")
def cat() -> Catalog:
    return catalog.load()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def points(cat: Catalog, label: str) -> list[Entry]:
    found = [entry for entry in cat.entries("serving") if label in entry.id]
    assert found
    return found


def throughput(entry: Entry) -> float:
    return entry.number("output_tokens_per_s_per_chip")


@pytest.mark.parametrize("name", CORE)
def test_every_rate_that_the_models_read_is_there(cat: Catalog, name: str) -> None:
    entry = cat.get("rate", name)
    assert all(entry.number(field) > 0 for field in CORE[name])


# --- money


def recovery(rate: float, years: float) -> float:
    """Yearly charge on one dollar that is paid back over `years`."""
    return rate / (1 - (1 + rate) ** -years)


@pytest.mark.parametrize(("it_life_years", "published_busd"), [(5, 8.5), (3, 12), (7, 7)])
def test_yearly_cost_of_a_gigawatt_is_what_epoch_ai_published(
    cat: Catalog, it_life_years: float, published_busd: float
) -> None:
    capital, finance = cat.get("rate", "capital"), cat.get("rate", "finance")
    rate, facility_years = finance.number("discount_rate"), finance.number("facility_life_years")
    yearly_usd = 1000 * (
        capital.number("compute_usd_per_it_mw") * recovery(rate, it_life_years)
        + capital.number("facility_usd_per_it_mw") * recovery(rate, facility_years)
        + cat.get("rate", "operations").number("operations_usd_per_it_mw_year")
    )
    assert yearly_usd / 1e9 == pytest.approx(published_busd, abs=0.3)


def test_compute_and_facility_make_up_the_whole(cat: Catalog) -> None:
    capital = cat.get("rate", "capital")
    parts = capital.number("compute_usd_per_it_mw") + capital.number("facility_usd_per_it_mw")
    assert parts == capital.number("all_in_usd_per_it_mw")


def test_operations_are_energy_and_the_rest(cat: Catalog) -> None:
    entry = cat.get("rate", "operations")
    parts = entry.number("energy_usd_per_it_mw_year") + entry.number("other_usd_per_it_mw_year")
    assert parts == pytest.approx(entry.number("operations_usd_per_it_mw_year"))


def test_shares_of_a_lab_s_compute_add_up(cat: Catalog) -> None:
    entry = cat.get("rate", "programme")
    assert sum(entry.number(field) for field in CORE["programme"]) == pytest.approx(1, abs=1e-3)


# --- homes and power


def test_five_gigawatts_of_homes_by_both_accountings(cat: Catalog) -> None:
    home = cat.get("rate", "home")
    by_energy = 5e6 * 8760 / home.number("energy_kwh_per_year")
    fewest, most = (5e6 / peak_kw for peak_kw in reversed(home["peak_kw"].span))
    assert by_energy == pytest.approx(4.1e6, rel=0.01)
    assert fewest == pytest.approx(1.0e6)
    assert fewest < 5e6 / home.number("peak_kw") < most < by_energy


def test_power_use_has_a_range_and_idle_draws_least(cat: Catalog) -> None:
    entry = cat.get("rate", "power_use")
    busy = [entry[field] for field in CORE["power_use"] if field != "idle"]
    assert all(fact.span[0] < fact.number < fact.span[1] < 1 for fact in busy)
    assert entry["idle"].span[1] < min(fact.span[0] for fact in busy)


def assert_range(entry: Entry, field: str, ratios: list[float]) -> None:
    tenths = statistics.quantiles(ratios, n=10, method="inclusive")
    low, high = entry[field].span
    assert entry.number(field) == pytest.approx(statistics.median(ratios), abs=0.006)
    assert (low, high) == pytest.approx((tenths[0], tenths[8]), abs=0.006)


def rated_w(system: str) -> int:
    return next(watts for chip, watts in RATED_W.items() if chip in system)


def test_training_power_is_what_the_node_logs_hold(cat: Catalog, shared: Path) -> None:
    runs = [
        row
        for row in rows(shared / "measurements/mlperf_training_power.csv")
        if row["submitter"] != "smc-dc-power" and row["mean_node_W"]
    ]
    entry = cat.get("rate", "power_use")
    ratio = {id(row): float(row["mean_node_W"]) / rated_w(row["system"]) for row in runs}
    language = [r for r in runs if r["benchmark"] in {"gpt3", "bert", "llama2_70b_lora"}]
    # The widest of two published figures: the log's own range ends below intensive work.
    of_language = [ratio[id(row)] for row in language]
    tenth = statistics.quantiles(of_language, n=10, method="inclusive")[0]
    training = entry["training"]
    assert training.number == pytest.approx(statistics.median(of_language), abs=0.006)
    assert training.span == pytest.approx((tenth, entry.number("rated_intensive")), abs=0.006)
    air_cooled = [ratio[id(r)] for r in language if r["submitter"] in {"Dell", "Lenovo"}]
    summary = (len(air_cooled), statistics.median(air_cooled), min(air_cooled), max(air_cooled))
    assert summary == pytest.approx((20, 0.67, 0.66, 0.72), abs=0.006)
    assert_range(entry, "research", list(ratio.values()))


def test_hosting_data_and_idle_power_are_what_the_wall_logs_hold(
    cat: Catalog, shared: Path
) -> None:
    logs = [
        row
        for row in rows(shared / "measurements/mlperf_inference_wallpower.csv")
        if row["phase"] == "run_1"
    ]
    entry = cat.get("rate", "power_use")
    models = {"llama2-70b-99.9", "mixtral-8x7b", "llama3.1-405b", "llama3.1-8b"}
    assert_range(
        entry,
        "hosting",
        [float(r["p50_w"]) / rated_w(r["system"]) for r in logs if r["model"] in models],
    )
    small = [
        float(row["p50_w"]) / rated_w(row["system"])
        for row in logs
        if row["scenario"] == "Offline" and row["model"] in {"gptj-99", "whisper", "llama3.1-8b"}
    ]
    fact = entry["data_processing"]
    lowest, middle, highest = sorted(small)
    assert (*fact.span, fact.number) == pytest.approx((lowest, highest, middle), abs=0.006)
    # One run filed under two accuracy targets counts once.
    once = {(r["system"], r["mean_w_whole_log"]): r for r in logs}.values()
    assert_range(entry, "idle", [float(r["min_w"]) / rated_w(r["system"]) for r in once])


# --- usage


@pytest.mark.parametrize(("trace", "prefix"), [("conv", ""), ("code", "code_")])
def test_tokens_of_a_request_are_the_trace_s_means(
    cat: Catalog, shared: Path, trace: str, prefix: str
) -> None:
    usage = cat.get("rate", "usage")
    requests = rows(shared / f"traces/azure_llm_2023_{trace}.csv")
    for field, column in (("input", "ContextTokens"), ("output", "GeneratedTokens")):
        mean = statistics.fmean(float(row[column]) for row in requests)
        assert usage.number(f"{prefix}{field}_tokens_per_request") == pytest.approx(mean, rel=1e-5)


def test_requests_and_peaks_follow_from_what_was_published(cat: Catalog) -> None:
    usage = cat.get("rate", "usage")
    assert usage.number("requests_per_user_day") == pytest.approx(18e9 / 700e6 / 7, rel=1e-4)
    assert usage.number("peak_to_mean") == pytest.approx(278 / 226.75, rel=1e-4)


# --- serving


def test_there_are_enough_serving_points_of_each_scenario(cat: Catalog) -> None:
    scenarios = [entry.text("scenario") for entry in cat.entries("serving")]
    assert set(scenarios) == {"offline", "server", "interactive", "production"}
    assert len(scenarios) >= 40


def test_mlperf_points_keep_the_latency_limits_of_their_benchmark(cat: Catalog) -> None:
    for entry in points(cat, "@mlperf-"):
        key = (entry.text("model"), entry.text("scenario"))
        if key[1] == "offline":
            assert "ttft_limit_ms" not in entry
            assert "tpot_limit_ms" not in entry
            continue
        limits = (entry.number("ttft_limit_ms"), entry.number("tpot_limit_ms"))
        assert limits == LIMITS[key]
        assert entry.number("ttft_ms", 0) <= limits[0]
        assert entry.number("tpot_ms", 0) <= limits[1]


def test_a_tighter_limit_never_serves_more(cat: Catalog) -> None:
    by_class = {entry.id: entry for entry in points(cat, "-tpot-")}
    pairs = [
        (entry, by_class[other])
        for name, entry in by_class.items()
        for tight, loose in (("-tpot-20", "-tpot-50"), ("-tpot-50", "-tpot-100"))
        if name.endswith(tight) and (other := name.removesuffix(tight) + loose) in by_class
    ]
    assert len(pairs) > 10
    assert all(throughput(tight) < throughput(loose) for tight, loose in pairs)


def test_measured_latency_keeps_the_class(cat: Catalog) -> None:
    for entry in points(cat, "-tpot-"):
        assert entry.number("tpot_ms") <= entry.number("tpot_limit_ms")
        assert entry.number("ttft_ms") <= entry.number("ttft_limit_ms")


def test_every_point_names_who_measured_it_and_where_it_can_be_read(cat: Catalog) -> None:
    for entry in cat.entries("serving"):
        fact = entry["output_tokens_per_s_per_chip"]
        assert entry.text("submitter")
        assert entry.text("round")
        if fact.source.id.startswith("mlperf-"):
            assert "not official MLPerf results" in fact.source.title
            assert "Log: closed/" in fact.note


def test_deepseek_s_day_blends_reading_and_writing_nodes(cat: Catalog) -> None:
    day = cat.get("serving", "deepseek-v3@h800-sxm@production-2025-02")
    chips = 226.75 * 8
    assert day.number("chips") == chips
    assert throughput(day) * chips * 86_400 == pytest.approx(168e9, rel=1e-4)
    read = day.number("input_tokens_per_s_per_chip")
    assert read * chips * 86_400 == pytest.approx(608e9, rel=1e-4)
    assert day.number("cache_hit") == pytest.approx(342 / 608, abs=1e-3)
    writers = cat.get("serving", "deepseek-v3@h800-sxm@production-2025-02-decode-nodes")
    assert throughput(writers) == 14_800 / 8 > throughput(day)


def test_mlperf_points_equal_the_log_that_their_note_names(cat: Catalog, shared: Path) -> None:
    logs = {
        (row["round"], row["source"].split(":", 1)[1]): row
        for row in rows(shared / "measurements/mlperf_inference.csv")
    }
    for entry in points(cat, "@mlperf-"):
        fact = entry["output_tokens_per_s_per_chip"]
        row = logs[entry.text("round").split()[-1], fact.note.split("Log: ")[1]]
        assert (row["division"], row["valid"]) == ("closed", "VALID")
        assert row["scenario"].lower() == entry.text("scenario")
        assert row["submitter"] == entry.text("submitter")
        assert int(row["num_accel"]) == entry.number("chips")
        assert float(row["tokens_per_s_per_accel"]) == fact.number
        tokens = float(row["tokens_per_s"]) / float(row["samples_per_s"])
        assert entry.number("output_tokens") == pytest.approx(tokens, abs=0.051)


def test_interactive_points_equal_the_row_that_their_note_names(cat: Catalog, shared: Path) -> None:
    measured = {
        row["source"].rpartition("id=")[2]: row
        for row in rows(shared / "measurements/serving.csv")
        if row["source_group"] == "aiconfigurator_silicon_sample"
        and "DUPLICATE" not in row["notes"]
    }
    for entry in points(cat, "-tpot-"):
        fact = entry["output_tokens_per_s_per_chip"]
        row = measured[fact.note.rpartition("Row ")[2]]
        assert int(row["num_gpus"]) == entry.number("chips")
        assert (int(row["isl"]), int(row["osl"])) == (
            entry.number("input_tokens"),
            entry.number("output_tokens"),
        )
        seconds = (float(row["ttft_ms"]) + float(row["tpot_ms"]) * (int(row["osl"]) - 1)) / 1000
        served = float(row["concurrency"]) * int(row["osl"]) / seconds / int(row["num_gpus"])
        assert fact.number == pytest.approx(served, rel=1e-3)


def test_offline_points_equal_the_published_table(cat: Catalog, shared: Path) -> None:
    published = {
        (int(r["isl"]), int(r["osl"]), int(r["num_gpus"]), float(r["out_tok_s_per_gpu"]))
        for r in rows(shared / "measurements/serving.csv")
        if r["source_group"] == "trtllm_perf_overview" and "@03e27c7d" in r["source"]
    }
    fields = ("input_tokens", "output_tokens", "chips", "output_tokens_per_s_per_chip")
    for entry in points(cat, "@trtllm-"):
        assert tuple(entry.number(field) for field in fields) in published
