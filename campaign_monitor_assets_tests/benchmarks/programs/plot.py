"""Draws the cost as it grows: measures as JSON on standard input, an SVG at the path given."""

import json
import sys
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

# The same measures give the same file, and text stays text.
mpl.rcParams.update({"svg.hashsalt": "growth", "svg.fonttype": "none", "font.size": 9})
COLOUR = "#1f6f8b"


def draw(measures: list[dict[str, Any]], path: str) -> None:
    figure = Figure(figsize=(8, 4.6), layout="constrained")
    rows = figure.subplots(2, 2, sharex="col")
    for column, part in enumerate(("rows", "lists")):
        points = [one for one in measures if one["part"] == part]
        sizes = [one[part] for one in points]
        for row, values, name in (
            (0, [one["wall"] for one in points], "seconds"),
            (1, [one["peak"] / 1e6 for one in points], "MB at the most"),
        ):
            axes = rows[row][column]
            axes.plot(sizes, values, "o-", color=COLOUR)
            axes.set_xscale("log")
            axes.set_ylim(0, max(values, default=1) * 1.2)
            axes.grid(visible=True, alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_ylabel(name)
            for size, value in zip(sizes, values, strict=True):
                axes.annotate(
                    f"{value:.3g}", (size, value), (0, 5), textcoords="offset points", ha="center"
                )
        rows[1][column].set_xlabel({"rows": "rows", "lists": "lists of 100 rows"}[part])
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])
