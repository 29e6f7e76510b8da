"""Write the bands of serving points that the fit of the serving model does not use.

    uv run python calibration/fit_serving_kinds.py SERVING.csv

Nothing is fitted but the ends of the bands: P10 and P90 of measured over predicted, by kind of row
and quantity. Run it after ``fit_serving.py``, as predictions change with its parameters. The halves
of the rows are printed to show how far their ends differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from gigawatt.validation.serving import KINDS, serving_table

OUTPUT = Path(__file__).parents[1] / "src/gigawatt/validation/serving_bands.json"


def residuals(path: Path) -> dict[tuple[str, str], np.ndarray]:
    """Return measured over predicted of each kind of row and quantity."""
    found = defaultdict(list)
    for row in serving_table(path):
        quantity, _, label = row.group.partition(", ")
        if label in KINDS and row.measured and row.predicted:
            found[label, quantity].append(row.measured / row.predicted)
    return {key: np.array(values) for key, values in found.items()}


def ends(ratios: np.ndarray) -> list[float]:
    """Return P10 and P90."""
    return [round(float(end), 4) for end in np.quantile(ratios, [0.1, 0.9])]


def main() -> None:
    """Predict every row and write the bands."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("measurements", type=Path)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    content: dict[str, dict[str, list[float]]] = {}
    for (kind, quantity), ratios in sorted(residuals(options.measurements).items()):
        content.setdefault(kind, {})[quantity] = [len(ratios), *ends(ratios)]
        halves = [ends(ratios[start::2]) for start in (0, 1)]
        print(kind, quantity, len(ratios), ends(ratios), "halves", halves, file=sys.stderr)
    options.output.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
