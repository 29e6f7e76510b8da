"""Which release of which kind of software a row of measurements names."""

from __future__ import annotations

import re
from typing import Final

from gigawatt.compute.training.stack import FAMILIES, Stack

__all__ = ["stack_in"]

_RELEASES: Final = (
    # what the software column says -> family, and how its date is read
    (r"Megatron-Bridge NeMo (\d\d)\.(\d\d)", "megatron"),
    (r"MaxText; dgxc-benchmarking v(\d\d)\.(\d\d)", "xla"),
    (r"PaxML; dgxc-benchmarking v(\d\d)\.(\d\d)", "xla"),
    (r"dgxc-benchmarking v(\d\d)\.(\d\d)", "megatron"),
    (r"NeMo Framework Release (\d\d)\.(\d\d)", "megatron"),
    (r"NeMo Megatron Release (\d\d)\.(\d\d)", "megatron"),
    (r"NVIDIA Release (\d\d)\.(\d\d)", "megatron"),
    (r"NeMo Launcher (\d\d)\.(\d\d)", "megatron"),
    (r"NeMo (\d\d)\.(\d\d)", "megatron"),
    (r"torchtitan (\d{4})-(\d\d)", "torchtitan"),
)
_DATED: Final = (
    # what the software column says -> family and the year of the release or paper
    (r"MLPerf Training v3\.0 NVIDIA NeMo", "megatron", 2023.3),
    (r"MLPerf Training v3\.1 PAX", "xla", 2023.75),
    (r"MLPerf Training v4\.0 maxtext", "xla", 2024.3),
    (r"MLPerf Training v4\.1 maxtext", "xla", 2024.75),
    (r"MLPerf Training v3\.\d PyTorch [12]\.\d+\.\d", "habana", 2023.5),
    (r"MLPerf Training v4\.\d PyTorch 2", "habana", 2024.3),
    (r"Megatron-Core r0\.8\.0", "megatron", 2024.5),
    (r"NeMo-Megatron 23", "megatron", 2023.4),
    (r"Megatron-DeepSpeed", "deepspeed", 2022.1),
    (r"Megatron-LM 2020", "megatron", 2020.4),
    (r"Megatron-LM (Jan )?2021", "megatron", 2021.1),
    (r"Megatron-LM 2022", "megatron", 2022.3),
    (r"Megatron-LM|MegaScale", "megatron", 2023.5),
    (r"Meta internal", "megatron", 2024.3),
    (r"Primus", "megatron", 2025.8),
    (r"llm-foundry|Composer", "fsdp", 2023.6),
    (r"lit-gpt", "fsdp", 2023.7),
    (r"fms-fsdp", "torchtitan", 2024.2),
    (r"torchtitan|torchao", "torchtitan", 2025.4),
    (r"InternEvo", "internevo", 2024.0),
    (r"Rosetta PaxML|Pathways|T5X|Levanter", "xla", 2023.5),
    (r"MaxText", "xla", 2024.3),
    (r"Neuron 2\.", "neuron", 2024.0),
)
_LAUNCH_OF_STACK: Final = {"TPU7x": 2025.9, "TPU v6e": 2025.2}


def stack_in(row: dict[str, str]) -> Stack | None:
    """Return the release that a row's software column names, None where it is not known."""
    text = row.get("software") or ""
    notes = row.get("notes") or ""
    for pattern, family in _RELEASES:
        if found := re.search(pattern, text):
            since, month = int(found[1]) % 2000, int(found[2])
            made = Stack(FAMILIES[family], 2000 + since + (month - 1) / 12)
            return made.eager() if "eager" in notes else made
    for pattern, family, year in _DATED:
        if re.search(pattern, text):
            return Stack(FAMILIES[family], _dated(text, row.get("hw_class") or "", year))
    return None


def _dated(text: str, hardware: str, year: float) -> float:
    """Return the year of a release without a date of its own."""
    if found := re.search(r"Neuron 2\.(\d+)", text):
        return 2023.7 + (int(found[1]) - 15) / 8.0  # about eight releases a year
    return _LAUNCH_OF_STACK.get(hardware, year) if text == "MaxText" else year
