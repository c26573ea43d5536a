"""One style for all figures: sizes of a journal's columns, type legible there, colours safe for colour-blind readers."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns

from ..store import replacing
from .names import label

COLUMN, PAGE = 3.4, 7.0  # inches
_BLIND = sns.color_palette("colorblind")
METHODS = {  # method -> colour, line, marker: two methods differ in more than colour
    "random": ("0.55", ":", None),
    "inputgrad": (_BLIND[4], "--", "v"),
    "ig": (_BLIND[0], "-", "o"),
    "eg": (_BLIND[1], "--", "s"),
    "agi": (_BLIND[2], "-.", "^"),
    "agi_as_released": (_BLIND[8], ":", "<"),
    "lpi": (_BLIND[3], "-", "D"),
}
SEQUENTIAL, DIVERGING = "magma", "RdBu_r"


def use():
    """Set the style for this process."""
    sns.set_theme(
        context="paper",
        style="ticks",
        rc={
            "font.size": 8,
            "axes.labelsize": 8,
            "axes.titlesize": 8,
            "xtick.labelsize": 7,
            "ytick.labelsize": 7,
            "legend.fontsize": 7,
            "legend.frameon": False,
            "lines.linewidth": 1.2,
            "lines.markersize": 3.5,
            "axes.linewidth": 0.6,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.use": True,
            "pdf.fonttype": 42,
            "savefig.dpi": 300,
            "image.interpolation": "nearest",
        },
    )


def method_style(name: str, position: int = 0) -> tuple:
    """Label, colour, line and marker of a method; one without a style of its own gets the palette's by position."""
    own = _BLIND[position % len(_BLIND)], ["-", "--", "-.", ":"][position % 4], "oDs^v<>Ph"[position % 9]
    return label(name), *METHODS.get(name, own)


def save(figure, *paths):
    """Write a figure to each path, whole or not at all, without a date in it, and close it."""
    for path in paths:
        metadata = {"CreationDate": None} if str(path).endswith(".pdf") else {}
        with replacing(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)
