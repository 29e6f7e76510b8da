"""Shares and quotas of tenants.

What a tenant has used decays: with a half-life, accelerator-seconds count half. Between changes its
use is constant, so the decayed sum has a closed form.
"""

# mypy: disable-error-code="no-any-return"
# The elements of arrays are Any to mypy; Numba knows their types.

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gigawatt.cluster.kernel.columns import (
    AS_OF,
    C_FAIR,
    C_HALF_LIFE_S,
    C_LANES,
    C_QUOTAS,
    IN_USE,
    ORDER,
    PROMISED,
    QUOTA,
    SIZE,
    TENANT,
    TENANT_SHARE,
    USAGE,
)
from gigawatt.cluster.kernel.jit import jit, part

if TYPE_CHECKING:
    from gigawatt.cluster.kernel.columns import Setup, State


__all__ = ["charge", "sort_lanes", "within_quota"]

_LN2 = math.log(2.0)


@jit
def charge(c: Setup, s: State, tenant: int, t: int, change: int) -> None:
    """Bring a tenant's use up to `t`, then let it use `change` accelerators more."""
    if c[C_FAIR] > 0:
        _decay(c, s, tenant, t, int(s.tenant[tenant, IN_USE]))
    s.tenant[tenant, IN_USE] += change


@part
def _decay(c: Setup, s: State, tenant: int, t: int, in_use: int) -> None:
    """Bring the decayed use of a tenant up to `t`."""
    decay = _LN2 / c[C_HALF_LIFE_S]
    left = math.exp(-decay * (t - s.usage[tenant, AS_OF]))
    s.usage[tenant, USAGE] = s.usage[tenant, USAGE] * left + in_use / decay * (1 - left)
    s.usage[tenant, AS_OF] = t


@jit
def within_quota(c: Setup, s: State, j: int) -> bool:
    """Return whether the tenant of job `j` may use as many accelerators more, besides promises."""
    if c[C_QUOTAS] == 0:
        return True
    tenant = s.job[j, TENANT]
    used = s.tenant[tenant, IN_USE] + s.tenant[tenant, PROMISED]
    return used + s.job[j, SIZE] <= s.tenant[tenant, QUOTA]


@part
def sort_lanes(c: Setup, s: State, t: int) -> None:
    """Put the tenants in order: the one that has used least of its share first."""
    for tenant in range(c[C_LANES]):
        charge(c, s, tenant, t, 0)
        i = tenant
        while i > 0 and _need(s, int(s.tenant[i - 1, ORDER])) > _need(s, tenant):
            s.tenant[i, ORDER] = s.tenant[i - 1, ORDER]
            i -= 1
        s.tenant[i, ORDER] = tenant


@jit
def _need(s: State, tenant: int) -> float:
    """Return what a tenant has used, over its share."""
    return s.usage[tenant, USAGE] / s.usage[tenant, TENANT_SHARE]
