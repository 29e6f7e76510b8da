"""``gigawatt label``: how many labels, people, days and dollars."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gigawatt.cli._options import examples, format_option
from gigawatt.cli._text import heading, number, print_json, table, wrap
from gigawatt.cli._train_options import quantity
from gigawatt.errors import InputError

if TYPE_CHECKING:
    from gigawatt.programme.labelling.plan import LabelPlan

__all__ = ["command"]

_SHARE = quantity("ratio", 0.0, 1.0)
_NOTES = (
    (
        "Annotators are taken to err on their own and alike. Who makes the same mistakes as others "
        "agrees with them more often than they are right: check with items whose answer is known."
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
    ),
)
@click.option("--items", callback=quantity("1", 1.0, 1e12), required=True, help="Items to label.")
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
    help="Part of the labels on items whose answer is known.",
)
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
    )
    if style == "json":
        print_json(asdict(plan))
    else:
        click.echo(_text(plan))


def _text(plan: LabelPlan) -> str:
    rows = [
        (
            "as many for all",
            f"{plan.votes}",
            f"{100 * plan.accuracy:.1f} %",
            number(float(f"{plan.labels:.4g}")),
            f"{plan.days:,.1f}",
            number(float(f"{plan.cost_usd:.4g}")),
        ),
        (
            "more while unsure",
            f"{plan.until_sure.mean_votes:.2f}",
            f"{100 * plan.until_sure.accuracy:.1f} %",
            number(float(f"{plan.labels_until_sure:.4g}")),
            f"{plan.days_until_sure:,.1f}",
            number(float(f"{plan.cost_until_sure_usd:.4g}")),
        ),
    ]
    head = ("labels an item", "mean", "answers right", "labels", "days", "USD")
    title = heading(
        f"{plan.items:,} items, {plan.classes} classes, annotators right in "
        f"{100 * plan.annotator_accuracy:.1f} %, asked for {100 * plan.target_accuracy:.1f} %"
    )
    notes = (wrap(f"- {one}", "  ") for one in _NOTES)
    drawn = table(head, rows, right=(1, 2, 3, 4, 5), indent=2, folding=(0,))
    return "\n".join([title, drawn, "", heading("Notes"), *notes])
