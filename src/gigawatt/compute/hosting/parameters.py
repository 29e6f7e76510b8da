"""What the serving model learns from measurements: few parameters, each with a physical meaning.

See `gigawatt.compute.learnt` for what a role is. None depends on a model or on a source of
measurements. `gigawatt.compute.hosting.calibration` turns values into an `Engine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gigawatt.compute.learnt import Role

if TYPE_CHECKING:
    from gigawatt.compute.hosting.setting import ServingSetting

__all__ = ["ROLES"]


def _all(_: ServingSetting) -> str:
    return ""


def _generation(setting: ServingSetting) -> str:
    return setting.generation


def _format(setting: ServingSetting) -> str:
    return f"{setting.generation}|{setting.arithmetic}"


def _cache(setting: ServingSetting) -> str:
    return f"{setting.generation}|{setting.software}"


def _software(setting: ServingSetting) -> str:
    return setting.software


def _runtime(setting: ServingSetting) -> str:
    return f"{setting.software}, compiled" if setting.compiled else setting.software


ROLES: Final = {
    role.name: role
    for role in (
        Role("gemm", "share of the format's peak that products over many tokens reach [1]",
             0.6, 0.3, _format, 0.95),
        Role("expert_gemm", "rate of the grouped products of experts over that of dense ones [1]",
             0.85, 0.15, _format, 1.0),
        Role("expert_tile", "rows that each expert's product computes in vain, to fill tiles [1]",
             48.0, 0.6, _generation),
        Role("expert_width", "inner width at which an expert's product reaches half its rate [1]",
             500.0, 0.5, _generation),
        Role("prefill_attention", "share of the BF16 peak that attention over prompts reaches [1]",
             0.45, 0.3, _generation, 0.9),
        Role("decode_attention", "share of the BF16 peak that decoding attention reaches [1]",
             0.35, 0.4, _generation, 0.9),
        Role("weight_stream", "share of the memory's peak at which weights are read [1]",
             0.75, 0.15, _generation, 0.95),
        Role("cache_stream", "share of the memory's peak at which keys and values are read [1]",
             0.6, 0.3, _cache, 0.95),
        Role("layer", "what a layer takes at least: launches, synchronisation [s]",
             25e-6, 0.5, _software),
        Role("expert_layer", "what a layer of experts adds to that [s]", 25e-6, 0.5, _software),
        Role("latent_layer", "what a layer with MLA adds to a step: its many small products [s]",
             15e-6, 0.7, _software),
        Role("eager_layer", "what launching a layer takes where prompts are read [s]",
             4e-4, 0.7, _software),
        Role("eager_latent", "what one with MLA adds to that [s]", 1e-3, 0.7, _software),
        Role("step", "what the engine adds to a step: scheduling, sampling [s]",
             1.5e-3, 0.5, _software),
        Role("sequence", "what it adds for each sequence [s]", 8e-6, 0.5, _software),
        Role("collective", "what a collective takes beside the wires [s]", 8e-6, 0.5, _software),
        Role("imbalance", "load of the fullest rank of experts over the mean, less 1 [1]",
             0.3, 0.3, _all),
        Role("first_token", "ingress, tokenizer and dispatch before the first token [s]",
             0.03, 0.6, _runtime),
        Role("waves", "share of requests that arrive together with all others [1]",
             0.2, 0.6, _software, 1.0),
        Role("echo", "waves that follow one that all requests begin, and stay together [1]",
             0.5, 0.7, _software),
        Role("hand_over", "what passing a request on to another instance takes beside wires [s]",
             0.05, 0.6, _software),
        Role("acceptance", "chance that a drafted token is kept, if all before it are [1]",
             0.8, 0.15, _all, 1.0),
        Role("yearly_gain", "overheads of an engine over those a year later [1]",
             1.2, 0.15, _software),
    )
}  # fmt: skip
"""Every kind of parameter, by name."""
