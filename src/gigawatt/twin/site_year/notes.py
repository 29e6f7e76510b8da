"""What a reader of a site year must know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt.site.it_power import ACTIVITIES
from gigawatt.site.power.calibration import measured
from gigawatt.twin.site_year.conditions import HEAT_WAVE_DAYS, RETURN_YEARS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gigawatt.twin.site_year.simulate import SiteYear

__all__ = ["notes", "warnings"]


def notes(site: SiteYear) -> tuple[str, ...]:
    """Return what was assumed and what is extrapolated, the most important first."""
    return tuple(_notes(site))


def warnings(site: SiteYear) -> tuple[str, ...]:
    """Return what in the answer deserves a second look."""
    found = []
    load = site.balance.losses.peak_load.max()
    if load > 1.0 + 1e-9:
        found.append(f"a stage of '{site.topology}' is loaded to {100.0 * load:.0f} % of its units")
    if site.campus.cooling.pue is not None:
        found.append("cooling.pue is not used here: PUE is an answer")
    if site.campus.cooling.wue_l_per_kwh is not None:
        found.append("cooling.wue_l_per_kwh is not used here: water is an answer")
    return tuple(found)


def _notes(site: SiteYear) -> Iterator[str]:
    shares = {a: 100.0 * float(site.installed.shares[a].mean()) for a in ACTIVITIES}
    told = ", ".join(f"{a.replace('_', ' ')} {s:.0f} %" for a, s in shares.items() if s >= 0.5)
    yield f"accelerators by what they do, mean of the year: {told}; the queue of training is full"
    unknown = [chip for chip in site.installed.chips if not measured(chip)]
    if unknown:
        yield f"extrapolated: no power was measured on the generation of {', '.join(unknown)}"
    yield (
        "bands are those of the power of servers; those of chain and plant are not published, and "
        "not in them"
    )
    yield (
        "the plant is built for the IT power of the halls and the hottest hour of the weather"
        f"{' as it was before' if site.warming_k or site.heat_wave else ''}"
    )
    if site.heat_wave:
        yield (
            f"the heat wave: {HEAT_WAVE_DAYS} days as hot as the hottest in {RETURN_YEARS} years "
            "by the synthetic years of the climate"
        )
    if site.question is not None:
        yield (
            "the job's waveform stands for a campus that draws its yearly mean otherwise; shares "
            f"of the specification are of {site.installed.limit_mw:,.0f} MW"
        )
    count = len({key for head in site.answers for key in head.facts})
    yield f"{count:,} published facts stand behind these answers; --format json names them"
