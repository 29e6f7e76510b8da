"""A step whose products, attention and experts take what was measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from gigawatt.compute.dims import dims_of
from gigawatt.compute.hosting.measured.formats import formats_of
from gigawatt.compute.hosting.measured.kernels import ROUTING, Kernels
from gigawatt.compute.hosting.measured.tables import kernel_tables
from gigawatt.compute.hosting.step import step_parts
from gigawatt.errors import InputError, NotModelledError

if TYPE_CHECKING:
    from pathlib import Path

    from gigawatt.catalog.architecture import Architecture
    from gigawatt.compute.dims import Dims
    from gigawatt.compute.hosting.calibration import Server
    from gigawatt.compute.hosting.setting import ServingSetting
    from gigawatt.compute.hosting.step import Engine, Split, StepParts, Work
    from gigawatt.compute.network import Fabric

__all__ = [
    "KERNELS",
    "MeasuredParts",
    "measured_parts",
    "measured_step_parts",
    "unmeasured",
    "with_kernels",
]

KERNELS: Final = ("model", "measured")
"""Where the times of kernels come from."""

_BANDS: Final = "kernels measured: bands are those of the errors of the modelled kernels"


@dataclass(frozen=True)
class MeasuredParts:
    """Takes the place of `step_parts` for one model.

    Parameters
    ----------
    kernels : Kernels
        The measured kernels of that model.
    """

    kernels: Kernels

    @property
    def note(self) -> str:
        """Which kernels were measured, where, and in which formats."""
        return self.kernels.note

    def __call__(
        self, dims: Dims, split: Split, work: Work, engine: Engine, fabric: Fabric
    ) -> StepParts:
        """Return the time of one step of an instance, as `step_parts` does."""
        return measured_step_parts(dims, split, work, engine, fabric, self.kernels)


def with_kernels(
    server: Server, arch: Architecture, setting: ServingSetting, kernels: str
) -> tuple[Server, tuple[str, ...]]:
    """Return a server whose steps take the kernels asked for, and notes that say which.

    Parameters
    ----------
    server : Server
        As calibrated.
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats and engine.
    kernels : str
        One of `KERNELS`.

    Raises
    ------
    InputError
        If `kernels` is neither, or the package of tables is not installed.
    NotModelledError
        If a kernel that the model needs was not measured.
    """
    if kernels not in KERNELS:
        message = f"kernels must be one of {', '.join(KERNELS)}; found '{kernels}'"
        raise InputError(message)
    if kernels == "model":
        return server, ()
    parts = measured_parts(arch, setting)
    return replace(server, parts=parts), (parts.note, _BANDS)


def unmeasured(setting: ServingSetting) -> NotModelledError:
    """Return the error of a step with a size that the tables do not hold."""
    return NotModelledError(
        f"a kernel of a size that this split or load needs was not measured with "
        f"{setting.software} on {setting.chip.id}"
    )


def measured_parts(
    arch: Architecture,
    setting: ServingSetting,
    *,
    root: Path | None = None,
    version: str | None = None,
    routing: str = ROUTING,
) -> MeasuredParts:
    """Return what answers for steps of a model with measured kernels.

    Parameters
    ----------
    arch : Architecture
        The model.
    setting : ServingSetting
        Chip, formats and engine.
    root : Path, optional
        Folder of tables; by default that of the installed package ``aiconfigurator-core``.
    version : str, optional
        Version of the engine in the tables; by default the newest.
    routing : str
        How tokens were routed to experts.

    Raises
    ------
    InputError
        If the package is not installed.
    NotModelledError
        If a kernel that the model needs was not measured on this chip with this engine.
    """
    tables = kernel_tables(setting, root, version)
    dims = dims_of(arch)
    formats = formats_of(dims, setting, tables, routing)
    return MeasuredParts(Kernels(dims, tables, formats, routing))


def measured_step_parts(
    dims: Dims, split: Split, work: Work, engine: Engine, fabric: Fabric, kernels: Kernels
) -> StepParts:
    """Return the time of one step with measured products, attention and experts.

    Element-wise work, network, head and what the engine adds are those of `step_parts`. Its least
    time of a layer is left out: it stands for the launches and the synchronisation of kernels, and
    measured ones have theirs in them. What launching takes without a recorded graph stays.

    Parameters
    ----------
    dims, split, work, engine, fabric
        As of `step_parts`.
    kernels : Kernels
        Those of this model.

    Returns
    -------
    StepParts
        NaN where a size was not measured.
    """
    modelled = step_parts(dims, split, work, engine, fabric)
    found = replace(
        modelled,
        products_s=kernels.products_s(split, work)[()],
        experts_s=kernels.experts_s(split, work)[()],
        attention_s=kernels.attention_s(split, work)[()],
        launch_s=0.0,
        engine_s=0.0,
    )
    latent = np.where(dims.mla > 0, engine.eager_latent_s, 0.0)
    eager = dims.layers * (engine.eager_layer_s + latent) - found.total_s
    reads = np.greater(work.prompt_tokens, 0.0)
    launch = np.where(reads, np.maximum(eager, 0.0), 0.0)[()]
    return replace(found, launch_s=launch, engine_s=modelled.engine_s)
