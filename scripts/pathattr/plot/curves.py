"""Figures of scores against something: curves over fractions, and sweeps of a parameter."""

import matplotlib.pyplot as plt
import pandas as pd

from . import style


def removal_curves(curves: pd.DataFrame, areas: pd.DataFrame, methods: list[str], panels: dict[str, str]):
    """DiffID curves side by side, one panel a score, the AUC in the legend.

    `curves`: method, metric, x, mean, low, high (means over images, 95 % intervals). `areas`: method, metric, mean.
    `panels`: score -> label of its axis.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(style.PAGE, 2.7), squeeze=False)
    for axis, (metric, name) in zip(axes[0], panels.items(), strict=True):
        for position, method in enumerate(methods):
            label, colour, line, marker = style.method_style(method, position)
            curve = curves[(curves["method"] == method) & (curves["metric"] == metric)].sort_values("x")
            area = areas.loc[(areas["method"] == method) & (areas["metric"] == f"{metric}_auc"), "mean"].item()
            width = 1.8 if method == "lpi" else 1.2
            axis.plot(curve["x"], curve["mean"], line, color=colour, marker=marker, lw=width, label=f"{label} ({area:.3f})")
            axis.fill_between(curve["x"], curve["low"], curve["high"], color=colour, alpha=0.12, lw=0)
        axis.set(xlabel=r"fraction of pixels removed, $\delta$", ylabel=name, xlim=(0, 1))
        axis.axhline(0, color="0.8", lw=0.6, zorder=0)
        axis.legend(title="method (AUC)", title_fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=2.6)
    return figure


def sweep(points: pd.DataFrame, series: dict[str, tuple], x: str, xlabel: str, ylabel: str, log=False, line=None):
    """Means with 95 % intervals against a parameter.

    `points`: `series`, the column `x`, mean, low, high. `series`: name -> (label, colour, line, marker). `line`: (label,
    mean, low, high, style) of something that does not depend on x.
    """
    figure, axis = plt.subplots(figsize=(style.COLUMN, 2.6))
    if line:
        label, mean, low, high, (_, colour, dashes, _) = line
        axis.axhline(mean, color=colour, ls=dashes, label=label)
        axis.axhspan(low, high, color=colour, alpha=0.12, lw=0)
    for name, (label, colour, dashes, marker) in series.items():
        part = points[points["series"] == name].sort_values(x)
        error = [part["mean"] - part["low"], part["high"] - part["mean"]]
        axis.errorbar(part[x], part["mean"], error, color=colour, ls=dashes, marker=marker, label=label, capsize=2, elinewidth=0.7)
    if log:
        axis.set_xscale("log")
    ticks = sorted(points[x].unique()) if points[x].nunique() <= 6 else None
    if ticks and not log:
        axis.set_xticks(ticks)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    figure.legend(loc="outside upper center", ncols=min(4, len(series) + bool(line)), columnspacing=1.0, handlelength=2.2)
    return figure
