"""What a grid allows, as data, and whether a waveform keeps to it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from gigawatt import catalog
from gigawatt.errors import InputError
from gigawatt.site.waveform.flicker import flicker_pst, voltage_change
from gigawatt.site.waveform.measures import dynamic_range_mw, filtered, ramps, spectrum

if TYPE_CHECKING:
    from gigawatt.site.waveform.render import Waveform

__all__ = ["Check", "Connection", "Specification", "Verdict", "check_waveform", "specification"]

_PER_MIN: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """Limits on the power at the point of interconnection; those that are None do not apply.

    Parameters
    ----------
    name : str
        Whose they are.
    ramp_up_mw_per_s, ramp_down_mw_per_s : float, optional
        Over `ramp_window_s` [MW/s].
    ramp_up_share_per_min, ramp_down_share_per_min : float, optional
        Over a minute, of the contracted power.
    ramp_window_s : float
        Window of the ramps [s].
    dynamic_range_mw, dynamic_range_share : float, optional
        Greatest difference within `range_window_s` [MW], or of the contracted power.
    range_window_s : float, optional
        Window of the range [s]; the whole waveform if None.
    band_low_hz, band_high_hz : float, optional
        The critical band.
    band_energy_share : float, optional
        Most of the fluctuation's energy in the band.
    filtered_range_mw : float, optional
        Greatest difference within `range_window_s` of the power filtered to the band [MW].
    band_amplitude_mw, band_amplitude_share : float, optional
        Greatest amplitude of one frequency of the band [MW], or over the contracted power.
    pst : float, optional
        Short-term flicker severity.
    """

    name: str
    ramp_up_mw_per_s: float | None = None
    ramp_down_mw_per_s: float | None = None
    ramp_up_share_per_min: float | None = None
    ramp_down_share_per_min: float | None = None
    ramp_window_s: float = 1.0
    dynamic_range_mw: float | None = None
    dynamic_range_share: float | None = None
    range_window_s: float | None = None
    band_low_hz: float | None = None
    band_high_hz: float | None = None
    band_energy_share: float | None = None
    filtered_range_mw: float | None = None
    band_amplitude_mw: float | None = None
    band_amplitude_share: float | None = None
    pst: float | None = None

    def __post_init__(self) -> None:
        caps = (
            self.band_energy_share, self.filtered_range_mw, self.band_amplitude_mw,
            self.band_amplitude_share,
        )  # fmt: skip
        capped = any(cap is not None for cap in caps)
        if capped and (self.band_low_hz is None or self.band_high_hz is None):
            message = f"specification '{self.name}' caps a band but does not say which"
            raise InputError(message)


@dataclass(frozen=True, slots=True)
class Connection:
    """The grid at the point of interconnection.

    Parameters
    ----------
    contracted_mw : float
        Power that shares refer to [MW].
    short_circuit_mva : float, optional
        Short-circuit power; needed for flicker [MVA].
    x_over_r : float
        Reactance of the grid over its resistance.
    lamp_v, line_hz : int
        Lamp of the flickermeter.
    """

    contracted_mw: float
    short_circuit_mva: float | None = None
    x_over_r: float = 10.0
    lamp_v: int = 120
    line_hz: int = 60


@dataclass(frozen=True, slots=True)
class Check:
    """One limit: what it allows, what was found, and whether it is kept."""

    limit: str
    allowed: float
    found: float
    unit: str

    @property
    def passed(self) -> bool:
        """Whether the limit is kept; a part in a million is left to rounding."""
        return self.found <= self.allowed * (1.0 + 1e-6)

    @property
    def excess(self) -> float:
        """By how much it is broken, 0 if it is kept."""
        return 0.0 if self.passed else self.found - self.allowed


@dataclass(frozen=True, slots=True)
class Verdict:
    """All limits of a specification, each with its amounts."""

    specification: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every limit is kept."""
        return all(check.passed for check in self.checks)


def specification(name: str) -> Specification:
    """Return a specification of the catalogue (kind ``grid_specification``)."""
    entry = catalog.load().get("grid_specification", name)
    numbers = {
        field.name: entry.number(field.name)
        for field in fields(Specification)
        if field.name != "name" and field.name in entry
    }
    return Specification(name=entry.id, **numbers)


def check_waveform(
    waveform: Waveform, wanted: Specification | str, connection: Connection
) -> Verdict:
    """Hold a waveform against a specification.

    Parameters
    ----------
    waveform : Waveform
        Power at the point of interconnection.
    wanted : Specification or str
        Limits, or the name of an entry of the catalogue.
    connection : Connection
        The grid there.

    Returns
    -------
    Verdict
        One check for each limit that applies, in the order of the fields.

    Raises
    ------
    InputError
        If flicker is limited and the short-circuit power is not known, or nothing is limited.
    NotModelledError
        If the waveform is too short or too coarse for a limit.
    """
    limits = specification(wanted) if isinstance(wanted, str) else wanted
    checks = [
        *_ramp_checks(waveform, limits, connection),
        *_range_checks(waveform, limits, connection),
        *_band_checks(waveform, limits, connection),
        *_flicker_checks(waveform, limits, connection),
    ]
    if not checks:
        message = f"specification '{limits.name}' limits nothing"
        raise InputError(message)
    return Verdict(limits.name, tuple(checks))


def _ramp_checks(waveform: Waveform, limits: Specification, at: Connection) -> list[Check]:
    checks = []
    if limits.ramp_up_mw_per_s is not None or limits.ramp_down_mw_per_s is not None:
        found = ramps(waveform, limits.ramp_window_s)
        for name, allowed, value in (
            ("ramp up", limits.ramp_up_mw_per_s, found.up_mw_per_s),
            ("ramp down", limits.ramp_down_mw_per_s, found.down_mw_per_s),
        ):
            if allowed is not None:
                checks.append(Check(name, allowed, value, "MW/s"))
    if limits.ramp_up_share_per_min is not None or limits.ramp_down_share_per_min is not None:
        found = ramps(waveform, _PER_MIN)
        scale = _PER_MIN / at.contracted_mw
        for name, allowed, value in (
            ("rise in a minute", limits.ramp_up_share_per_min, found.up_mw_per_s),
            ("fall in a minute", limits.ramp_down_share_per_min, found.down_mw_per_s),
        ):
            if allowed is not None:
                checks.append(Check(name, allowed, value * scale, "of contracted power"))
    return checks


def _range_checks(waveform: Waveform, limits: Specification, at: Connection) -> list[Check]:
    checks = []
    if limits.dynamic_range_mw is not None or limits.dynamic_range_share is not None:
        found = dynamic_range_mw(waveform, limits.range_window_s)
        if limits.dynamic_range_mw is not None:
            checks.append(Check("dynamic range", limits.dynamic_range_mw, found, "MW"))
        if limits.dynamic_range_share is not None:
            share = found / at.contracted_mw
            allowed = limits.dynamic_range_share
            checks.append(Check("dynamic range", allowed, share, "of contracted power"))
    return checks


def _band_checks(waveform: Waveform, limits: Specification, at: Connection) -> list[Check]:
    low, high = limits.band_low_hz, limits.band_high_hz
    if low is None or high is None:
        return []
    checks, lines = [], spectrum(waveform)
    name = f"in {low:g} to {high:g} Hz"
    if limits.filtered_range_mw is not None:
        found = dynamic_range_mw(filtered(waveform, low, high), limits.range_window_s)
        checks.append(Check(f"range {name}", limits.filtered_range_mw, found, "MW"))
    if limits.band_energy_share is not None:
        share = lines.band_energy_share(low, high)
        allowed = limits.band_energy_share
        checks.append(Check(f"energy {name}", allowed, share, "of the fluctuation"))
    amplitude = lines.band_peak(low, high).amplitude_mw
    if limits.band_amplitude_mw is not None:
        checks.append(Check(f"amplitude {name}", limits.band_amplitude_mw, amplitude, "MW"))
    if limits.band_amplitude_share is not None:
        share = amplitude / at.contracted_mw
        allowed = limits.band_amplitude_share
        checks.append(Check(f"amplitude {name}", allowed, share, "of contracted power"))
    return checks


def _flicker_checks(waveform: Waveform, limits: Specification, at: Connection) -> list[Check]:
    if limits.pst is None:
        return []
    if at.short_circuit_mva is None:
        message = "flicker depends on the short-circuit power of the grid; state it"
        raise InputError(message)
    change = voltage_change(waveform.power_mw, at.short_circuit_mva, x_over_r=at.x_over_r)
    found = flicker_pst(change, 1.0 / waveform.dt_s, lamp_v=at.lamp_v, line_hz=at.line_hz)
    return [Check("flicker Pst", limits.pst, found, "")]
