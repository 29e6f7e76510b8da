"""What a campus's compute buys as plain numbers and text, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gigawatt.programme.capability.compute import Frontier
    from gigawatt.programme.capability.rivals import Rival
    from gigawatt.twin.capability.runs import CampusCapability, RunCapability

__all__ = ["capability_record"]


def capability_record(found: CampusCapability) -> dict[str, Any]:
    """Return what ``gigawatt capability --format json`` prints; the glossary has its keys."""
    ask = found.ask
    return {
        "campus": found.campus.name,
        "by": None if ask.by is None else ask.by.isoformat(),
        "budget_usd": ask.budget_usd,
        "web_share": ask.web_share,
        "most_epochs": ask.most_epochs,
        "runs": [_run(run) for run in found.runs],
        "published": [
            {
                "released": one.released.isoformat(),
                "models": [_rival(rival) for rival in one.models],
                "others": [_rival(rival) for rival in one.others],
            }
            for one in found.standings
        ],
        "researchers": ask.researchers,
        "h100_equivalents_per_researcher": found.h100_equivalents_per_researcher,
        "frontier": _frontier(found.frontier),
    }


def _run(run: RunCapability) -> dict[str, Any]:
    return {
        "name": run.name,
        "model": run.model,
        "start": run.start.isoformat(),
        "end": run.end.isoformat(),
        "begun": run.begun,
        "finished": run.finished,
        "tokens": run.tokens,
        "params": run.params,
        "active_params": run.active_params,
        "training_flop": run.flop,
        "loss_nats": {
            "value": run.loss.loss_nats,
            "p10": run.loss.low_nats,
            "p90": run.loss.high_nats,
            "extrapolated": run.loss.extrapolated,
            "by_law": run.loss.laws_nats,
        },
        "compute_optimal": {
            "params": run.optimum.params,
            "tokens": run.optimum.tokens,
            "loss_nats": run.optimum.loss_nats,
            "tokens_by_llama_3": run.llama_tokens,
        },
        "overtraining": run.overtraining,
        "epochs": run.epochs,
        "capability_index": None
        if run.index is None
        else {
            "value": run.index.index,
            "p10": run.index.low,
            "p90": run.index.high,
            "extrapolated": run.index.extrapolated,
        },
        "capability_index_note": run.index_note,
        "limited_by": None if run.limits.enough else run.limits.binding.name,
        "reached_share": run.limits.reached_share,
        "limits": [
            {
                "name": limit.name,
                "tokens": limit.tokens[1],
                "tokens_p10": limit.tokens[0],
                "tokens_p90": limit.tokens[2],
                "lacks": limit.lacks,
            }
            for limit in run.limits.limits
        ],
        "rivals": [_rival(rival) for rival in run.rivals],
    }


def _rival(rival: Rival) -> dict[str, Any]:
    return {
        "name": rival.name,
        "developer": rival.developer,
        "released": None if rival.released is None else rival.released.isoformat(),
        "training_flop": rival.training_flop,
        "scores": rival.scores,
    }


def _frontier(frontier: Frontier) -> dict[str, Any]:
    return {
        "dates": [day.isoformat() for day in frontier.dates],
        "h100_equivalents": {
            owner: [float(v) for v in row]
            for owner, row in zip(frontier.owners, frontier.h100_equivalents, strict=True)
        },
        "facility_mw": {
            owner: [float(v) for v in row]
            for owner, row in zip(frontier.owners, frontier.facility_mw, strict=True)
        },
    }
