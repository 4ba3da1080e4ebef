"""Draws the learning curves of replays and peers, one picture for each set: the mean over seeds, with a band from the
lowest to the highest seed. Needs the extra `bench`.

python benchmarks/curves.py banking77.json [peers.json …] --to docs/curves
"""

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from arms import by_arm, read_results


def draw(name: str, runs: list[dict[str, Any]], full: float | None, path: Path) -> None:
    """Writes a PNG; arms keep the order in which they come, seeds of one arm share their label counts."""
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for arm, curves in by_arm(runs).items():
        points = min(len(curve) for curve in curves)
        labels = [point["human_labels"] for point in curves[0][:points]]
        accuracy = np.array([[point["accuracy"] for point in curve[:points]] for curve in curves])
        (line,) = axes.plot(labels, accuracy.mean(axis=0), label=arm, marker=".")
        axes.fill_between(labels, accuracy.min(axis=0), accuracy.max(axis=0), color=line.get_color(), alpha=0.15)
    if full is not None:
        axes.axhline(full, color="grey", linestyle=":", label="all labels")
    axes.set(title=name, xlabel="human labels", ylabel="accuracy on the holdout")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, help="what 'labelloop replay' and compare.py have written")
    parser.add_argument("--to", required=True, type=Path, help="directory for the pictures")
    options = parser.parse_args()
    runs, full = read_results(options.files)
    options.to.mkdir(parents=True, exist_ok=True)
    for name, own in runs.items():
        draw(name, own, full[name]["accuracy"] if name in full else None, options.to / f"{name}.png")


if __name__ == "__main__":
    main()
