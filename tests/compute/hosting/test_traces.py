"""Reading traces and making them up."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from gigawatt.compute.hosting import arrivals
from gigawatt.compute.hosting.requests import Trace
from gigawatt.compute.hosting.traces import TraceFormat, read_trace
from gigawatt.errors import InputError

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
VIDUR = "arrived_at,num_prefill_tokens,num_decode_tokens\n"


def write(folder, text, name="trace.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_azure(tmp_path):
    rows = "2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n"
    trace = read_trace(write(tmp_path, AZURE + rows))
    assert trace.arrival_s == pytest.approx([0, 4.314579], abs=1e-6)
    assert trace.prompt_tokens.tolist() == [374, 396]
    assert trace.output_tokens.tolist() == [44, 109]


def test_azure_with_a_zone_and_no_fraction(tmp_path):
    rows = "2024-05-12 00:00:00+00:00,1,1\n2024-05-12 00:00:01.5+00:00,1,1\n"
    assert read_trace(write(tmp_path, AZURE + rows)).arrival_s.tolist() == [0, 1.5]


def test_vidur_compressed(tmp_path):
    path = tmp_path / "trace.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(VIDUR + "1.0,5.0,6\n1.5,7,8\n")
    trace = read_trace(path)
    assert trace.arrival_s.tolist() == [0, 0.5]
    assert trace.prompt_tokens.tolist() == [5, 7]


def test_mooncake(tmp_path):
    rows = [
        {"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]},
        {"timestamp": 3000, "input_length": 10, "output_length": 6, "hash_ids": [0]},
    ]
    text = "\n".join(map(json.dumps, rows))
    trace = read_trace(write(tmp_path, text, "trace.jsonl"))
    assert trace.arrival_s.tolist() == [0, 3]
    assert trace.hash_tokens == 512
    assert trace.hashes.tolist() == [0, 1, 0]
    assert trace.hash_start.tolist() == [0, 2, 3]


def test_columns_named_by_the_user(tmp_path):
    path = write(tmp_path, "when,in,out,who\n5,1,2,x\n9,3,4,y\n")
    layout = TraceFormat(arrival="when", prompt="in", output="out", time="ms")
    trace = read_trace(path, layout)
    assert trace.arrival_s == pytest.approx([0, 0.004])
    assert trace.output_tokens.tolist() == [2, 4]


def test_all_mistakes_are_named_with_line_and_column(tmp_path):
    path = write(tmp_path, VIDUR + "0,1,1\nsoon,1,1\n1,-2,1\n2,1,1.5\n1,1,\n")
    with pytest.raises(InputError) as error:
        read_trace(path)
    lines = str(error.value).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(f"{path}:3: arrived_at: expected a time in s; found 'soon'")
    assert lines[1].startswith(f"{path}:4: num_prefill_tokens: expected a whole number of tokens")
    assert lines[2].endswith("found '1.5'")
    assert lines[3].startswith(f"{path}:6: num_decode_tokens")


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("a,b\n1,2\n", "t.csv", "t.csv:2: header: expected the columns of a known format"),
        (AZURE + "yesterday,1,1\n", "t.csv", "t.csv:2: TIMESTAMP: expected a date"),
        (VIDUR, "t.csv", "expected at least one request; found 'none'"),
        ("{1}\n", "t.jsonl", "t.jsonl:1: column 2: expected a JSON object"),
        ("[1]\n", "t.jsonl", "t.jsonl:1: line: expected a JSON object"),
        (
            '{"timestamp":0,"input_length":1,"output_length":1,"hash_ids":["a"]}\n',
            "t.jsonl",
            "t.jsonl:1: hash_ids: expected a list of whole numbers",
        ),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path, text, name, message):
    with pytest.raises(InputError, match=message):
        read_trace(write(tmp_path, text, name))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read as a trace"):
        read_trace(tmp_path / "none.csv")


def test_a_missing_column_is_named(tmp_path):
    path = write(tmp_path, "when,in\n1,2\n")
    with pytest.raises(InputError, match="out: expected a column of this name"):
        read_trace(path, TraceFormat(arrival="when", prompt="in", output="out"))


def test_out_of_order_is_an_error_or_sorted(tmp_path):
    path = write(tmp_path, VIDUR + "5,1,1\n4,2,1\n")
    with pytest.raises(InputError, match=r"csv:3: arrived_at: expected a time not before"):
        read_trace(path)
    trace = read_trace(path, sort=True)
    assert trace.prompt_tokens.tolist() == [2, 1]
    assert trace.arrival_s.tolist() == [0, 1]


def test_requests_without_tokens(tmp_path):
    path = write(tmp_path, VIDUR + "0,1,0\n1,2,2\n")
    with pytest.raises(InputError, match="tokens >= 1; found '0'"):
        read_trace(path)
    assert read_trace(path, empty="one").output_tokens.tolist() == [1, 2]
    assert read_trace(path, empty="drop").output_tokens.tolist() == [2]


def test_the_published_traces(shared):
    folder = shared / "traces"
    conversation = read_trace(folder / "azure_llm_2023_conv.csv")
    assert len(conversation) == 19_366
    assert len(read_trace(folder / "azure_llm_2023_code.csv")) == 8_819
    mooncake = read_trace(folder / "mooncake_fast25_conversation.jsonl")
    assert len(mooncake) == 12_031
    # Mooncake (FAST 2025), table of traces: conversation 12,035 on average in, 343 out
    assert mooncake.prompt_tokens.mean() == pytest.approx(12_035, rel=0.01)
    assert mooncake.output_tokens.mean() == pytest.approx(343, rel=0.01)
    oracle = read_trace(shared / "oracles" / "serving" / "conv_1k.csv")
    assert np.abs(oracle.arrival_s - conversation.arrival_s[:1000]).max() < 1e-6


# -- a trace as a value


def test_repeating_keeps_lengths_and_parts_hashes():
    trace = Trace(
        arrival_s=[0, 1, 4], prompt_tokens=[8, 9, 10], output_tokens=[1, 2, 3],
        hashes=[5, 5, 6, 7], hash_start=[0, 1, 3, 4], hash_tokens=4,
    )  # fmt: skip
    longer = trace.repeated(7)
    assert longer.arrival_s.tolist() == [0, 1, 4, 6, 7, 10, 12]
    assert longer.prompt_tokens.tolist() == [8, 9, 10, 8, 9, 10, 8]
    assert longer.hashes.tolist() == [5, 5, 6, 7, 8, 8, 9, 10, 11]
    assert longer.head(2).hashes.tolist() == [5, 5, 6]


def test_playing_at_a_rate():
    trace = arrivals.synthetic([0, 1, 5], arrivals.fixed_lengths(3, 1, 1)).at_rate(4.0)
    assert trace.arrival_s.tolist() == [0, 0.1, 0.5]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arrival_s": [1, 0]}, "Request 1 is not"),
        ({"arrival_s": [-1, 0]}, "arrival_s must be >= 0"),
        ({"output_tokens": [1, 0]}, "Request 1 has 0"),
        ({"prompt_tokens": [1]}, "each with time, prompt and output"),
        ({"hash_tokens": 4, "hash_start": [0, 1, 3], "hashes": [1]}, "hash_start must ascend"),
    ],
)
def test_a_trace_that_does_not_fit_together_is_refused(changes, message):
    values = {"arrival_s": [0, 1], "prompt_tokens": [1, 1], "output_tokens": [1, 1], **changes}
    with pytest.raises(InputError, match=message):
        Trace(**values)


# -- made up


@pytest.mark.parametrize("variation", [0.0, 0.5, 1.0, 3.0])
def test_gamma_has_its_rate_and_variation(variation):
    gaps = np.diff(arrivals.gamma(400_000, 5.0, variation, seed=1))
    assert 1 / gaps.mean() == pytest.approx(5.0, rel=0.03)
    assert gaps.std() / gaps.mean() == pytest.approx(variation, rel=0.03, abs=1e-9)


def test_diurnal_follows_its_cosine():
    times = arrivals.diurnal(200_000, 2.0, 0.5, period_s=1000.0, peak_s=250.0, seed=2)
    phase = times % 1000.0
    around_peak = ((phase > 200) & (phase < 300)).mean()
    around_low = ((phase > 700) & (phase < 800)).mean()
    share = np.sin(np.pi * 0.1) / np.pi  # mean of the cosine over the tenth around its peak
    assert around_peak == pytest.approx(0.1 + 0.5 * share, rel=0.03)
    assert around_low == pytest.approx(0.1 - 0.5 * share, rel=0.05)
    assert len(times) / times[-1] == pytest.approx(2.0, rel=0.02)


def test_bursts_come_when_told():
    times = arrivals.bursts(100_000, 1.0, 10.0, every_s=100.0, length_s=10.0, seed=3)
    within = (times % 100.0 >= 90.0).mean()
    assert within == pytest.approx(100 / 190, rel=0.02)


def test_lengths_have_their_means():
    prompt, output = arrivals.lognormal_lengths(200_000, (1000, 1.0), (200, 0.5), seed=4)
    assert prompt.mean() == pytest.approx(1000, rel=0.02)
    assert prompt.std() / prompt.mean() == pytest.approx(1.0, rel=0.05)
    assert output.mean() == pytest.approx(200, rel=0.02)


def test_lengths_have_their_quantiles():
    shares, quantiles = [0, 0.5, 0.9, 1], [1, 100, 1000, 5000]
    prompt, _ = arrivals.empirical_lengths(100_000, shares, quantiles, [1, 1, 1, 1], seed=5)
    assert np.quantile(prompt, [0.5, 0.9]) == pytest.approx([100, 1000], rel=0.1)


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: arrivals.poisson(100, 1.0, seed=seed),
        lambda seed: arrivals.diurnal(100, 1.0, 0.9, seed=seed),
        lambda seed: arrivals.bursts(100, 1.0, 3.0, every_s=10, length_s=1, seed=seed),
        lambda seed: arrivals.lognormal_lengths(100, (100, 1), (50, 1), seed=seed)[0],
        lambda seed: arrivals.empirical_lengths(100, [0, 1], [1, 99], [1, 9], seed=seed)[0],
    ],
)
def test_a_seed_fixes_what_is_drawn(draw):
    assert (draw(1) == draw(1)).all()
    assert (draw(1) != draw(2)).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: arrivals.poisson(0, 1.0), "count must be"),
        (lambda: arrivals.poisson(1, 0.0), "requests_per_s must be"),
        (lambda: arrivals.gamma(1, 1.0, -1), "variation must be"),
        (lambda: arrivals.diurnal(1, 1.0, 2.0), "swing must be"),
        (lambda: arrivals.bursts(1, 1.0, 2.0, every_s=1, length_s=2), "length_s < every_s"),
        (lambda: arrivals.empirical_lengths(1, [0, 2], [1, 2], [1, 2]), "shares must ascend"),
        (lambda: arrivals.empirical_lengths(1, [0, 1], [2, 1], [1, 2]), "prompt_quantiles must"),
        (lambda: arrivals.lognormal_lengths(1, (0, 1), (1, 1)), "the mean of prompt must be"),
    ],
)
def test_what_cannot_be_made_up_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
