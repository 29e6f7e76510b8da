"""What a campus's compute buys, as text: its runs with limits and rivals, and who has how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gigawatt.cli._text import dim, heading, number, table, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gigawatt.programme.capability.rivals import Rival
    from gigawatt.programme.limits import Limit
    from gigawatt.twin.capability.runs import CampusCapability, RunCapability

__all__ = ["capability_text"]

_OWNERS: Final = 8
_SHOWN: Final = {
    "gpqa_diamond": "GPQA",
    "math_level_5": "MATH 5",
    "otis_aime": "AIME",
    "frontiermath": "FrontierMath",
    "swe_bench_verified": "SWE-bench",
}
_NOTES: Final = (
    (
        "The loss is in nats a token of MassiveText, by laws for dense models; for a mixture of "
        "experts it takes the active parameters, so its true loss is lower."
    ),
    (
        "Compute and money are counted for each run as if no other followed it until the end of "
        "the horizon."
    ),
    (
        "The index is that of a general model released at the end of its pre-training; what later "
        "training adds is in its rise with the years."
    ),
    (
        "The stock of text is that of the whole indexed web; what one company may collect of it is "
        "'--web-share'."
    ),
    (
        "Scores are the shares solved in runs by Epoch AI, not by the makers; FLOP is its "
        "estimate of the training compute."
    ),
    (
        "Compute of companies: the large AI campuses of the catalogue, by the first named user of "
        "each; dates to come slip (gigawatt buildout)."
    ),
)


def capability_text(found: CampusCapability) -> str:
    """Return what ``gigawatt capability`` prints."""
    return "\n\n".join(_blocks(found))


def _blocks(found: CampusCapability) -> Iterable[str]:
    yield heading(f"{found.campus.name}: what its training buys")
    shown: set[tuple[str, ...]] = set()
    for run in found.runs:
        yield _run(run)
        names = tuple(r.id for r in run.rivals)
        if names not in shown and names:
            yield _rivals(f"best models known by {run.end}", run.rivals)
        shown.add(names)
    for one in found.standings:
        title = heading(f"As published on {one.released}, beside the best of 18 months before")
        yield f"{title}\n{_rivals('model', (*one.models, *one.others))}"
    yield _frontier(found)
    lines = (wrap(f"- {one}", "  ") for one in _NOTES)
    yield "\n".join([heading("Notes"), *lines])


def _digits(value: float) -> str:
    """Return three digits, with a word for the size."""
    return number(float(f"{value:.3g}"))


def _run(run: RunCapability) -> str:
    best, loss = run.optimum, run.loss
    done = f"{run.start} to {run.end}, done"
    if not run.finished:
        done = f"{'not done' if run.begun else 'not begun'} by {run.end}, the end of the horizon"
    sparse = f" ({_digits(run.active_params)} active)" if run.active_params < run.params else ""
    beyond = ", beyond the runs of the law" if loss.extrapolated else ""
    kind = f"{run.overtraining:,.3g} x the tokens a parameter of the best model for its compute"
    dense = f"{_digits(best.params)} dense parameters on {_digits(best.tokens)} tokens"
    band = f"P10–P90 {loss.low_nats:.2f} to {loss.high_nats:.2f}{beyond}"
    rows = [
        ("model", f"{run.model}: {_digits(run.params)} parameters{sparse}"),
        ("trained", f"{_digits(run.tokens)} tokens, {done}"),
        ("compute", f"{run.flop:.3g} FLOP; {kind}"),
        ("best for it", f"{dense}; by the law of Llama 3 {_digits(run.llama_tokens)} tokens"),
        ("loss", f"{loss.loss_nats:.2f} nats ({band})"),
        ("index", _index(run)),
        ("limited by", _limited(run)),
        *(("", _limit(limit)) for limit in run.limits.limits),
    ]
    text = table(("", ""), rows, indent=2, folding=(1,))
    return "\n".join([heading(run.name), text])


def _limit(limit: Limit) -> str:
    low, middle, high = (_digits(v) for v in limit.tokens)
    lacks = f"; lacks {limit.lacks}" if limit.lacks else ""
    if not limit.tokens[2]:
        return f"{limit.name}: no tokens{lacks}"
    return f"{limit.name}: {middle} tokens (P10–P90 {low} to {high}){lacks}"


def _index(run: RunCapability) -> str:
    if run.index is None:
        return f"not answered: {run.index_note}"
    beyond = ", beyond the models known" if run.index.extrapolated else ""
    return (
        f"{run.index.index:.0f} on Epoch AI's scale (P10–P90 {run.index.low:.0f} to "
        f"{run.index.high:.0f}{beyond})"
    )


def _limited(run: RunCapability) -> str:
    if run.limits.enough:
        name = run.limits.binding.name
        return f"nothing; first by {name}, at {_digits(run.limits.binding.tokens[1])} tokens"
    share = 100.0 * run.limits.reached_share
    return f"{run.limits.binding.name}: {share:.0f} % of the tokens"


def _rivals(title: str, found: tuple[Rival, ...]) -> str:
    scores = [s for s in _SHOWN if any(s in r.scores for r in found)]
    header = (title, "released", "FLOP", "index", *(_SHOWN[s] for s in scores))
    rows = [
        (
            f"{r.name} ({r.developer})",
            "" if r.released is None else r.released.isoformat(),
            "unknown" if r.training_flop is None else f"{r.training_flop:.2g}",
            f"{r.scores['capability_index']:.0f}",
            *(f"{100 * r.scores[s]:.0f} %" if s in r.scores else "" for s in scores),
        )
        for r in found
    ]
    return table(header, rows, right=range(2, 4 + len(scores)), indent=2, folding=(0,))


def _frontier(found: CampusCapability) -> str:
    frontier, owner = found.frontier, found.campus.owner
    shown = [i for i, day in enumerate(frontier.dates) if frontier.h100_equivalents[:, i].any()]
    header = ("thousand H100 equivalents", *(f"{frontier.dates[i]:%Y}" for i in shown))
    rows = [
        (name, *(f"{frontier.h100_equivalents[k, i] / 1e3:,.0f}" for i in shown))
        for k, name in enumerate(frontier.owners[:_OWNERS])
    ]
    lines = [
        heading("Compute of companies at the start of each year"),
        table(header, rows, right=range(1, len(header)), indent=2, folding=(0,)),
    ]
    each = found.h100_equivalents_per_researcher
    if each is not None:
        day = frontier.dates[-1]
        lines.append(dim(f"  {owner}: {_digits(each)} H100 equivalents a researcher on {day}"))
    elif found.ask.researchers is not None:
        lines.append(dim(f"  {owner or 'The owner'}: no campus of its own use is known"))
    return "\n".join(lines)
