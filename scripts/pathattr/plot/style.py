"""One style for all figures: sizes of a journal's columns, type legible there, colours safe for colour-blind readers."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns

from ..store import replacing

COLUMN, PAGE = 3.4, 7.0  # inches
_BLIND = sns.color_palette("colorblind")
METHODS = {  # method -> label, colour, line, marker: two methods differ in more than colour
    "random": ("Random", "0.55", ":", None),
    "inputgrad": ("InputGrad", _BLIND[4], "--", "v"),
    "ig": ("IG", _BLIND[0], "-", "o"),
    "eg": ("EG", _BLIND[1], "--", "s"),
    "agi": ("AGI", _BLIND[2], "-.", "^"),
    "agi_as_released": ("AGI (as released)", _BLIND[8], ":", "<"),
    "lpi": ("LPI", _BLIND[3], "-", "D"),
}
LABELS = {  # names that are not their own label
    "credible": "Credible",
    "ig_gaussian": "IG (G)",
    "ig_average": "IG (A)",
    "ig_uniform": "IG-Uniform",
    "ig_sg": "IG-SG",
    "ig_sq": "IG-SQ",
    "smoothgrad": "SmoothGrad",
    "fullgrad": "FullGrad",
    "deeplift": "DeepLIFT",
    "gradient_x_input": "Gradient x Input",
    "fig": "FIG",
    "gig": "Guided IG",
    "big": "BIG",
    "mfaba": "MFABA",
    "attexplore": "AttEXplore",
    "la": "LA",
    "perturbation_1": "Perturbation-1",
    "perturbation_patch": "Perturb.-patch",
    "lrp_epsilon": "\N{GREEK SMALL LETTER EPSILON}-LRP",
    "ig1": "IG1",
    "ig2": "IG2",
    "ig3": "IG3",
}
VARIANTS = {"valid_interpolations": "valid interpolations", "valid_references": "valid references"}
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
    if name in METHODS:
        return METHODS[name]
    return LABELS.get(name, name), _BLIND[position % len(_BLIND)], ["-", "--", "-.", ":"][position % 4], "oDs^v<>Ph"[position % 9]


def label(name: str) -> str:
    """What a method is called in figures and tables."""
    return method_style(name)[0]


def entry_label(method: str, variant: str = "vanilla", released: bool = False) -> str:
    """What a registered method, one of its variants or its form as released is called where all of them stand together."""
    family, _, member = method.partition(":")
    name = f"{member} ({family.capitalize()})" if member else label(method)
    return name + (", as released" if released else "") + (f", {VARIANTS[variant]}" if variant in VARIANTS else "")


def save(figure, *paths):
    """Write a figure to each path, whole or not at all, without a date in it, and close it."""
    for path in paths:
        metadata = {"CreationDate": None} if str(path).endswith(".pdf") else {}
        with replacing(path) as temporary:
            figure.savefig(temporary, metadata=metadata)
    plt.close(figure)
