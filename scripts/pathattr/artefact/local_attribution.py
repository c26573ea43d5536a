"""What only the Local Attribution paper shows (Zhu et al., ACM MM 2024): its theorems, its mean gains, attacks that go on."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..errors import InputError
from ..judging import wilson
from ..plot import style
from ..plot.names import label, method_of, place
from ..registry import Images, Models, Reported, artefact
from ..values import Positive

STEPS = {  # key -> label, colour, line, marker
    "agi": (style._BLIND[3], "-", "o"),
    "la": (style._BLIND[0], "--", "s"),
    "mfaba": (style._BLIND[2], ":", "^"),
}


@artefact("la_axioms", table=True)
def la_axioms(found):
    """What sections 2.2, 3 and 4.3 state, on random networks (48-32-6 with tanh; two convolutions with batch norm and ReLU) and
    images of 3 x 4 x 4: the largest value over three networks and four images each, beside what is expected. Three statements fail.
    *Sensitivity*: LA gives 0 to a black pixel, whose local space is a point, and to a feature that saturates before the local space
    begins. *Theorem 3.2*, by which LA adds up to the expected change of the loss to first order, takes a term of Eq. 5 to vanish.
    It does for symmetric samples. Those of section 3.4, by its own words an approximation, follow the gradient: of T untargeted
    ones the sum is T / (2 T - 1) of the change, here with T = 8. *Deletion*, as printed, is higher for the right order, while
    Table 1 calls lower better. Nothing is expected of the released code, whose samples leave the space of radius epsilon / 2.
    """
    import torch

    from ..paper.local_attribution import axioms

    torch.set_num_threads(1)
    data = axioms(found.seed)
    shown = data.assign(
        value=data["value"].map("{:.2g}".format), expected=data["expected"].map(lambda one: f"{one:g}" * (one == one))
    )
    return data, shown


@artefact("la_gains", needs=("reported",), table=True)
def la_gains(
    found,
    *,
    reported: Reported,
    printed: tuple[str, ...] = ("section4.5", "abstract"),
    method: str = "la",
    latest: tuple[str, ...] = ("agi", "attexplore"),
):
    """Mean gains of LA, computed from the printed cells of {reported}, beside those that the text prints. Differences: against all
    rivals, a model each, and over the models. Percentages: means over rivals and models of the gain over the rival's own score, and
    ratios of the mean scores. The abstract's two numbers are the mean ratios against {latest} alone; against all rivals the mean
    ratio is far larger in insertion, and in deletion LA is worse than its rivals.
    """
    cells = found.reported(reported)
    cells["method"] = cells["method"].map(method_of)
    text = pd.concat([found.reported(table).assign(where=table) for table in printed])
    data = mean_gains(cells, method_of(method), [method_of(one) for one in latest])
    numbers = text.assign(model=text["model"].fillna("")).set_index(["model", "metric"])
    for column, of in (("printed", "value"), ("where", "where")):
        data[column] = [numbers[of].get(key, np.nan) for key in zip(data["model"], data["quantity"], strict=True)]
    data = data[["where", "model", "against", "quantity", "summary", "computed", "printed"]]
    shown = data.assign(quantity=data["quantity"].str.replace("_", " "), model=data["model"].replace("", "all"))
    digits = data["quantity"].map(lambda name: 2 if name.endswith("percent") else 6)
    for column in ("computed", "printed"):
        shown[column] = ["" if np.isnan(value) else f"{value:.{count}f}" for value, count in zip(data[column], digits, strict=True)]
    return data, shown.assign(where=shown["where"].fillna(""))


def mean_gains(cells: pd.DataFrame, method: str, latest: list[str]) -> pd.DataFrame:
    """Gains of a method over its rivals in a printed table (`model`, `method`, `metric`, `value`), a row a number: `model` ("" over
    all), `against`, `quantity`, `summary`, `computed`. A gain is positive where the method is better: higher insertion, lower
    deletion. Raises `InputError` where the table lacks the method or one of `latest`.
    """
    missing = {method, *latest} - set(cells["method"])
    if missing:
        raise InputError(
            f"la_gains: no printed numbers of {', '.join(sorted(missing))}; accepted: {', '.join(cells['method'].unique())}"
        )
    rows = []
    games = (
        ("insertion_score", 1, "mean_insertion_gain", "insertion_gain_percent"),
        ("deletion_score", -1, "mean_deletion_reduction", "deletion_reduction_percent"),
    )
    for game, sign, difference, percent in games:
        wide = cells[cells["metric"] == game].pivot(index="method", columns="model", values="value")
        wide = wide[list(dict.fromkeys(cells["model"]))]
        gains = sign * (wide.loc[method] - wide.drop(method))
        rows += [(model, "all", difference, "mean", gains[model].mean()) for model in wide]
        rows.append(("", "all", difference, "mean", gains.to_numpy().mean()))
        for name, rivals in ((" and ".join(map(label, latest)), latest), ("all", list(gains.index))):
            ratios, means = gains.loc[rivals] / wide.loc[rivals], wide.loc[rivals].to_numpy().mean()
            rows.append(("", name, percent, "mean of ratios", 100 * ratios.to_numpy().mean()))
            rows.append(("", name, percent, "ratio of means", 100 * gains.loc[rivals].to_numpy().mean() / means))
    return pd.DataFrame(rows, columns=["model", "against", "quantity", "summary", "computed"])


@artefact("attack_survival", needs=("weights", "test"))
def attack_survival(
    found,
    *,
    models: Models,
    images: Images,
    iterations: int = 10,
    agi_step: Positive = 0.05,
    mfaba_step: Positive = 0.001,
    spatial_range: Positive = 20.0,
):
    """Share of the first {images} test images that still get the class predicted for the clean image, after each of {iterations}
    iterations of an untargeted attack; {models}. Each iteration is a step against the sign of the gradient of that class's
    log-probability, clipped to [0, 1]: of {agi_step} (AGI's), of the image over {spatial_range} (LA's epsilon) and of {mfaba_step}
    (MFABA's). A walk goes on after its first loss, so that a class may come back. Bands are 95 % intervals (Wilson). The paper
    names neither the attack nor its step, and says that the class is lost after two or more iterations (dotted).
    """
    import torch

    from ..paper.local_attribution import survival

    torch.set_num_threads(1)
    sizes = {"agi": agi_step, "la": lambda image: image / spatial_range, "mfaba": mfaba_step}
    parts = []
    for model in models:
        test = found.test(model)
        kept = survival(found.classifier(model), test.images(0, images), sizes, iterations)
        parts.append(survival_table(kept, test.index["image_id"].tolist()[:images], list(sizes)).assign(model=model))
    data = pd.concat(parts, ignore_index=True)
    words = {"agi": f"step {agi_step:g} (AGI)", "la": f"step x / {spatial_range:g} (LA)", "mfaba": f"step {mfaba_step:g} (MFABA)"}
    figure, axes = plt.subplots(1, len(models), figsize=(style.PAGE, 2.3), sharey=True, squeeze=False)
    for axis, model in zip(axes[0], models, strict=True):
        for step, (colour, line, marker) in STEPS.items():
            mine = data[(data["model"] == model) & (data["step"] == step)].drop_duplicates("iteration")
            axis.plot(mine["iteration"], mine["share"], ls=line, marker=marker, color=colour, ms=3, label=words[step])
            axis.fill_between(mine["iteration"], mine["low"], mine["high"], color=colour, alpha=0.15, lw=0)
        axis.axhline(0.5, color="0.85", lw=0.6, zorder=0)
        axis.axvline(2, color="0.5", lw=0.7, ls=":", zorder=0)
        axis.set(xlim=(-0.04 * iterations, 1.04 * iterations), ylim=(-0.03, 1.03), xlabel="attack iterations")
        axis.xaxis.set_major_locator(plt.MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
        axis.set_title(place(found.models[model]).replace(" in place of ", "\nin place of "))
    axes[0, 0].set_ylabel("share of images that\nkeep their predicted class")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, handlelength=3.2)
    figure.suptitle(f"{images} images, 95 % intervals", fontsize=8)
    return figure, data[["model", "step", "iteration", "image_id", "keeps_class", "share", "low", "high", "n"]]


def survival_table(kept: np.ndarray, ids: list[str], steps: list[str]) -> pd.DataFrame:
    """What `survival` gives, (images, steps, iterations + 1), as a row a step, iteration and image: `keeps_class` (0 or 1); and of
    all images `share`, with Wilson's interval `low` and `high`, and `n`.
    """
    places = pd.MultiIndex.from_product([ids, steps, range(kept.shape[2])], names=["image_id", "step", "iteration"])
    table = pd.DataFrame({"keeps_class": kept.ravel().astype(int)}, index=places).reset_index()
    groups = table.groupby(["step", "iteration"])["keeps_class"]
    hits = groups.sum()
    summary = pd.DataFrame([wilson(int(hit), len(ids)) for hit in hits], columns=["low", "high"], index=hits.index)
    summary["share"], summary["n"] = hits / len(ids), len(ids)
    return table.merge(summary.reset_index(), on=["step", "iteration"]).sort_values(
        ["step", "iteration", "image_id"], ignore_index=True
    )
