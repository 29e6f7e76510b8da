r"""Power of a server from that of its accelerators: host, fans or pumps, power supplies.

All powers are for one accelerator with its share of the host. With the nameplate beside the
accelerators :math:`R` (processors, memory, network cards, switches, fans at their most),

.. math:: P_{DC} = P_a + R \left(h_0 + h_1 w + f \max(\phi_0, x^2)\right), \qquad
          P_{AC} = P_{DC} + L(P_{DC})

with work :math:`w` between 0 and 1 and heat over rated heat :math:`x`: the flow that carries heat
away grows with the heat, and the power of a fan with the cube of the flow [1]_; as air leaves the
warmer the more heat it carries, that is about the square of the heat. :math:`L` is the
loss of supplies that just earn the label 80 PLUS Titanium [2]_, so real ones lose less.

References
----------
.. [1] ASHRAE Handbook, HVAC Systems and Equipment 2020, chapter 21: fan laws.
.. [2] CLEAResult, "80 PLUS certified power supplies": 230 V internal redundant, Titanium: 90, 94,
       96 and 91 % at 10, 20, 50 and 100 % of the rating.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = float | NDArray[Any]

__all__ = ["HostPower", "NodePower", "node_power_w", "psu_loss_share"]

_LOADS: Final = (0.0, 0.1, 0.2, 0.5, 1.0)
_EFFICIENCIES: Final = (0.9, 0.94, 0.96, 0.91)
_FAN_FLOOR: Final = 0.1
"""Power of fans at their lowest speed over that at full speed: about half the speed, cubed."""
_FAN_LAW: Final = 2.0
"""Exponent of the power of fans over heat: it grows with the cube of the flow, and the flow with
two thirds of a power of the heat, as air leaves the warmer the more heat it carries."""
_SPARE: Final = 1.94
"""Rating of the supplies over that of the server: 6 x 3.3 kW, of which 4 are enough, in a DGX H100
rated 10.2 kW (NVIDIA, DGX H100/H200 user guide, power specifications)."""


def _losses() -> tuple[float, ...]:
    losses = [x * (1.0 / e - 1.0) for x, e in zip(_LOADS[1:], _EFFICIENCIES, strict=True)]
    # Towards no load the loss goes on falling as between the two smallest certified loads.
    return (2.0 * losses[0] - losses[1], *losses)


_LOSSES: Final = _losses()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPower:
    """What stands around one accelerator; each field a number or an array.

    Parameters
    ----------
    beside_w : float
        Nameplate of the server beside the accelerators, for one accelerator.
    idle, busy, fans : float
        Shares of it: without work, added by work, and of fans or pumps at the rated heat.
    rated_w : float
        Nameplate for one accelerator, which the supplies are sized for.
    """

    beside_w: Numbers
    idle: Numbers
    busy: Numbers
    fans: Numbers
    rated_w: Numbers


@dataclass(frozen=True, slots=True)
class NodePower:
    """Power of one accelerator with its share of the server [W]; sums of parts are exact.

    Parameters
    ----------
    accelerator_w, host_w, fans_w : float or ndarray
        Parts of `dc_w`.
    psu_loss_w : float or ndarray
        Lost in the power supplies.
    """

    accelerator_w: Numbers
    host_w: Numbers
    fans_w: Numbers
    psu_loss_w: Numbers

    @property
    def dc_w(self) -> Numbers:
        """Behind the power supplies."""
        return self.accelerator_w + self.host_w + self.fans_w

    @property
    def ac_w(self) -> Numbers:
        """At the wall."""
        return self.dc_w + self.psu_loss_w


def node_power_w(host: HostPower, accelerator_w: Numbers, work: Numbers = 1.0) -> NodePower:
    """Return the power of a server for each of its accelerators.

    Parameters
    ----------
    host : HostPower
        The server (`gigawatt.site.power.calibration.host_power`).
    accelerator_w : float or ndarray
        Mean power of an accelerator.
    work : float or ndarray
        How busy the host is, 0 to 1.

    Examples
    --------
    >>> from gigawatt.site.power.calibration import host_power
    >>> node = node_power_w(host_power("dgx-h100"), 660.0)
    >>> 8000 < 8 * float(node.ac_w) < 8800  # 8.4 kW were the most observed (arXiv:2412.08602)
    True
    """
    host_w = host.beside_w * (host.idle + host.busy * work)
    heat = (accelerator_w + host_w) / host.rated_w
    fans = host.beside_w * host.fans * np.maximum(_FAN_FLOOR, heat**_FAN_LAW)
    dc = accelerator_w + host_w + fans
    supplies = _SPARE * host.rated_w
    return NodePower(accelerator_w, host_w, fans, supplies * psu_loss_share(dc / supplies))


def psu_loss_share(load: Numbers) -> Numbers:
    """Return the loss of power supplies over their rating.

    Parameters
    ----------
    load : float or ndarray
        Power delivered over the rating.
    """
    found: Numbers = np.interp(load, _LOADS, _LOSSES)
    return found
