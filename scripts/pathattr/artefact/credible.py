"""What only the credible paper shows (Akhtar and Jalwana, ICML 2023): Sensitivity-n, maps, worked examples, axioms."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..errors import InputError
from ..plot import style
from ..plot.names import label, place, score_label
from ..plot.pictures import inside, salience, show
from ..registry import Images, Method, Methods, Metric, Model, Models, Score, artefact
from ..scores import counts_in, summarise
from ..store import read_arrays

BASELINES = {"average": "channel average", "blur": "blur only", "compute_baseline": "ComputeBaseline"}


@artefact("credible_examples", table=True)
def credible_examples(found):
    """Examples 1 and 2, computed by the same code as everything else, beside the printed numbers. F is :math:`x_1 + 4 x_2 + 1`
    where both are at most 1, :math:`4 x_1 + x_2 + 2` where both are above 1, and 0 elsewhere. IG from the reference 0 crosses
    from one piece to the other at (1, 1): the printed scores are not the integral's. The proposed method from (3, 3), in the
    points' own piece, gives what is printed; from (2, 3) the ratio is not 4: it follows from references on the diagonal through
    the point.
    """
    from ..paper.credible import examples

    data = examples()
    shown = data.assign(method=data["method"].map(label))
    return data, shown.rename(columns={name: name.replace("_", " ") for name in shown})


@artefact("correlation_curves", needs=("scores",))
def correlation_curves(
    found,
    *,
    models: Models,
    methods: Methods,
    metric: Metric,
    images: Images,
    score: Score = "sensitivity_n",
    grey: Methods | None = None,
):
    """Correlation of what a map gives to random pixels and what the network loses without them ({score}), against the share of
    pixels masked: means over the first {images} test images, with 95 % bootstrap intervals; {models}. Higher is better. Random, a
    map that has nothing to do with the network, is the control. Grey: other methods ({grey}). Partial correlation given the
    number of masked pixels, unless the score says otherwise; one that is not defined counts as 0. The paper names no images and
    no number of subsets.
    """
    behind = [one for one in grey or [] if one not in methods]
    table = found.scores([score, "sensitivity_n_undefined"], methods=[*methods, *behind])
    curves = summarise(table[table["metric"] == score], ["model", "method", "x"], found.seed)
    undefined = table[table["metric"] == "sensitivity_n_undefined"].groupby(["model", "method"])["value"].mean()
    keys = pd.MultiIndex.from_frame(curves[["model", "method"]])
    curves = curves.rename(columns={"x": "fraction"}).assign(metric=score, undefined=undefined.reindex(keys).to_numpy())
    figure, axes = plt.subplots(1, len(models), figsize=(style.PAGE, 2.9), sharey=True, squeeze=False)
    for axis, model in zip(axes[0], models, strict=True):
        mine = curves[curves["model"] == model]
        for method in behind:
            part = mine[mine["method"] == method].sort_values("fraction")
            text = "other methods" if (axis, method) == (axes[0, 0], behind[0]) else None
            axis.plot(part["fraction"], part["mean"], color="0.75", lw=0.6, zorder=1, label=text)
        for position, method in enumerate(methods):
            part = mine[mine["method"] == method].sort_values("fraction")
            _, colour, line, marker = style.method_style(method, position)
            axis.plot(part["fraction"], part["mean"], line, color=colour, marker=marker, label=found.label(method), zorder=3)
            axis.fill_between(part["fraction"], part["low"], part["high"], color=colour, alpha=0.15, lw=0, zorder=2)
        axis.axhline(0, color="0.85", lw=0.6, zorder=0)
        axis.set(xlabel="fraction of pixels masked", xlim=(-0.03, 1))
        axis.set_title(place(found.models[model]).replace(" in place of ", "\nin place of "))
    axes[0, 0].set_ylabel("correlation" + ("" if score == "sensitivity_n" else f"\n({score_label(score)})"))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(6, len(labels)), handlelength=3)
    figure.suptitle(f"mean of {int(curves['n'].iloc[0])} images, 95 % intervals", fontsize=8)
    return figure, curves[["model", "method", "metric", "fraction", "mean", "low", "high", "n", "undefined", *counts_in(curves)]]


@artefact("credible_maps", needs={"test": "among", "maps": "among"})
def credible_maps(found, *, model: Model, methods: Methods, among: Images, images: int = 6, dark: int = 2):
    """Channel sums of absolute attributions, brighter is larger, each up to its 99th percentile, on {images} test images, {model}.
    Below each: the share on the object, whose outline is drawn. The images are the first of the test split, the last of them
    replaced by the first with a dark object, among the first {among}, until {dark} have one: none was chosen by hand. The paper
    shows random samples, and says of its scale only that brighter pixels have larger scores.
    """
    test = found.test(model)
    rows = chosen(test.index, images, dark, among)
    masks, labels, said = [test.mask(row) for row in rows], test.index["label"].astype(str), found.explained(model, max(rows) + 1)
    cell = (style.PAGE - 0.8) / len(rows)
    figure, axes = plt.subplots(
        len(methods) + 1, len(rows), figsize=(style.PAGE, (cell + 0.16) * (len(methods) + 1)), squeeze=False
    )
    is_dark = test.index["dark"].astype(bool) if "dark" in test.index else pd.Series(False, test.index.index)
    data = []
    for column, (row, mask) in enumerate(zip(rows, masks, strict=True)):
        show(axes[0, column], test.picture(row))
        axes[0, column].set_xlabel(said[row] + (", dark" if is_dark[row] else ""), fontsize=7, labelpad=1)
        for axis, method in zip(axes[1:, column], methods, strict=True):
            values = found.map(model, method, row)
            share = inside(values, mask)
            show(axis, salience(values)[None], mask)
            axis.set_xlabel("" if np.isnan(share) else f"{share:.2f}", fontsize=7, labelpad=1)
            about = {
                "image_id": test.index["image_id"].iloc[row],
                "position": row,
                "label": labels[row],
                "dark": bool(is_dark[row]),
            }
            data.append({**about, "method": method, "share_of_attribution_in_mask": share})
    for axis, name in zip(axes[:, 0], ["Input", *map(label, methods)], strict=True):
        axis.set_ylabel(name, fontsize=8)
    figure.get_layout_engine().set(w_pad=0.015, h_pad=0.01, wspace=0, hspace=0)
    return figure, pd.DataFrame(data)


def chosen(index: pd.DataFrame, images: int, dark: int, among: int, exactly: bool = False) -> list[int]:
    """Positions of the first `images`; the last that are not dark replaced by the first dark ones of the first `among`, until
    `dark` have a dark object (column `dark` of the index, where it has one) or there are no more. `exactly`: the first `dark` that
    have one, then the first that have none, of the first `among`."""
    images = min(images, among)
    rows = list(range(images))
    if "dark" not in index:
        return rows
    is_dark = index["dark"].astype(bool).to_numpy()
    if exactly:
        parts = [[row for row in range(among) if is_dark[row] == one] for one in (True, False)]
        return parts[0][:dark] + parts[1][: images - dark]
    wanted = max(0, min(dark, images) - int(is_dark[:images].sum()))
    more = [row for row in range(images, among) if is_dark[row]][:wanted]
    bright = [row for row in rows if not is_dark[row]]
    gone = set(bright[len(bright) - len(more) :])
    return [row for row in rows if row not in gone] + more


@artefact(
    "credible_axioms",
    needs=("test", "weights", "baselines"),
    table=True,
    takes={"fitter == 'compute_baseline'": "methods with the baselines of compute_baseline"},
)
def credible_axioms(found, *, models: Models, method: Method, images: Images, steps: int = 30, places: int = 5):
    """What baselines are for a network. First a random piecewise-linear one (2-64-64-1, ReLU), 16 places: largest completeness
    gap (Definition 4, in logits) and largest dependence of A / (x - x') on the point within its piece (Definition 5), from a
    baseline in that piece and from another (Propositions 1 and 2). Then {models}, means over the first {images} test images:
    distance of the logits over their length; ReLU units with the state that they have at x, at the baseline and at {places}
    points of the path; path features that are valid (Definition 7); gaps of IG and of Algorithm 2 from the same baselines,
    {steps} steps in all, over the length of the logits; images that Algorithm 1 brought nearer (Lemma 1). Of the predicted class.
    The paper prints none of it.
    """
    import torch

    from ..paper import axioms

    torch.set_num_threads(1)
    network = axioms.inside_and_across(found.seed).assign(part="network", model="random ReLU network")
    parts = [network]
    for model in models:
        test = found.test(model)
        ids, x = test.index["image_id"].tolist()[:images], test.images(0, images)
        own, settings = _own_baselines(found, model, method, ids)
        if "blurs" not in settings:
            raise InputError(f"credible_axioms: {method} takes other baselines on {model}; accepted: those of compute_baseline")
        kinds = axioms.constant_baselines(x, ids, found.seed)
        kinds |= {"blur": axioms.starts(x, settings["blurs"], settings["delta"]), "compute_baseline": own}
        table = axioms.on_baselines(found.classifier(model), x, ids, kinds, steps, places, found.seed)
        for kind, quantity in (("blur", "distance_start"), ("compute_baseline", "distance_end")):  # Lemma 1: before and after
            of = table[(table["baseline"] == kind) & (table["quantity"] == "logit_distance")]
            table = pd.concat([table, of.assign(baseline="compute_baseline", quantity=quantity)])
        parts.append(table.assign(part="models", model=model))
    data = pd.concat(parts, ignore_index=True)
    data = data[["part", "model", "baseline", "method", "image_id", "quantity", "value"]]
    return data, _axioms_shown(data, {model: place(found.models[model]) for model in models})


def _own_baselines(found, model: str, method: str, ids):
    """Baselines (N, B, C, H, W) of the images named, as a method computed them, and the parameters of that."""
    import torch

    pixels, settings = {}, {}
    for file in found.files("baselines"):
        if (file.about["model"], file.about["method"]) == (model, method):
            columns, metadata = read_arrays(file)
            settings = metadata["parameters"]
            for name, number, values in zip(columns["image_id"], columns["number"], columns["baseline"], strict=True):
                pixels[name, int(number)] = values
    numbers = sorted({number for _, number in pixels})
    if any((name, number) not in pixels for name in ids for number in numbers or [0]):
        raise InputError(f"{method} has no baselines of its own on {model}; accepted: a method that computes them")
    return torch.from_numpy(np.stack([np.stack([pixels[name, number] for number in numbers]) for name in ids])), settings


def _axioms_shown(data: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Largest values of the random network, means of the models, a row a baseline."""
    rows = []
    for (part, model, baseline), mine in data.groupby(["part", "model", "baseline"], sort=False):
        row = {"network": names.get(model, model), "baseline": BASELINES.get(baseline, baseline)}
        gap = "completeness_gap" if part == "network" else "gap_of_logits"
        wanted = {
            "logit distance": ("", "logit_distance"),
            "p of the class": ("", "probability"),
            "ReLU units at the baseline": ("", "states_at_baseline"),
            "on the path": ("", "states_on_path"),
            "valid": ("credible", "valid_share"),
            "gap, IG": ("ig", gap),
            "gap, Algorithm 2": ("credible", gap),
            "dependence, IG": ("ig", "weak_dependence"),
            "dependence, Algorithm 2": ("credible", "weak_dependence"),
        }
        for name, (method, quantity) in wanted.items():
            values = mine.loc[(mine["method"] == method) & (mine["quantity"] == quantity), "value"]
            row[name] = "" if values.isna().all() else f"{values.max() if part == 'network' else values.mean():.2g}"
        ends = mine[mine["quantity"].isin(["distance_start", "distance_end"])]
        ends = ends.pivot(index="image_id", columns="quantity", values="value")
        row["distance falls"] = f"{(ends['distance_end'] < ends['distance_start']).sum()} of {len(ends)}" if len(ends) else ""
        rows.append(row)
    return pd.DataFrame(rows)
