"""``gigawatt label``: how many labels, people, days and dollars."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gigawatt.cli._options import examples, format_option, seed_option
from gigawatt.cli._text import heading, number, print_json, table, wrap
from gigawatt.cli._train_options import quantity
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gigawatt.programme.labelling.plan import LabelPlan, Way

__all__ = ["command"]

_SHARE = quantity("ratio", 0.0, 1.0)
_NOTES = (
    (
        "Items go to annotators picked by chance, so the most voted answer depends on their mean "
        "accuracy only. How much they differ counts where a test lets the better ones in, or "
        "weighs their votes (--spread, --gold)."
    ),
    (
        "Annotators are taken to err on their own, into every wrong class alike. Who makes the "
        "same mistakes as others agrees with them more often than they are right: check with items "
        "whose answer is known."
    ),
    "Prices and agreement in the catalogue: 'gigawatt catalog labelling'.",
)


@click.command(
    "label",
    epilog=examples(
        "gigawatt label --items '1 million' --agreement '72.6 %' --target '95 %' "
        "--annotators 400 --per-hour 12 --price 1.2",
        "gigawatt label --items 50000 --accuracy '90 %' --target '99 %' --classes 5 "
        "--annotators 60 --per-hour 30 --price 0.4 --format json",
        "gigawatt label --items '1 million' --accuracy '80 %' --spread '10 %' --gold 40 "
        "--pass '80 %' --target '98 %' --annotators 400 --per-hour 12 --price 1.2",
    ),
)
@click.option(
    "--items",
    callback=quantity("1", 1.0, 1e12),
    required=True,
    metavar="NUMBER",
    help="Items to label.",
)
@click.option(
    "--accuracy", callback=_SHARE, metavar="SHARE", help="Share of an annotator's labels right."
)
@click.option(
    "--agreement",
    callback=_SHARE,
    metavar="SHARE",
    help="In place of it: how often two annotators give the same label.",
)
@click.option(
    "--target", callback=_SHARE, required=True, metavar="SHARE", help="Share of answers right."
)
@click.option("--annotators", type=click.IntRange(min=1), required=True, help="People at work.")
@click.option(
    "--per-hour",
    "labels_per_hour",
    type=click.FloatRange(min=0.0, min_open=True),
    required=True,
    help="Labels an annotator gives in an hour.",
)
@click.option(
    "--hours",
    "hours_per_day",
    type=click.FloatRange(min=0.0, max=24.0, min_open=True),
    default=8.0,
    show_default=True,
    help="Hours of work a day.",
)
@click.option(
    "--price",
    "usd_per_label",
    type=click.FloatRange(min=0.0),
    required=True,
    metavar="USD",
    help="Price of a label.",
)
@click.option(
    "--classes", type=click.IntRange(2, 20), default=2, show_default=True, help="Answers to choose."
)
@click.option(
    "--tests",
    "test_share",
    callback=quantity("ratio", 0.0, 0.99),
    default="5 %",
    show_default=True,
    metavar="SHARE",
    help="Part of the labels on items whose answer is known.",
)
@click.option(
    "--spread",
    "accuracy_spread",
    callback=_SHARE,
    default="0 %",
    show_default=True,
    metavar="SHARE",
    help="Standard deviation of accuracy between those who apply.",
)
@click.option(
    "--gold",
    "gold_items",
    type=click.IntRange(0, 10_000),
    default=0,
    show_default=True,
    metavar="ITEMS",
    help="Items of known answer that each who applies labels first.",
)
@click.option(
    "--pass",
    "gold_right_share",
    callback=_SHARE,
    default="0 %",
    show_default=True,
    metavar="SHARE",
    help="Part of these that must be right.",
)
@seed_option
@format_option
def command(  # noqa: PLR0913  the options
    *,
    items: float,
    accuracy: float | None,
    agreement: float | None,
    target: float,
    annotators: int,
    labels_per_hour: float,
    hours_per_day: float,
    usd_per_label: float,
    classes: int,
    test_share: float,
    accuracy_spread: float,
    gold_items: int,
    gold_right_share: float,
    seed: int,
    style: str,
) -> None:
    """Plan human labels: how many, in how many days, at what cost.

    State how often annotators are right (--accuracy), or how often two of them agree (--agreement).
    """
    if (accuracy is None) == (agreement is None):
        message = "state either --accuracy or --agreement; found " + (
            "neither" if accuracy is None else "both"
        )
        raise InputError(message)
    if accuracy_spread and not gold_items:
        message = "--spread alone changes nothing: state --gold, the items of a test"
        raise InputError(message)
    if gold_items and not accuracy_spread:
        message = "--gold tells annotators of different skill apart: state --spread above 0"
        raise InputError(message)
    from gigawatt.programme.labelling.plan import plan_labels  # noqa: PLC0415  on demand
    from gigawatt.programme.labelling.votes import accuracy_from_agreement  # noqa: PLC0415

    right = accuracy
    if right is None and agreement is not None:
        right = accuracy_from_agreement(agreement, classes)
    plan = plan_labels(
        round(items),
        annotator_accuracy=right or 0.0,
        target_accuracy=target,
        usd_per_label=usd_per_label,
        annotators=annotators,
        labels_per_hour=labels_per_hour,
        hours_per_day=hours_per_day,
        classes=classes,
        test_share=test_share,
        accuracy_spread=accuracy_spread,
        gold_items=gold_items,
        gold_right_share=gold_right_share,
        seed=seed,
    )
    if style == "json":
        print_json(asdict(plan))
    else:
        click.echo(_text(plan))


def _text(plan: LabelPlan) -> str:
    ways = [("as many for all", plan.same_for_all), ("more while unsure", plan.until_sure)]
    if plan.weighed is not None:
        ways.append(("as many, weighed by the test", plan.weighed))
    head = ("labels an item", "mean", "answers right", "labels", "days", "USD")
    drawn = table(
        head, [_row(n, w) for n, w in ways], right=(1, 2, 3, 4, 5), indent=2, folding=(0,)
    )
    lines = [
        heading(
            f"{plan.items:,} items, {plan.classes} classes, annotators right in "
            f"{100 * plan.annotator_accuracy:.1f} %, asked for {100 * plan.target_accuracy:.1f} %"
        ),
        drawn,
    ]
    lines += [wrap(one, "  ") for one in _known(plan)]
    notes = (wrap(f"- {one}", "  ") for one in _NOTES)
    return "\n".join([*lines, "", heading("Notes"), *notes])


def _row(name: str, way: Way) -> tuple[str, ...]:
    return (
        name,
        f"{way.votes:.3g}",
        f"{100 * way.accuracy:.1f} %",
        number(float(f"{way.labels:.4g}")),
        f"{way.days:,.1f}",
        number(float(f"{way.cost_usd:.4g}")),
    )


def _known(plan: LabelPlan) -> Iterable[str]:
    team = plan.team
    if team is not None:
        yield (
            f"Test: {plan.applicants:,.0f} apply, {100 * team.pass_share:.0f} % have at least "
            f"{team.least_right} of {team.gold_items} right. Those are right in "
            f"{100 * team.accuracy:.1f} % (±{100 * team.spread:.1f} points between them), all who "
            f"apply in {100 * team.applicant_accuracy:.1f} % (±{100 * team.applicant_spread:.1f})."
        )
    if plan.accuracy_error is not None:
        yield (
            f"At work each meets {plan.known_items_each:,.0f} items of known answer, which tell "
            f"how often he is right to ±{100 * plan.accuracy_error:.1f} points."
        )
