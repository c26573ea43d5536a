"""One style for all figures: sizes of a journal's columns, type legible there, colours safe for colour-blind readers."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns

from ..store import replacing
from .names import label, method_of

COLUMN, PAGE = 3.4, 7.0  # inches
_BLIND = sns.color_palette("colorblind")
METHODS = {  # method -> colour, line, marker: two methods differ in more than colour, and look the same in all papers
    "random": ("0.55", ":", None),
    "inputgrad": (_BLIND[4], "--", "v"),
    "ig": (_BLIND[0], "-", "o"),
    "eg": (_BLIND[1], "--", "s"),
    "agi": (_BLIND[2], "-.", "^"),
    "agi_as_released": (_BLIND[8], ":", "<"),
    "lpi": (_BLIND[3], "-", "D"),
    "credible": ("black", "-", "P"),
    "credible_one": ("black", "--", "p"),
    "credible_black": ("black", ":", "X"),
    "credible_as_printed": ("black", "-.", "P"),
    "credible_eg_single": (_BLIND[1], ":", "d"),
    "ig_gaussian": (_BLIND[9], "--", "<"),
    "ig_average": (_BLIND[9], "-.", ">"),
    "ig_uniform": (_BLIND[5], "-", "h"),
    "ig_sg": (_BLIND[9], "-.", "*"),
    "ig_sq": (_BLIND[6], "--", "X"),
    "smoothgrad": (_BLIND[4], "-", "d"),
    "fullgrad": (_BLIND[5], ":", "p"),
    "deeplift": (_BLIND[2], "--", "P"),
    "gradient_x_input": (_BLIND[4], ":", "1"),
    "fig": (_BLIND[7], "-", "8"),
    "gig": (_BLIND[0], ":", "H"),
    "big": (_BLIND[0], "-.", "d"),
    "mfaba": (_BLIND[8], "-", "v"),
    "attexplore": (_BLIND[9], "-", "p"),
    "la": (_BLIND[3], "--", "*"),
    "lrp_epsilon": (_BLIND[2], ":", "h"),
    "perturbation_1": (_BLIND[6], "-.", "1"),
    "perturbation_patch": (_BLIND[6], ":", "2"),
    "ig1": (_BLIND[1], "-", "<"),
    "ig2": (_BLIND[5], "-.", ">"),
    "ig3": (_BLIND[3], ":", "v"),
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
            "savefig.dpi": 250,  # of the PNG files, which the report holds; the PDF files are vectors
            "image.interpolation": "nearest",
        },
    )


def method_style(name: str, position: int = 0) -> tuple:
    """Label, colour, line and marker of a method; one without a style of its own gets the palette's by position."""
    base = name.partition("-")[0]
    own = _BLIND[position % len(_BLIND)], ["-", "--", "-.", ":"][position % 4], "oDs^v<>Ph"[position % 9]
    return label(name), *METHODS.get(base, METHODS.get(method_of(name), own))


def save(figure, *paths, note: str = ""):
    """Write a figure to each path, whole or not at all, without a date in it, and close it. `note`: lines below it."""
    if note:
        figure.text(0.01, -0.02, note, fontsize=6, va="top")
    more = {"bbox_inches": "tight"} if note else {}
    for path in paths:
        metadata = {"CreationDate": None} if str(path).endswith(".pdf") else {}
        with replacing(path) as temporary:
            figure.savefig(temporary, metadata=metadata, **more)
    plt.close(figure)
