"""What a fleet did: arrays over its services and steps, and the totals that close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["FleetRun"]

_SECONDS: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRun:
    """A simulated fleet.

    Parameters
    ----------
    names : tuple of str
        Services.
    step_h : float
        Length of a step [h].
    instance_accelerators, input_tokens, output_tokens : ndarray (services,)
        Accelerators of one instance, and tokens of the mean request.
    asked, served : ndarray (services, steps)
        Requests in each step.
    wanted, there : ndarray (services, steps)
        Instances that scaling asks for, and that the pool gives.
    serving, starting, spare : ndarray (services, steps)
        Of those there, in the mean over the step: at work; starting, for the first time or after a
        failure; ready and not needed.
    ttft_s, tpot_s : ndarray (services, steps)
        Mean over the requests served [s]; not a number where there is none.
    service_power_w : ndarray (services, steps)
        All-in IT power of the instances there [W].
    failed, maintained, idle : ndarray (steps,)
        Accelerators out of order, under maintenance, and left over.
    idle_power_w : ndarray (steps,)
        IT power of those left over [W]. Those out of order or under maintenance are off.
    """

    names: tuple[str, ...]
    step_h: float
    instance_accelerators: Floats
    input_tokens: Floats
    output_tokens: Floats
    asked: Floats
    served: Floats
    wanted: Floats
    there: Floats
    serving: Floats
    starting: Floats
    spare: Floats
    ttft_s: Floats
    tpot_s: Floats
    service_power_w: Floats
    failed: Floats
    maintained: Floats
    idle: Floats
    idle_power_w: Floats

    @property
    def unserved(self) -> Floats:
        """Requests turned away, by service and step."""
        return self.asked - self.served

    @property
    def output_tokens_served(self) -> Floats:
        """Tokens answered, by service and step."""
        return self.served * self.output_tokens[:, np.newaxis]

    @property
    def output_tokens_unserved(self) -> Floats:
        """Tokens that were asked and not answered, by service and step."""
        return self.unserved * self.output_tokens[:, np.newaxis]

    @property
    def accelerators(self) -> Floats:
        """Accelerators of the services, by service and step."""
        return self.there * self.instance_accelerators[:, np.newaxis]

    @property
    def it_power_w(self) -> Floats:
        """IT power of the whole pool, by step [W]."""
        total: Floats = self.service_power_w.sum(axis=0) + self.idle_power_w
        return total

    @property
    def energy_per_output_token_j(self) -> Floats:
        """IT energy of its instances for each token answered, by service and step [J].

        Not a number where nothing is served. What the idle part of the pool draws is not in it.
        """
        tokens_per_s = self.output_tokens_served / (_SECONDS * self.step_h)
        nothing = np.full_like(tokens_per_s, np.nan)
        return np.divide(self.service_power_w, tokens_per_s, out=nothing, where=tokens_per_s > 0)

    def accelerator_hours(self) -> dict[str, float]:
        """Return the accelerator-hours of the whole time by what they were; all of them sum up."""
        size = self.instance_accelerators[:, np.newaxis]
        held = {n: getattr(self, n) * size for n in ("serving", "starting", "spare")}
        pool = {"failed": self.failed, "maintenance": self.maintained, "idle": self.idle}
        return {name: float(v.sum() * self.step_h) for name, v in {**held, **pool}.items()}
