"""Figures of scores against something: curves over fractions, and sweeps of a parameter."""

import matplotlib.pyplot as plt
import pandas as pd

from . import style


def removal_curves(curves: pd.DataFrame, areas: pd.DataFrame, methods: list[str], panels: dict[str, str]):
    """DiffID curves side by side, one panel a score, with its legend and AUC below.

    `curves`: method, metric, x, mean, low, high (means over images, 95 % intervals). `areas`: method, metric, mean.
    `panels`: score -> label of its axis. An axis spans the means: a wide interval may leave the panel.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(style.PAGE, 3.4), squeeze=False)
    for axis, (metric, name) in zip(axes[0], panels.items(), strict=True):
        part = curves[curves["metric"] == metric]
        for position, method in enumerate(methods):
            label, colour, line, marker = style.method_style(method, position)
            curve = part[part["method"] == method].sort_values("x")
            area = areas.loc[(areas["method"] == method) & (areas["metric"] == f"{metric}_auc"), "mean"].item()
            width = 1.8 if method == "lpi" else 1.2
            axis.plot(curve["x"], curve["mean"], line, color=colour, marker=marker, lw=width, label=f"{label} ({area:.3f})")
            axis.fill_between(curve["x"], curve["low"], curve["high"], color=colour, alpha=0.12, lw=0)
        low, high = part["mean"].min(), part["mean"].max()
        margin = 0.08 * (high - low) or 1
        axis.set(xlabel=r"fraction of pixels removed, $\delta$", ylabel=name, xlim=(0, 1), ylim=(low - margin, high + margin))
        axis.axhline(0, color="0.8", lw=0.6, zorder=0)
        axis.legend(title="method (AUC)", title_fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.24), handlelength=3)
    return figure


def sweep(points: pd.DataFrame, series: dict[str, tuple], panels: dict[str, str], x: str, xlabel: str, log=False, lines=None):
    """Means with 95 % intervals against a parameter, one panel a score.

    `points`: `series`, `metric`, the column `x`, mean, low, high. `series`: name -> (label, colour, line, marker).
    `panels`: score -> label of its axis. `lines`: label, style and a row of points (mean, low, high) a score, of something
    that does not depend on x.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(style.PAGE, 2.7), squeeze=False)
    for axis, (metric, ylabel) in zip(axes[0], panels.items(), strict=True):
        if lines is not None:
            label, (_, colour, dashes, _), rows = lines
            row = rows.loc[metric]
            axis.axhline(row["mean"], color=colour, ls=dashes, label=label)
            axis.axhspan(row["low"], row["high"], color=colour, alpha=0.12, lw=0)
        for name, (label, colour, dashes, marker) in series.items():
            part = points[(points["series"] == name) & (points["metric"] == metric)].sort_values(x)
            error = [part["mean"] - part["low"], part["high"] - part["mean"]]
            style_of_line = {"color": colour, "ls": dashes, "marker": marker, "label": label}
            axis.errorbar(part[x], part["mean"], error, **style_of_line, capsize=2, elinewidth=0.7)
        if log:
            axis.set_xscale("log")
            axis.xaxis.set_major_formatter("{x:g}")
            axis.set_xticks([1, 2, 5, 10, 20, 50, 100])
            axis.set_xticks([], minor=True)
            axis.set_xlim(points[x].min() * 0.8, points[x].max() * 1.25)
        else:
            axis.set_xticks(sorted(points[x].unique()))
        axis.set(xlabel=xlabel, ylabel=ylabel)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), columnspacing=1.5, handlelength=3)
    return figure
