"""Scores of many methods, one below the other."""

import matplotlib.pyplot as plt
import pandas as pd

from . import style


def dots(table: pd.DataFrame, axis_label: str):
    """Means with 95 % intervals, the best on top, and beside them what each took.

    `table`: `label`, `mean`, `low`, `high`, `gradients`, `plain` (False: a variant, or as released), in the order drawn.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(style.PAGE, 0.148 * len(table) + 0.6), sharey=True, width_ratios=[2.2, 1])
    places = range(len(table))
    blue = style.method_style("ig")[1]
    left.hlines(places, table["low"], table["high"], color=blue, lw=0.9)
    faces = [blue if plain else "white" for plain in table["plain"]]
    left.scatter(table["mean"], places, s=14, c=faces, edgecolors=[blue], linewidths=0.9, zorder=3)
    left.axvline(0, color="0.8", lw=0.6, zorder=0)
    left.set(yticks=list(places), xlabel=axis_label, ylim=(len(table) - 0.4, -0.6))
    left.set_yticklabels(table["label"], fontsize=6)
    left.grid(axis="y", color="0.93", lw=0.5)
    right.grid(axis="y", color="0.93", lw=0.5)
    taken = table["gradients"].clip(lower=0.5)
    right.scatter(
        taken, places, s=12, c=["0.35" if count else "white" for count in table["gradients"]], edgecolors="0.35", zorder=3
    )
    right.set(xscale="log", xlabel="gradients an image (open: none)")
    right.tick_params(axis="y", length=0)
    for axis in (left, right):
        axis.set_axisbelow(True)
    return figure
