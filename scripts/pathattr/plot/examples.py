"""The worked examples of the LPI paper, drawn in the plane of their two features."""

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from . import style


def draw(table):
    """One panel an example: the pieces of F, the straight paths, and the attributions computed at their ends."""
    figure, axes = plt.subplots(1, 2, figsize=(style.PAGE, 3.0), sharey=True)
    for axis, (example, rows) in zip(axes, table.groupby("example"), strict=True):
        axis.add_patch(Rectangle((0, 0), 1, 1, fc="0.85", ec="0.4", lw=0.6))
        axis.add_patch(Rectangle((1, 1), 6, 6, fc=style.METHODS["ig"][1], alpha=0.15, ec="none"))
        axis.text(1.06, 0.3, "$x_1+3x_2$", ha="left", va="center", fontsize=7)
        axis.text(2.0, 4.5, "$3x_1+x_2$", ha="center", va="center", fontsize=7)
        axis.text(3.6, 0.3, "0", ha="center", va="center", fontsize=7)
        axis.text(0.5, 3.0, "0", ha="center", va="center", fontsize=7)
        for _, row in rows.iterrows():
            point, reference = (float(row[name].strip("()").split(",")[0]) for name in ("x", "reference"))
            axis.annotate("", (point, point), (reference, reference), arrowprops={"arrowstyle": "-|>", "lw": 1.1, "color": "0.35"})
            axis.plot(reference, reference, "o", color="white", mec="black", ms=4, zorder=3)
            axis.plot(point, point, "o", color="black", ms=3, zorder=3)
            text = f"A{row['x']} = ({row['x1']:g}, {row['x2']:g})"
            axis.annotate(text, (point, point), xytext=(7, -3), textcoords="offset points", ha="left", va="top", fontsize=7)
        axis.set(xlim=(-0.2, 6.2), ylim=(-0.2, 5), xlabel="$x_1$", aspect="equal")
        axis.set_title(f"Example {example}: reference {rows['reference'].iloc[0]}")
    axes[0].set_ylabel("$x_2$")
    return figure
