"""What only the Taylor paper shows (Deng et al., 2020): reformulations, and the three properties."""

from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..plot import style
from ..plot.names import label
from ..registry import artefact

WORDS = {  # the rows of Table 1
    "gradient_x_input": "first-order term",
    "perturbation_1": "first-order term, second-order term of its own",
    "perturbation_patch": "sum of all terms within its patch",
    "deeplift": "first-order term, its share w of all others (one layer)",
    "lrp_epsilon": "the same from the baseline 0, f counted as 0 there, less a leak",
    "ig": "first-order term, second-order term of its own, half of each interaction",
}


@artefact("taylor_properties", table=True)
def taylor_properties(found, *, functions: int = 100):
    """Second-order reformulations of Table 1 and the three properties, printed and measured, in float64 through the registered
    methods. Errors: largest difference between a score and its reformulation, over {functions} random functions of 6 variables;
    higher orders are cubics, with all terms of Propositions 1, 2, 3 and 5, and for the layerwise rules one layer of softplus or
    ReLU (Proposition 4). Slope: of the log error of the second order against the log of the distance to the baseline, 1/8 to 1/32,
    on networks of two layers of tanh (layerwise: one layer); 3 where the second order is right; Gradient x Input has no error.
    Properties: 1, the scores sum to f(x) - f(x~); 2, terms of one variable go to it; 3, interactions go to their variables, wholly.
    Measured by the share of each monomial up to degree 4 that a method gives to each of 4 variables; of the layerwise rules by the
    sum of the scores and the share of all high-order terms together. Perturbation-patch gives each variable what is its patch's:
    Property 2, which Table 1 says it has, holds of patches and not of variables.
    """
    from ..paper.taylor import PRINTED, properties

    data = properties(found.seed, functions)
    rows = []
    for method in PRINTED:
        mine = data[data["method"] == method]
        errors = mine[mine["check"] == "reformulation"].set_index("quantity")["value"]
        slope = mine.loc[(mine["check"] == "slope") & mine["expected"].notna(), "value"]
        met = mine[mine["check"] == "property"]
        of_patches = met["quantity"].str.endswith("features")
        rows.append(
            {
                "method": label(method),
                "attribution of a variable": WORDS[method],
                "error, quadratics": f"{errors['quadratics']:.0e}" if "quadratics" in errors else "",
                "error, higher orders": f"{errors.drop('quadratics', errors='ignore').max():.0e}",
                "slope": f"{slope.iloc[0]:.2f}" if len(slope) else "no error",
                "properties printed": "not in the table" if met["expected"].isna().any() else _listed(met[~of_patches], "expected"),
                "found": _listed(met[~of_patches], "value")
                + (f"; with patches as features {_listed(met[of_patches], 'value')}" if of_patches.any() else ""),
            }
        )
    return data, pd.DataFrame(rows)


def _listed(properties: pd.DataFrame, column: str) -> str:
    """Numbers of the properties met: "1, 3"."""
    return ", ".join(properties.loc[properties[column] == 1, "quantity"].str.extract(r"(\d)")[0]) or "none"


@artefact("share_matrix")
def share_matrix(found):
    """Which part of each Taylor term a method gives to which variable: its attributions of the term alone, a product of powers of
    :math:`z_i - x_i` (Delta in the figure) in 4 variables, over the term's contribution f(x) - f(x~), by the registered methods in
    float64. One term of each kind up to degree 4, variables of a patch and patches being exchangeable (the table has all 69);
    variables 1, 2 and 3, 4 are the patches. Outlined: the term's own variables. Property 1: every sum is 1. Property 2: a term of
    one variable has 1 there and 0 elsewhere. Property 3: a term of several has nothing outside the outline, and a sum of 1. Grey:
    0, or a sum that is not 1. DeepLIFT and epsilon-LRP are rules for layers and not defined on such functions.
    """
    from ..paper.taylor import share_table

    data = share_table()
    methods, terms = data["method"].unique(), [term for term, part in data.groupby("term", sort=False) if _first_of_kind(part)]
    figure, axes = plt.subplots(1, len(methods), figsize=(style.PAGE, 0.17 * len(terms) + 0.75), sharey=True)
    for axis, method in zip(axes, methods, strict=True):
        mine = data[data["method"] == method].set_index(["term", "variable"])
        values = mine["share"].unstack().loc[terms].to_numpy()
        own = mine["exponent"].unstack().loc[terms].to_numpy() > 0
        axis.imshow(values, cmap="Blues", vmin=0, vmax=1.6, aspect="auto", extent=(0.5, 4.5, len(terms) - 0.5, -0.5))
        for row, place in np.argwhere(own):
            axis.add_patch(plt.Rectangle((place + 0.5, row - 0.5), 1, 1, fc="none", ec="0.25", lw=0.7, zorder=3, clip_on=False))
        for row, shares in enumerate(values):
            for place, share in enumerate(shares, 1):
                axis.text(place, row, _fraction(share), ha="center", va="center_baseline", fontsize=6.5, color=_ink(share != 0))
            total = shares.sum()
            axis.text(
                5.1, row, _fraction(total), ha="center", va="center_baseline", fontsize=6.5, color=_ink(abs(total - 1) < 1e-9)
            )
        axis.set(xlim=(0.5, 5.6), ylim=(len(terms) - 0.5, -0.5), xticks=[1, 2, 3, 4, 5.1], xticklabels=[*"1234", "sum"])
        axis.set(title=label(method), xlabel="variable")
        axis.tick_params(length=0)
        for spine in axis.spines.values():
            spine.set_visible(False)
    axes[0].set(yticks=range(len(terms)), yticklabels=[_formula(term) for term in terms], ylabel="Taylor term")
    return figure, data


def _first_of_kind(term: pd.DataFrame) -> bool:
    """Whether a term (its exponents by variable) comes first of those that exchanging variables of a patch, or patches, gives."""
    first, second, third, fourth = term["exponent"].tolist()[:4]
    return first >= second and third >= fourth and (first, second) >= (third, fourth)


def _formula(term: str) -> str:
    return "$" + term.replace("D", r"\Delta_").replace(" ", "") + "$"


def _fraction(share: float) -> str:
    return str(Fraction(share).limit_denominator(12)) if np.isfinite(share) else "-"


def _ink(strong: bool) -> str:
    return "black" if strong else "0.45"
