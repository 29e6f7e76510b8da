r"""Time of one training step from its layout.

A step is ``m`` micro-batches through a pipeline of ``p`` stages of ``v`` parts each, then the sum
of the gradients and the update:

.. math:: t = \left(m + \frac{p - 1}{v}\right) t_\mu + m\,t_{head} + t_{send} + t_{grad}
              + t_{update} + t_{fixed}

with :math:`t_\mu` the time of one micro-batch on the fullest stage [1]_. What overlaps with what:

- communication inside a layer (tensor, context, expert) is exposed to the share that `Overheads`
  states, the rest runs behind kernels;
- gradients are summed, and sharded parameters gathered, behind the kernels of one micro-batch, or
  of all of them with full sharding; what does not fit, and a share of the rest, is exposed;
- the host launches kernels ahead; where they are quicker than it, they wait.

References
----------
.. [1] D. Narayanan et al., "Efficient large-scale language model training on GPU clusters using
       Megatron-LM", SC21, arXiv:2104.04473, section 2.2.
.. [2] S. Rajbhandari et al., "ZeRO", SC20, arXiv:1910.02054: what is gathered and scattered when.
.. [3] P. Qi et al., "Zero bubble pipeline parallelism", arXiv:2401.10241, table 2: ZB-H1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.compute import collectives
from gigawatt.compute.training.layer import head_times, layer_times
from gigawatt.compute.training.layout import Recompute, Schedule
from gigawatt.compute.training.traffic import gradient_times, inner_traffic, stage_layers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gigawatt.compute.dims import Dims
    from gigawatt.compute.kernels import Rates
    from gigawatt.compute.network import Fabric
    from gigawatt.compute.training.layout import Layout

    Numbers = float | NDArray[Any]

__all__ = ["Block", "Machine", "Overheads", "StepTime", "assemble", "block_time", "step_time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheads:
    """What the software adds to the kernels, and what it hides behind them.

    Each field is a number or an array with one value for each case.

    Parameters
    ----------
    flash : float
        1 where attention keeps no scores.
    host_layer_s, host_moe_s, host_expert_s : float
        Time in which the host launches the kernels of one layer, forward and backward, what a layer
        of experts adds to it, and what each expert on the accelerator adds.
    tensor_exposed, expert_exposed, context_exposed : float
        Share of the communication inside a layer that its kernels do not hide.
    gradient_exposed : float
        Share of gradient and parameter traffic that is not hidden even where there is work enough.
    gradient_bytes : float
        Bytes of a gradient when it is summed.
    dispatch_bytes : float
        Bytes of one number of a token sent to its expert.
    node_dispatch : float
        1 where a token goes once to each domain that holds experts of its own, and is copied there;
        0 where it goes to each expert apart.
    step_s : float
        Fixed time of a step: data, logging, clipping, launching the optimizer.
    jitter : float
        Growth of a synchronous step with each doubling of the accelerators: all wait for the
        slowest.
    trained : float
        Share of the parameters that have gradients (1; near 0 with adapters).
    """

    flash: Numbers
    host_layer_s: Numbers
    host_moe_s: Numbers
    host_expert_s: Numbers
    tensor_exposed: Numbers
    expert_exposed: Numbers
    context_exposed: Numbers
    gradient_exposed: Numbers
    gradient_bytes: Numbers
    dispatch_bytes: Numbers
    node_dispatch: Numbers
    step_s: Numbers
    jitter: Numbers
    trained: Numbers = 1.0


@dataclass(frozen=True, slots=True)
class Machine:
    """Accelerator, network and software of a step."""

    rates: Rates
    fabric: Fabric
    overheads: Overheads


@dataclass(frozen=True, slots=True)
class StepTime:
    """Seconds of one step by what they are spent on; they add up to `total_s`.

    Parameters
    ----------
    compute_s : float or ndarray
        Kernels of the fullest stage, recomputation included.
    host_s : float or ndarray
        Waiting for the host to launch kernels.
    tensor_s, context_s, expert_s, pipeline_s, gradient_s : float or ndarray
        Communication that nothing hides, by kind.
    bubble_s : float or ndarray
        Idle stages at both ends of the pipeline.
    update_s : float or ndarray
        Optimizer.
    fixed_s : float or ndarray
        Fixed time of a step.
    jitter_s : float or ndarray
        Waiting for the slowest accelerator.
    """

    compute_s: Numbers
    host_s: Numbers
    tensor_s: Numbers
    context_s: Numbers
    expert_s: Numbers
    pipeline_s: Numbers
    gradient_s: Numbers
    bubble_s: Numbers
    update_s: Numbers
    fixed_s: Numbers
    jitter_s: Numbers

    @property
    def total_s(self) -> Numbers:
        """Seconds of the whole step."""
        total: Numbers = sum(getattr(self, f.name) for f in fields(self))
        return total


@dataclass(frozen=True, slots=True)
class Block:
    """Seconds of one mean layer on one micro-batch, by part, and of the output head.

    `weight_s` is the part of `compute_s` that makes weight gradients.
    """

    compute_s: Numbers
    host_s: Numbers
    tensor_s: Numbers
    context_s: Numbers
    expert_s: Numbers
    weight_s: Numbers
    head_s: Numbers

    @property
    def total_s(self) -> Numbers:
        """Seconds of the layer, without the head."""
        return self.compute_s + self.host_s + self.tensor_s + self.context_s + self.expert_s


def step_time(
    dims: Dims, layout: Layout, machine: Machine, seq_len: Numbers, global_batch: Numbers
) -> StepTime:
    """Return the time of one step.

    Parameters
    ----------
    dims : Dims
        The model, or one for each case.
    layout : Layout
        The layouts.
    machine : Machine
        Accelerator, network and software.
    seq_len, global_batch : float or ndarray
        Tokens of a sequence and sequences of a step.

    Returns
    -------
    StepTime
        With arrays over the cases.
    """
    block = block_time(dims, layout, machine, seq_len)
    return assemble(dims, layout, machine, (seq_len, global_batch), block)


def block_time(dims: Dims, layout: Layout, machine: Machine, seq_len: Numbers) -> Block:
    """Return the time of one mean layer, which neither pipeline nor data parallelism changes."""
    over = machine.overheads
    layer = layer_times(dims, layout, machine.rates, seq_len, over.flash)
    full = layout.recompute == Recompute.FULL
    weight = layer.weight_gradient * over.trained
    again = np.where(full, layer.forward, 0.0)
    if np.any(layout.recompute == Recompute.OPERATORS):
        most = layer.forward - layer.attention_forward - 0.5 * layer.products_forward
        again = np.where(layout.recompute == Recompute.OPERATORS, most, again)
    if np.any(np.less(over.flash, 1)):
        partly = (layout.recompute == Recompute.SELECTIVE) & np.less(over.flash, 1)
        again = again + np.where(partly, layer.attention_forward, 0.0)
    compute = layer.forward + layer.input_gradient + weight + again
    tensor, context, expert = inner_traffic(dims, layout, machine, seq_len)
    passes = 2.0 + full  # forward, backward, and a repetition
    experts = over.host_moe_s + over.host_expert_s * dims.experts / layout.ep
    host = over.host_layer_s + experts * dims.moe_layers / dims.layers
    host = host * (1.0 + full / 3.0)
    head_forward, head_backward = head_times(dims, layout, machine.rates, seq_len)
    return Block(
        compute_s=compute,
        # Both run unevenly: where they take equally long, each waits for the other at times.
        host_s=(compute**4 + host**4) ** 0.25 - compute,
        tensor_s=over.tensor_exposed * tensor * passes,
        # The backward pass sends keys and values round once more, and their gradients.
        context_s=over.context_exposed * context * (passes + 1.0),
        expert_s=over.expert_exposed * expert * passes,
        weight_s=weight,
        head_s=head_forward + head_backward,
    )


def assemble(
    dims: Dims, layout: Layout, machine: Machine, size: tuple[Numbers, Numbers], block: Block
) -> StepTime:
    """Return the step that a pipeline of such layers makes.

    Parameters
    ----------
    dims, layout, machine
        As of `step_time`.
    size : tuple
        Tokens of a sequence and sequences of a step.
    block : Block
        One layer of each layout.
    """
    seq_len, global_batch = size
    over, pp = machine.overheads, layout.pp
    micro = global_batch / (layout.dp * layout.micro_batch)
    stage = stage_layers(dims, pp)
    # Where stages cannot be equal, the first and the last get fewer layers for what else they do.
    head = np.where(dims.layers % pp == 0, block.head_s, 0.0)
    work = stage * block.total_s
    idle = work / layout.vpp
    if np.any(layout.schedule == Schedule.ZERO_BUBBLE):
        # ZB-H1 leaves (p - 1)(F + B - W) of the (p - 1)(F + B + W) [3]_.
        filled = np.maximum(work - 2.0 * stage * block.weight_s, 0.0)
        idle = np.where(layout.schedule == Schedule.ZERO_BUBBLE, filled, idle)
    tokens = layout.micro_batch * seq_len / layout.cp
    inside = layout.tp * layout.cp * layout.dp
    hop = collectives.send_s(machine.fabric, 2.0 * tokens * dims.hidden / layout.tp, inside)
    sends = np.where(pp > 1, 2.0 * hop * (pp - 1.0 + over.tensor_exposed * micro * layout.vpp), 0.0)
    busy = stage * (block.compute_s + block.host_s)
    gradient, update = gradient_times(dims, layout, machine, busy, micro)
    parts = {
        "compute_s": micro * (stage * block.compute_s + head),
        "host_s": micro * stage * block.host_s,
        "tensor_s": micro * stage * block.tensor_s,
        "context_s": micro * stage * block.context_s,
        "expert_s": micro * stage * block.expert_s,
        "pipeline_s": sends,
        "gradient_s": gradient,
        # Whatever the schedule, one micro-batch must pass all stages.
        "bubble_s": np.maximum((pp - 1.0) * idle, (pp - micro) * work),
        "update_s": update,
        "fixed_s": over.step_s,
    }
    without = sum(parts.values())
    return StepTime(**parts, jitter_s=without * over.jitter * np.log2(layout.accelerators))
