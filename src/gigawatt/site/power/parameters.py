"""What the power model learns from measurements: few parameters, each with a physical meaning.

See `gigawatt.compute.learnt` for what a role is. Those of the chip are shares of its rating, so
that a chip without measurements takes the shares of its generation, or of the forebear's. None
depends on a model or on a source of measurements. `gigawatt.site.power.calibration` reads their
values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gigawatt.compute.learnt import Role

__all__ = ["HOST_ROLES", "ROLES", "TASK_ROLES", "PowerSetting"]


@dataclass(frozen=True, slots=True)
class PowerSetting:
    """For what parameters hold.

    Parameters
    ----------
    generation : str
        Of the chip.
    cooling : str
        Of the host: ``air``, ``hybrid`` or ``liquid``; empty where no host is in the scope.
    task : str
        Kind of requests, where their length is not stated; else empty.
    """

    generation: str
    cooling: str = ""
    task: str = ""


def _all(_: PowerSetting) -> str:
    return ""


def _generation(setting: PowerSetting) -> str:
    return setting.generation


def _host(setting: PowerSetting) -> str | None:
    return setting.generation if setting.cooling else None


def _log(setting: PowerSetting) -> str | None:
    return "" if setting.cooling else None


def _cooling(setting: PowerSetting) -> str | None:
    return f"{setting.generation}|{setting.cooling}" if setting.cooling else None


def _fans(key: str) -> float:
    return _FANS[key.rpartition("|")[2]]


def _task(setting: PowerSetting) -> str | None:
    return setting.task or None


_PROMPTS: Final = {
    "gpqa": 250.0,
    "lm-arena-chat": 300.0,
    "image-chat": 800.0,
    "sourcegraph-fim": 2500.0,
    "video-chat": 3000.0,
}
"""Tokens of a prompt expected before any measurement: a question of science with its choices, a
message with some history, a picture in 0.5 to 1 thousand patches, the code around a gap, 32 frames
of a video."""
_PROMPT: Final = 500.0
_FANS: Final = {"air": 0.35, "hybrid": 0.1, "liquid": 0.02}


ROLES: Final = {
    role.name: role
    for role in (
        Role("idle", "power without work over the rating [1]", 0.13, 0.15, _generation),
        Role("active", "power with clocks up and a kernel waiting, over the rating [1]",
             0.2, 0.15, _generation),
        Role("memory", "power that the full bandwidth of the memory adds, over the rating [1]",
             0.9, 0.25, _generation),
        Role("cache", "power of a byte of keys and values over that of a byte of weights [1]",
             1.0, 0.3, _generation),
        Role("compute", "slope of power over the share of peak arithmetic, at little of it [1]",
             5.0, 0.4, _generation),
        Role("together", "power of waiting for others and of links, over the rating [1]",
             0.05, 0.7, _generation),
        Role("unpack", "power of scaling weights of experts block by block, over the rating [1]",
             0.2, 0.6, _all),
        Role("passes", "passes over the activations of a diffusion layer through memory [1]",
             15.0, 0.5, _all),
        Role("sharpness", "how sharply the power limit bends the power [1]", 3.0, 0.3, _all),
        Role("ceiling", "mean power at the limit over the limit [1]", 0.97, 0.3, _all, 1.0),
    )
}  # fmt: skip
"""Parameters of the accelerator, by name."""

HOST_ROLES: Final = {
    role.name: role
    for role in (
        Role("host_idle", "host without work over the nameplate beside the accelerators [1]",
             0.22, 0.2, _host),
        Role("host_busy", "what work adds to the host, over the same [1]", 0.08, 0.5, _host),
        Role("fans", "fans or pumps at the rated heat, over the same [1]",
             _fans, 0.5, _cooling),
        Role("scaling", "share of a strongly scaled step lost to waiting by each doubling [1]",
             0.08, 0.5, _log),
        Role("start", "seconds before and after the work in the log of a training run [s]",
             80.0, 0.4, _log),
        Role("gap", "share of the log of a served benchmark without work [1]", 0.15, 0.4, _log),
        Role("pauses", "share of a run in which it evaluates or saves, at idle power [1]",
             0.03, 0.4, _log),
        Role("swing", "95th percentile less median of power, over what is left to the most [1]",
             0.3, 0.4, _log),
    )
}  # fmt: skip
"""Parameters of the host and of the logs of its power, by name."""

TASK_ROLES: Final = {
    "prompt": Role(
        "prompt", "tokens of a prompt [1]", lambda key: _PROMPTS.get(key, _PROMPT), 0.35, _task
    )
}
"""Parameters of requests whose length nobody stated, by name."""
