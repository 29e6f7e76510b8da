r"""What a fleet draws and costs while its load rises and falls, from the timeline of a simulation.

Accelerators that wait draw what idle ones do. While an instance works, its power follows the speed
at which it works, as in `gigawatt.compute.hosting.fleet.surface`,

.. math:: P = P_{idle} + u\,(P_{full} - P_{idle})\,x^{a}, \qquad
          x = \frac{v_{in}\,t_{in} + v_{out}\,t_{out}}{u}

with :math:`u` the share of the time in which it works, :math:`v` the tokens a second that it reads
and makes, and :math:`t_{in}`, :math:`t_{out}` what one such token takes of a full instance. So
:math:`x` is 1 at full load, whatever the mix of reading and answering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.compute.bands import Estimate
from gigawatt.compute.hosting.fleet.surface import LOAD_EXPONENT, rated_power_w
from gigawatt.compute.hosting.planning.upkeep import upkeep_of
from gigawatt.compute.hosting.replay.goals import Band
from gigawatt.compute.hosting.replay.report import Spending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gigawatt.catalog import Entry
    from gigawatt.compute.hosting.engine.config import EngineConfig
    from gigawatt.compute.hosting.engine.latency import Latency
    from gigawatt.compute.hosting.engine.results import Requests
    from gigawatt.compute.hosting.replay.goals import Runs

__all__ = ["FullLoad", "full_load", "it_energy_j", "spending_of"]


@dataclass(frozen=True, slots=True)
class FullLoad:
    """What a token takes of an instance that is full.

    Parameters
    ----------
    prompt_s, output_s : float
        Seconds of a token that is read, and of one that is made.
    """

    prompt_s: float
    output_s: float


def full_load(
    latency: Latency,
    engine: EngineConfig,
    input_tokens: float,
    output_tokens: float,
    groups: int = 1,
) -> FullLoad:
    """Return what tokens take of an instance with as many requests as memory and engine allow.

    Parameters
    ----------
    latency : Latency
        Time of a batch.
    engine : EngineConfig
        The engine; the replica with the least memory counts.
    input_tokens, output_tokens : float
        Of the mean request.
    groups : int
        Attention groups of an instance, each of which reads prompts.
    """
    context = input_tokens + 0.5 * output_tokens
    room = float(engine.each("kv_blocks").min()) * engine.block_tokens / context
    most = max(min(room, float(engine.each("max_sequences").min())) / engine.stages, 1.0)
    width = 1 + engine.draft_tokens
    chunk = max(min(input_tokens, float(engine.budget_tokens().min()) / groups), 1.0)
    decodes = {
        "decodes": most,
        "decode_tokens": most * width,
        "decode_context": most * context,
        "samples": most,
    }
    stages = engine.stages
    alone = float(latency.seconds(stages, tokens=most * width, **decodes)[0])
    both = latency.seconds(
        stages, tokens=most * width + groups * chunk, prefills=groups,
        prefill_tokens=groups * chunk, prefill_pairs=0.5 * groups * chunk * (chunk + 1.0),
        **decodes,
    )  # fmt: skip
    yielded = engine.accepted_per_step or _yielded(engine.acceptance, engine.draft_tokens)
    return FullLoad((float(both[0]) - alone) / (groups * chunk), alone / (most * yielded))


def _yielded(acceptance: float, drafts: int) -> float:
    """Return the tokens that a step yields in the mean, as drafts are accepted one by one."""
    return float(sum(acceptance**k for k in range(drafts + 1)))


def it_energy_j(
    found: Requests,
    engine: EngineConfig,
    full: FullLoad,
    chips: float,
    power_w: tuple[float, float],
) -> float:
    """Return the IT energy of all instances over a simulation [J].

    Parameters
    ----------
    found : Requests
        The simulation.
    engine : EngineConfig
        The engine.
    full : FullLoad
        What a token takes at full load.
    chips : float
        Accelerators of an instance.
    power_w : tuple of float
        Of an accelerator with all that serves it, idle and at full load [W].
    """
    line = found.timeline
    pools = line.utilisation.shape[0]
    replicas = np.array(engine.pools[:pools], float)[:, None]
    busy = np.clip(line.utilisation, 0.0, 1.0)
    work = line.prefill_tokens_per_s * full.prompt_s + line.output_tokens_per_s * full.output_s
    speed = np.clip(work / replicas / np.maximum(busy, 1e-12), 0.0, 1.0)
    idle, top = power_w
    # The last bucket ends with the last token; what is in it was divided by its whole width.
    width = np.clip(found.end_s - line.begin_s, 0.0, line.bucket_s)
    above = (top - idle) * busy * speed**LOAD_EXPONENT * line.bucket_s
    return float(((idle * width + above) * replicas * chips).sum())


def spending_of(
    chip: Entry,
    accelerators: int,
    runs: Runs,
    energy_j: Sequence[float] | None,
    *,
    usd_per_chip_hour: float | None,
    pue: float | None,
) -> Spending:
    """Return what a fleet draws and costs over a replay.

    Parameters
    ----------
    chip : Entry
        Accelerator of the catalogue.
    accelerators : int
        Of the whole fleet.
    runs : Runs
        The replay.
    energy_j : sequence of float or None
        IT energy of the central, the fast and the slow run [J]; None where the catalogue has no
        all-in power of the chip.
    usd_per_chip_hour, pue : float, optional
        In place of the catalogue's.
    """
    trace = runs.central.trace
    output, every = (
        float(tokens.sum())
        for tokens in (trace.output_tokens, trace.output_tokens + trace.prompt_tokens)
    )
    each = (runs.central, runs.fast, runs.slow)
    took = [one.end_s - float(trace.arrival_s[0]) for one in each]
    rate = Estimate(output / took[0], output / took[2], output / took[1], 0, ())
    one = upkeep_of(
        chip, accelerators, rate, every / output, usd_per_chip_hour=usd_per_chip_hour, pue=pue
    )
    notes = [note for note in one.notes if not note.startswith("power: ")]
    it_kw, facility_kw, joules = None, None, None
    if energy_j is None:
        notes.insert(0, f"power: no all-in IT power is published for {chip.id}")
    else:
        it_kw = energy_j[0] / took[0] / 1e3
        facility_kw = it_kw * one.pue
        per = sorted(j * one.pue / output for j in energy_j)
        joules = Band(per[1], per[0], per[2])
        idle, full, rated = rated_power_w(chip)
        notes.insert(
            0,
            f"power: {100 * idle / rated:.0f} % of the all-in rating ({chip['all_in_it_kw'].key}) "
            f"without work and {100 * full / rated:.0f} % at full load, in between by the "
            f"speed at which an instance works, to the power of {LOAD_EXPONENT:g}",
        )
    return Spending(
        rated_it_kw=one.rated_it_kw,
        it_kw=it_kw,
        facility_kw=facility_kw,
        pue=one.pue,
        joules_per_output_token=joules,
        usd_per_chip_hour=one.usd_per_chip_hour,
        usd_per_million_output_tokens=one.usd_per_million_output_tokens,
        usd_per_million_tokens=one.usd_per_million_tokens,
        notes=tuple(notes),
    )
