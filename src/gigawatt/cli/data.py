"""``gigawatt data``: whether there is enough text to train on, and what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gigawatt.cli._options import examples, format_option, seed_option
from gigawatt.cli._text import heading, number, print_json, table, wrap
from gigawatt.cli._train_options import quantity

if TYPE_CHECKING:
    import datetime as dt

    from gigawatt.programme.data_supply.answer import DataSupply
    from gigawatt.programme.data_supply.curation import Passed

__all__ = ["command"]

_TOKENS = quantity("1", 1.0, 1e18)
_SHARE = quantity("ratio", 1e-9, 1.0)


@click.command(
    "data",
    epilog=examples(
        "gigawatt data --tokens '40 T' --when 2027-01-01",
        "gigawatt data --tokens '100 T' --share '10 %' --epochs 4 --keep '30 %'",
        "gigawatt data --tokens '15 T' --quality '8.7 %'",
        "gigawatt data --tokens '100 T' --share '10 %' --synthetic llama-3.1-405b --chip gb200",
        "gigawatt data --tokens '15 T' --format json",
    ),
)
@click.option(
    "--tokens", callback=_TOKENS, required=True, metavar="NUMBER", help="Tokens to train on."
)
@click.option(
    "--when",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2026-01-01",
    show_default=True,
    metavar="DATE",
    help="When the text is collected.",
)
@click.option(
    "--share",
    callback=_SHARE,
    default="100 %",
    show_default=True,
    metavar="SHARE",
    help="Part of the usable web that can be collected.",
)
@click.option(
    "--epochs",
    "most_epochs",
    type=click.FloatRange(min=1.0, max=1000.0),
    default=4.0,
    show_default=True,
    help="How often a token may be seen.",
)
@click.option(
    "--keep",
    "deduplicated_share",
    callback=_SHARE,
    metavar="SHARE",
    help="Part of the text left without duplicates; left out: that of FineWeb.",
)
@click.option(
    "--quality",
    "quality_share",
    callback=_SHARE,
    metavar="SHARE",
    help="Part of the usable text that a classifier of quality keeps; left out: none runs.",
)
@click.option(
    "--synthetic",
    "writer",
    metavar="MODEL",
    help="Model that writes what is lacking, as in 'gigawatt catalog model'.",
)
@click.option(
    "--chip",
    default="h100-sxm",
    show_default=True,
    metavar="CHIP",
    help="Accelerator on which it writes.",
)
@click.option(
    "--accepted",
    callback=_SHARE,
    default="100 %",
    show_default=True,
    metavar="SHARE",
    help="Part of the written text that passes the checks.",
)
@seed_option
@format_option
def command(style: str, when: dt.datetime, **asked: Any) -> None:  # noqa: ANN401  as they are
    """Whether there is enough text to train on, and what it takes.

    The stock is that of the indexed web, with its published ranges; curation takes the
    accelerator-hours that its makers published. What people label is 'gigawatt label'.
    """
    from gigawatt.programme.data_supply.answer import plan_data  # noqa: PLC0415  on demand

    found = plan_data(when=when.date(), **asked)
    if style == "json":
        print_json(found.record())
    else:
        click.echo(_text(found))


def _digits(value: float) -> str:
    return number(float(f"{value:.3g}"))


def _text(found: DataSupply) -> str:
    low, middle, high = (_digits(v) for v in found.unique_tokens)
    worth = f"worth {_digits(found.effective_tokens)} seen once"
    rest = "" if not found.lacking_tokens else ", those that are there"
    seen = f"seen {found.epochs:.3g} times{rest}" if found.epochs > 1 else "each seen once"
    rows = [
        ("there are", f"{middle} unique tokens (P10–P90 {low} to {high})"),
        ("wanted", f"{_digits(found.tokens)}, {seen}; {worth}"),
        ("chance", (f"{100 * found.chance_once:.0f} % that there are as many seen once, "
         f"{100 * found.chance_repeated:.0f} % seen {found.most_epochs:g} times")),
        ("lacking", _digits(found.lacking_tokens) if found.lacking_tokens else "nothing"),
    ]  # fmt: skip
    blocks = [
        "\n".join([heading(f"Text on {found.when}"), table(("", ""), rows, indent=2, folding=(1,))])
    ]
    stages = [
        (name, *(_digits(v) for v in (p.tokens_in, p.tokens_out)), *_hours(p))
        for name, p in found.curated.by_stage.items()
    ]
    in_all = (
        f"{found.curated.chip_hours:,.0f} H100-hours at {found.usd_per_chip_hour:.2f} USD, "
        f"{found.curated.cpu_hours:,.0f} CPU-hours: {found.curated.cost_usd:,.0f} USD"
    )
    head = ("stage", "tokens in", "tokens out", "H100-hours", "CPU-hours")
    drawn = table(head, stages, right=(1, 2, 3, 4), indent=2, folding=(0,))
    blocks.append("\n".join([heading("Curation"), drawn, f"  in all {in_all}"]))
    if found.synthetic is not None:
        made = found.synthetic
        span = f"{_digits(made.chip_hours_low)} to {_digits(made.chip_hours_high)}"
        blocks.append(
            f"{heading('Written by ' + str(found.writer))}\n  {_digits(made.chip_hours)} hours of "
            f"{found.chip} (P10–P90 {span}), "
            f"{made.tokens_per_s_per_chip.value:,.0f} tokens a second each"
        )
    blocks.append(_sets())
    notes = (wrap(f"- {one}", "  ") for one in found.notes)
    blocks.append("\n".join([heading("Notes"), *notes]))
    return "\n\n".join(blocks)


def _hours(passed: Passed) -> tuple[str, str]:
    hours = (passed.chip_hours, passed.cpu_hours)
    chips, cpus = (f"{v:,.0f}" if v else "" for v in hours)
    return chips, cpus


def _sets() -> str:
    from gigawatt.programme.data_supply.stock import text_sets  # noqa: PLC0415  on demand

    rows = [(one.medium, one.name, _digits(one.tokens)) for one in text_sets()]
    drawn = table(("from", "published set", "tokens"), rows, right=(2,), indent=2, folding=(1,))
    return "\n".join([heading("What others made of the stock, or beside it"), drawn])
