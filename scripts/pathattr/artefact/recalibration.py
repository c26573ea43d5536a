"""What only the re-calibration paper shows (Yang et al., ICLR 2023): each method in four variants, sanity, noise, checks."""

from textwrap import fill
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from ..errors import InputError
from ..plot import style
from ..plot.names import entry_label, label, place, score_label
from ..plot.pictures import salience, show, signed
from ..ranks import spearman
from ..registry import Forms, Images, Method, Methods, Metric, Model, Models, Score, Scores, Sweep, artefact
from ..scores import counts_in, intervals, summarise
from ..values import NonNegative

VARIANTS = ("vanilla", "absolute", "valid_interpolations", "valid_references")
FORMS = VARIANTS[2:]
_VERMILION, _PURPLE, _GREEN, _BLUE = (style._BLIND[number] for number in (3, 4, 2, 0))
LOOKS = {  # variant -> label, colour, line, marker
    "vanilla": ("vanilla", _VERMILION, "-.", "v"),
    "absolute": ("absolute", _PURPLE, ":", "^"),
    "valid_interpolations": ("valid interpolations", _GREEN, "--", "s"),
    "valid_references": ("valid references", _BLUE, "-", "o"),
}
CONTROL = ("0.6", (0, (1, 0.8)))  # colour and line of random maps


# --- scores -----------------------------------------------------------------------------------------------------------


@artefact("variant_curves", needs=("scores",))
def variant_curves(
    found,
    *,
    models: Models,
    methods: Methods,
    metric: Metric,
    images: Images,
    score: Score = "diffid_output",
    summary: Literal["auc", "mean"] = "auc",
    random: Method | None = None,
    xlabel: str = r"fraction of pixels removed, $\delta$",
):
    """{score} of each method as it is (vanilla: the signed order of pixels), of its absolute values, and re-calibrated with valid
    interpolations (Alg. 1) and with valid references (Alg. 2, the form of section 4.3); {models}. The paper shows one
    re-calibrated form and does not say which. Means over images, bands are 95 % bootstrap intervals; the numbers are the area
    under each curve, or its mean. Higher is better. The CSV adds each variant's gain over vanilla in that number, with its paired
    interval.
    """
    total = f"{score}_{summary}"
    table = _scores(found, [score, total], models, methods)
    keys = ["model", "method", "variant"]
    if random:
        control = found.scores([score, total], models=models, methods=[random])
        table = pd.concat([table, control], ignore_index=True)
    curves = summarise(table[table["metric"] == score], [*keys, "x"], found.seed)
    sums = table[table["metric"] == total]
    totals = summarise(sums, keys, found.seed).merge(_gains(sums, keys, found.seed), on=keys)
    count, each = len(models), style.PAGE / len(methods)
    figure, axes = plt.subplots(
        count, len(methods), figsize=(style.PAGE, (each * 0.95 + 0.62) * count + 0.75), sharex=True, sharey="row", squeeze=False
    )
    lines = {**LOOKS, **({"random": (found.label(random), *CONTROL, None)} if random else {})}
    for model, row in zip(models, axes, strict=True):
        mine, sizes = curves[curves["model"] == model], totals[totals["model"] == model]
        for method, axis in zip(methods, row, strict=True):
            for variant, look in lines.items():
                key = (random, "vanilla") if variant == "random" else (method, variant)
                one, size = (part[(part["method"] == key[0]) & (part["variant"] == key[1])] for part in (mine, sizes))
                _curve(axis, one, look, f"{size['mean'].item():.3f}")
            axis.legend(loc="lower center", bbox_to_anchor=(0.5, 0.97), ncols=2, fontsize=6.5, **_TIGHT)
            axis.set_title(_called(found, model, method) if axis in axes[0] else "", pad=30 if random else 22)
        _limit(row, mine)
        row[0].set_ylabel(fill(place(found.models[model]), 18), fontsize=7)
    figure.supxlabel(xlabel, fontsize=8)
    figure.supylabel(score_label(score), fontsize=8)
    number = {"auc": "area under the curve", "mean": "mean over the curve"}[summary]
    _legend(figure, lines, f"mean of {_n(curves)} images with 95 % intervals; in each panel: {number}")
    columns = {"mean": "summary", "low": "summary_low", "high": "summary_high"}
    data = curves.merge(totals.drop(columns=["n", *counts_in(totals)]).rename(columns=columns), on=keys)
    return figure, data.sort_values([*keys, "x"], key=_as_given(models, [*methods, random]), kind="stable", ignore_index=True)


@artefact("form_curves", needs=("scores",))
def form_curves(
    found,
    *,
    model: Model,
    forms: Forms,
    metric: Metric,
    images: Images,
    scores: Scores = ("diffid_output", "diffid_probability"),
    xlabel: str = r"fraction of pixels removed, $\delta$",
):
    """{scores} of re-calibrated methods, marked with a star, beside methods as they are known, {models}. Means over images, bands
    are 95 % bootstrap intervals; numbers are areas under the curves, a panel each. Higher is better. InputGrad, IG, SmoothGrad
    and FullGrad are ranked by absolute values, as their own papers show them; the paper does not say.
    """
    names = [name for score in scores for name in (score, f"{score}_auc")]
    parts, keys = [], ["entry", "variant"]
    for variant in dict.fromkeys(form["variant"] for form in forms):
        table = found.scores(names, [variant], [model], [form["entry"] for form in forms if form["variant"] == variant])
        parts.append(table.rename(columns={"method": "entry"}))
    table = pd.concat(parts, ignore_index=True)
    curves = summarise(table[table["metric"].isin(scores)], [*keys, "metric", "x"], found.seed)
    areas = summarise(table[~table["metric"].isin(scores)], [*keys, "metric"], found.seed)
    areas["metric"] = areas["metric"].str.removesuffix("_auc")
    known = areas.set_index([*keys, "metric"])["mean"]
    figure, axes = plt.subplots(1, len(scores), figsize=(style.PAGE, 2.6), squeeze=False)
    for number, form in enumerate(forms):
        numbers = ", ".join(f"{known[(form['entry'], form['variant'], score)]:.3f}" for score in scores)
        _, colour, _, marker = style.method_style(form["entry"], number)
        line = "-" if form["variant"] in FORMS else "--"
        for axis, score in zip(axes[0], scores, strict=True):
            one = curves[(curves["entry"] == form["entry"]) & (curves["variant"] == form["variant"]) & (curves["metric"] == score)]
            _curve(axis, one, (None, colour, line, marker), f"{_form_label(found, form)} ({numbers})", band=0.06)
    for axis, score in zip(axes[0], scores, strict=True):
        _limit([axis], curves[curves["metric"] == score])
        axis.set(xlabel=xlabel, ylabel=score_label(score).replace(", ", ",\n"))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    title = "AUC" if len(scores) == 1 else "AUC left, AUC right"
    figure.legend(
        handles, labels, loc="outside right center", title=f"* re-calibrated\n({title})", title_fontsize=7, handlelength=3.2
    )
    figure.suptitle(f"{place(found.models[model])}: mean of {_n(curves)} images, 95 % intervals", fontsize=8)
    ends = {"mean": "auc", "low": "auc_low", "high": "auc_high"}
    data = curves.merge(areas.drop(columns=["n", *counts_in(areas)]).rename(columns=ends), on=[*keys, "metric"])
    return figure, data.sort_values([*keys, "metric", "x"], key=_as_given([form["entry"] for form in forms]), kind="stable")


@artefact(
    "count_curves",
    needs=("scores",),
    holds={"series == len(swept) == changed == 1": "a sweep of one method over one parameter, a number"},
)
def count_curves(found, *, model: Model, sweep: Sweep, metric: Metric, images: Images, score: Score = "diffid_output_auc"):
    """{score} of IG-Uniform with more and more references, {models}. (a) Against the number of references, both re-calibrated
    forms; dotted: vanilla. (b) Valid interpolations against how many points of an element were kept, and (c) valid references
    against how many references were: means over elements and images, the number of references beside each. Means over {images}
    images with 95 % bootstrap intervals; higher is better. The paper took 1 000 random images and does not print its numbers of
    references.
    """
    variants = ["vanilla", *FORMS]
    table = _scores(found, [score], [model], [point["name"] for point in sweep], variants)
    means = summarise(table, ["method", "variant"], found.seed)
    valid = table.groupby(["method", "variant"])["valid"].mean().rename("valid").reset_index()
    (parameter,) = sweep[0]["values"]
    counts = {point["name"]: point["values"][parameter] for point in sweep}
    data = means.merge(valid, on=["method", "variant"], how="left")
    data[parameter] = data["method"].map(counts)
    data["method"] = sweep[0]["series"]
    data = data.sort_values(["variant", parameter], ignore_index=True)
    figure, axes = plt.subplots(1, 3, figsize=(style.PAGE, 2.5), sharey=True)
    for variant in variants:
        part, (name, colour, line, marker) = data[data["variant"] == variant], LOOKS[variant]
        error = [part["mean"] - part["low"], part["high"] - part["mean"]]
        look = {"color": colour, "ls": ":" if variant == "vanilla" else line, "marker": marker, "capsize": 2, "elinewidth": 0.7}
        axes[0].errorbar(part[parameter], part["mean"], error, label=name, **look)
        if variant in FORMS:
            axis = axes[1 + FORMS.index(variant)]
            axis.errorbar(part["valid"], part["mean"], error, **look)
            for _, row in part.iterrows():
                axis.annotate(
                    f"{row[parameter]:g}", (row["valid"], row["mean"]), (4, -4), textcoords="offset points", va="top", fontsize=6.5
                )
            axis.set_xlabel(f"average {name}")
            axis.margins(x=0.12)
    axes[0].set(xscale="log", xlabel=f"number of {parameter}", ylabel=score_label(score).replace(", ", ",\n"))
    axes[0].set_xticks(list(counts.values()), labels=[f"{count:g}" for count in counts.values()])
    axes[0].set_xticks([], minor=True)
    for axis, title in zip(axes, ("(a)", f"(b) labels: {parameter}", f"(c) labels: {parameter}"), strict=True):
        axis.set_title(title, loc="left")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, handlelength=3.2)
    called = _called(found, model, *(point["name"] for point in sweep))
    figure.suptitle(f"{called}, {place(found.models[model])}: mean of {_n(data)} images, 95 % intervals", fontsize=8)
    return figure, data[["method", parameter, "variant", "valid", "mean", "low", "high", "n", *counts_in(data)]]


# --- pictures ---------------------------------------------------------------------------------------------------------


@artefact("variant_maps", needs=("scores", "maps", "test", "test_logits", "labels"))
def variant_maps(found, *, model: Model, methods: Methods, metric: Metric, images: Images, score: Score = "deletion_output_auc"):
    """Maps of each method as it is (vanilla: signed), of its absolute values and re-calibrated in both forms, {models}. The image
    is the first test image with a bright object (the column dark of the index is false, where there is one) that the network
    classifies right; none was chosen by hand. Below each map: {score} in %, the mean over {images} images; lower is better. The
    paper prints such numbers without saying how many images they are of. Maps of other variants than vanilla are channel sums of
    absolute values.
    """
    test = found.test(model)
    position = first_bright_right(found, model, images)
    image_id = test.index["image_id"].iloc[position]
    table = _scores(found, [score], [model], methods)
    means = summarise(table, ["method", "variant"], found.seed)
    own = table.loc[table["image_id"] == image_id, ["method", "variant", "value"]].rename(columns={"value": "image_auc"})
    data = means.merge(own, on=["method", "variant"]).assign(image_id=image_id)
    known = data.set_index(["method", "variant"])["mean"]
    cell = style.PAGE / (len(methods) + 1)
    figure = plt.figure(figsize=(style.PAGE, (cell + 0.19) * len(VARIANTS) + 0.2))
    grid = figure.add_gridspec(len(VARIANTS), len(methods) + 1)
    axis = figure.add_subplot(grid[0, 0])
    show(axis, test.picture(position))
    axis.set_title(f"Input, {found.explained(model, position + 1)[-1]}")
    for row, variant in enumerate(VARIANTS):
        for column, method in enumerate(methods):
            axis = figure.add_subplot(grid[row, column + 1])
            _show(axis, found.map(model, method, position, variant), variant)
            axis.set_xlabel(f"{100 * known[(method, variant)]:.1f} %", fontsize=7, labelpad=2)
            if row == 0:
                axis.set_title(_called(found, model, method))
            if column == 0:
                axis.set_ylabel(LOOKS[variant][0].replace(" ", "\n"))
    _bars(figure.add_subfigure(grid[1:, 0]), upright=True)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    figure.suptitle(
        f"{place(found.models[model])}; below: {score_label(score)}, mean of {_n(means)} images (lower is better)", fontsize=8
    )
    names = {"mean": "auc", "low": "auc_low", "high": "auc_high"}
    return figure, data.rename(columns=names).sort_values(["method", "variant"], key=_as_given(methods), ignore_index=True)


def first_bright_right(found, model: str, images: int) -> int:
    """Position of the first of the first `images` test images that the model's first training classifies right and whose object
    is not dark, by the index's column of that name where there is one. Raises `InputError` where there is none.
    """
    table, index = found.predictions(model), found.test(model).index
    table = table[table["training"] == table["training"].iloc[0]].set_index("image_id").loc[index["image_id"].iloc[:images]]
    fine = (table["predicted"] == table["label"]).to_numpy()
    if "dark" in index:
        fine = fine & ~index["dark"].iloc[:images].fillna(False).to_numpy(bool)
    if not fine.any():
        raise InputError(f"{model}: of {images} images none is bright and classified right; accepted: more images")
    return int(fine.argmax())


@artefact("variant_gallery", needs=("test", "maps"))
def variant_gallery(found, *, model: Model, methods: Methods, images: Images):
    """The first {images} test images, {models}, and below each its maps by every method: vanilla, its absolute values, and
    re-calibrated with valid references. Vanilla: the signed channel sum over the 99.5th percentile of its absolute value; others:
    channel sums of absolute values, up to their 99th percentile. No image was chosen by hand.
    """
    test, shown, said = found.test(model), ("vanilla", "absolute", "valid_references"), found.explained(model, images)
    side = (style.PAGE - 0.6) / (len(shown) * images + 0.25 * (images - 1))
    figure = plt.figure(figsize=(style.PAGE, (side + 0.02) * (len(methods) + 1) + 0.85))
    top, bottom = figure.subfigures(2, 1, height_ratios=[(side + 0.02) * (len(methods) + 1) + 0.4, 0.45])
    widths = ([1.0] * len(shown) + [0.25]) * images
    axes = top.subplots(len(methods) + 1, len(widths) - 1, width_ratios=widths[:-1], squeeze=False)
    rows = []
    for axis in axes.flat:
        axis.axis("off")
    for position in range(images):
        block = axes[:, position * (len(shown) + 1) :][:, : len(shown)]
        middle = block[0, 1]
        middle.axis("on")
        show(middle, test.picture(position))
        middle.set_title(said[position], fontsize=7)
        for row, method in enumerate(methods, 1):
            for axis, variant in zip(block[row], shown, strict=True):
                values = found.map(model, method, position, variant)
                axis.axis("on")
                _show(axis, values, variant)
                about = {"image_id": test.index["image_id"].iloc[position], "method": method, "variant": variant}
                rows.append(about | {"sum": values.sum(), "sum_of_absolute": np.abs(values).sum()})
                if row == 1:
                    axis.set_title({"valid_references": "valid ref."}.get(variant, variant), fontsize=6, pad=2)
            if position == 0:
                block[row, 0].set_ylabel(_called(found, model, method), fontsize=7)
    _bars(bottom)
    figure.get_layout_engine().set(w_pad=0.008, h_pad=0.008, wspace=0, hspace=0)
    return figure, pd.DataFrame(rows)


# --- robustness -------------------------------------------------------------------------------------------------------


@artefact("noise_robustness", needs=("trainings", "test"), holds={"len(left) == len(right) == len(names)": "a name for each model"})
def noise_robustness(
    found,
    *,
    left: Models,
    right: Models,
    sigmas: tuple[NonNegative, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
    names: tuple[str, ...] = ("no prior", "EG prior", "EG prior, valid references"),
):
    """Accuracy on all test images with Gaussian noise of a standard deviation in shares of the pixel range, clipped; {models}.
    Each network is trained without a prior, with the smoothness prior on Expected Gradients, and on EG re-calibrated with valid
    references ("Ours"). Lines: means over trainings from several seeds; bands: one standard error over them. The priors'
    strengths are chosen by the accuracy on training images held out, one rule for both (legend; the grid is in the CSV); the
    paper prints none. Its caption says MNIST for both panels, its text MNIST and CIFAR-10.
    """
    figure, axes = plt.subplots(1, 2, figsize=(style.PAGE, 2.9), sharey=True)
    parts, marks = [], "vso"
    colours = [LOOKS[variant][1] for variant in ("vanilla", "valid_interpolations", "valid_references")]
    for axis, models, letter in zip(axes, (left, right), "ab", strict=True):
        if len(models) != len(names):
            raise InputError(f"noise_robustness: {len(models)} models and {len(names)} names; accepted: as many of each")
        table = noise_table(found, models, sigmas)
        shares = table.groupby(["model", "training", "sigma"], sort=False)["right"].mean().reset_index()
        for number, (model, name) in enumerate(zip(models, names, strict=True)):
            mine = shares[shares["model"] == model].groupby("sigma")["right"].agg(["mean", "sem", "count"]).reset_index()
            strength, grid = _strengths(found, model)
            look = {"color": colours[number % 3], "ls": ("-.", "--", "-")[number % 3], "marker": marks[number % 3]}
            axis.plot(mine["sigma"], mine["mean"], label=name + (f" (strength {strength})" if strength else ""), **look)
            error = mine["sem"].fillna(0.0)
            axis.fill_between(mine["sigma"], mine["mean"] - error, mine["mean"] + error, color=look["color"], alpha=0.15, lw=0)
            about = {"panel": letter, "model": model, "name": name, "strength": strength, "grid": grid}
            mine = mine.rename(columns={"mean": "accuracy", "sem": "standard_error", "count": "trainings"})
            parts.append(mine.assign(**about, n=table["image_id"].nunique()))
        on, count = found.models[models[0]], int(parts[-1]["trainings"].max())
        network = f"in place of {on.stands_for}" if on.stands_for else on.model
        words = f"({letter}) {network}\n{on.dataset}: {parts[-1]['n'].iloc[0]} images, {count} trainings each"
        axis.set_title(words, loc="left")
        axis.set(xlabel="standard deviation of the noise (pixel range 1)", xticks=list(sigmas))
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), handlelength=3.2)
    axes[0].set_ylabel("accuracy")
    columns = ["panel", "model", "name", "sigma", "accuracy", "standard_error", "trainings", "n", "strength", "grid"]
    return figure, pd.concat(parts, ignore_index=True)[columns]


def noise_table(found, models, sigmas) -> pd.DataFrame:
    """Whether each training of the models classifies each test image right under Gaussian noise of each standard deviation
    `sigmas`, of the pixel range: a row each, `model`, `training`, `sigma`, `image_id`, `right`. The same noise for all models and
    trainings.
    """
    from ..model.robustness import accuracy_under_noise

    parts = []
    for model in models:
        test = found.test(model)
        pixels, labels = test.images(0, len(test)), test.index["label"].to_numpy()
        places = pd.MultiIndex.from_product([sigmas, test.index["image_id"]], names=["sigma", "image_id"])
        for training, classifier, _ in found.trainings(model):
            right = np.asarray(accuracy_under_noise(classifier, pixels, labels, sigmas, found.seed), bool)
            table = pd.DataFrame({"right": right.ravel()}, index=places).reset_index()
            parts.append(table.assign(model=model, training=training))
    return pd.concat(parts, ignore_index=True)[["model", "training", "sigma", "image_id", "right"]]


def _strengths(found, model: str) -> tuple[str, str]:
    """Strengths of the prior that a model's trainings chose, "" where there is none, and of each training the grid as text: each
    strength and the accuracy on training images held out, by which it was chosen.
    """
    abouts = [about for _, _, about in found.trainings(model)]
    chosen = dict.fromkeys(f"{about['strength']:g}" for about in abouts if about.get("strength"))
    grids = [", ".join(f"{row['strength']:g}: {row['held_out_accuracy']:.4f}" for row in about.get("grid", ())) for about in abouts]
    return ", ".join(chosen), "; ".join(filter(None, grids))


# --- sanity -----------------------------------------------------------------------------------------------------------


@artefact("randomised_labels_maps", needs=("test", "maps"))
def randomised_labels_maps(found, *, true_labels: Model, random_labels: Model, methods: Methods, images: Images = 1):
    """Maps of the first {images} test images at their true label, from a network trained on true labels and one trained on
    permuted labels; {models}. A map that explains the network shall differ between the two. Vanilla: the signed channel sum over
    the 99.5th percentile of its absolute value; others: channel sums of absolute values, up to their 99th percentile. The paper
    does not name its data set (its code: MNIST).
    """
    test, order = found.test(true_labels), VARIANTS[::-1]
    side = (style.PAGE - 0.85) / (2 * len(order) + 0.2 * (len(order) - 1))
    count = images * len(methods)
    figure = plt.figure(figsize=(style.PAGE, (side + 0.02) * count + 0.95))
    top, bottom = figure.subfigures(2, 1, height_ratios=[(side + 0.02) * count + 0.45, 0.5])
    widths = ([1.0, 1.0, 0.2] * len(order))[:-1]
    axes = top.subplots(count, len(widths), width_ratios=widths, squeeze=False)
    rows = []
    for axis in axes[:, 2::3].flat:
        axis.axis("off")
    for row, line in enumerate(axes):
        position, method = row // len(methods), methods[row % len(methods)]
        for number, variant in enumerate(order):
            for axis, (labels, model) in zip(
                line[3 * number :], {"true": true_labels, "random": random_labels}.items(), strict=False
            ):
                values = found.map(model, method, position, variant)
                _show(axis, values, variant)
                about = {"image_id": test.index["image_id"].iloc[position], "method": method, "variant": variant, "labels": labels}
                rows.append(about | {"sum": values.sum(), "sum_of_absolute": np.abs(values).sum()})
                if row == 0:
                    axis.set_title((f"{LOOKS[variant][0]}:\n" if labels == "true" else "\n") + labels, fontsize=6.5, loc="left")
        line[0].set_ylabel(_called(found, true_labels, method), fontsize=7)
    _bars(bottom)
    figure.get_layout_engine().set(w_pad=0.008, h_pad=0.008, wspace=0, hspace=0)
    return figure, pd.DataFrame(rows)


@artefact("randomised_labels", needs=("test", "maps"))
def randomised_labels(found, *, true_labels: Model, random_labels: Model, methods: Methods, images: Images):
    """Spearman's rank correlation between the maps, at the true label, of a network trained on true labels and one trained on
    permuted labels: means over {images} test images with 95 % bootstrap intervals; {models}. (a) absolute values and (b) vanilla,
    each beside both re-calibrated forms; top: over all elements, bottom: over those of the object only, as on a black background
    maps share their zeros. Lower is more sane (the paper's text; its caption says the opposite). A map that is constant counts as
    0; the CSV marks it.
    """
    data = map_correlations(found, true_labels, random_labels, methods, VARIANTS, images)
    figure, axes = plt.subplots(2, 2, figsize=(style.PAGE, 3.9), sharex=True, sharey="row")
    words = {"spearman": "all elements", "spearman_ink": "object only"}
    for line, (column, where) in zip(axes, words.items(), strict=True):
        if data[column].isna().all():
            raise InputError(f"{found.models[true_labels].dataset} has neither masks nor boxes; accepted: a data set with either")
        means = summarise(data.rename(columns={column: "value"}), ["method", "variant"], found.seed).set_index(
            ["method", "variant"]
        )
        for axis, first in zip(line, ("absolute", "vanilla"), strict=True):
            for number, variant in enumerate((first, *FORMS)):
                part = means.loc[[(method, variant) for method in methods]]
                name, colour, _, _ = LOOKS[variant]
                places = np.arange(len(methods)) + (number - 1) * 0.27
                error = [part["mean"] - part["low"], part["high"] - part["mean"]]
                hatch = {"absolute": "", "vanilla": "", "valid_interpolations": "///", "valid_references": ""}[variant]
                look = {"color": colour, "hatch": hatch, "edgecolor": "white", "lw": 0.4, "label": name}
                axis.bar(places, part["mean"], 0.25, yerr=error, error_kw={"lw": 0.7, "capsize": 1.5, "capthick": 0.7}, **look)
            axis.axhline(0, color="0.4", lw=0.6)
        line[0].set_ylabel(where)
    for axis, title in zip(axes[0], ("(a) absolute and re-calibrated", "(b) vanilla and re-calibrated"), strict=True):
        axis.set_title(title, loc="left")
    for axis in axes[1]:
        axis.set_xticks(range(len(methods)), [_called(found, true_labels, method) for method in methods])
    figure.supylabel("mean Spearman correlation of both networks' maps", fontsize=8)
    every = {text: handle for axis in axes[0] for handle, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    shown = [LOOKS[variant][0] for variant in VARIANTS]
    figure.legend([every[text] for text in shown], shown, loc="outside lower center", ncols=4)
    figure.suptitle(
        f"networks trained on true and on permuted labels, {images} images, 95 % intervals; lower is more sane", fontsize=8
    )
    return figure, data


@artefact("cascade", needs=("test", "maps", "weights"))
def cascade(found, *, models: Models, methods: Methods, images: Images, random: Method | None = None):
    """A network whose layers are initialised anew, from the top down, stage by stage; {models}. Top: maps of the first test image
    at its label, vanilla and re-calibrated with valid references; each on its own scale. Bottom (ours; the paper shows maps
    alone): Spearman's rank correlation with the map of the intact network, mean over {images} test images with 95 % bootstrap
    intervals. Lower is more sensitive to the randomised layers. Random maps know nothing of the network and stay as they are. A
    constant map counts as 0; the CSV marks it.
    """
    intact, stages = models[0], [_stage(found, model) for model in models]
    parts = []
    for model, stage in zip(models, stages, strict=True):
        some = [map_correlations(found, intact, model, methods, VARIANTS, images)]
        some += [map_correlations(found, intact, model, [random], ["vanilla"], images)] if random else []
        parts.append(pd.concat(some).assign(model=model, stage=stage))
    data = pd.concat(parts, ignore_index=True)
    means = summarise(data.rename(columns={"spearman": "value"}), ["method", "variant", "model"], found.seed)
    side = (style.PAGE - 0.75) / (2 * len(models) + 0.4)
    tall = (side + 0.03) * len(methods) + 0.4
    figure = plt.figure(figsize=(style.PAGE, tall + 0.45 + 2.3))
    top, middle, bottom = figure.subfigures(3, 1, height_ratios=[tall, 0.45, 2.3])
    blocks = ("vanilla", "valid_references")
    axes = top.subplots(
        len(methods), 2 * len(models) + 1, width_ratios=[1] * len(models) + [0.4] + [1] * len(models), squeeze=False
    )
    for axis in axes[:, len(models)]:
        axis.axis("off")
    for row, method in enumerate(methods):
        for block, variant in enumerate(blocks):
            for number, (model, stage) in enumerate(zip(models, stages, strict=True)):
                axis = axes[row, block * (len(models) + 1) + number]
                _show(axis, found.map(model, method, 0, variant), variant)
                if row == 0:
                    axis.set_title(f"\n\n{stage}", fontsize=6, pad=2)
        axes[row, 0].set_ylabel(_called(found, intact, method), fontsize=7)
    for axis, variant in ((axes[0, 0], blocks[0]), (axes[0, len(models) + 1], blocks[1])):
        where = {"xycoords": "axes fraction", "textcoords": "offset points"}
        axis.annotate(LOOKS[variant][0], (0, 1), (0, 11), fontsize=8, **where).set_in_layout(False)  # wider than its column
    _bars(middle)
    lines = {**LOOKS, **({"random": (found.label(random), *CONTROL, None)} if random else {})}
    for axis, method in zip(bottom.subplots(1, len(methods), sharey=True, squeeze=False)[0], methods, strict=True):
        for variant, look in lines.items():
            key = (random, "vanilla") if variant == "random" else (method, variant)
            one = means[(means["method"] == key[0]) & (means["variant"] == key[1])].set_index("model").loc[list(models)]
            _curve(axis, one.assign(x=range(len(models))), look, look[0])
        axis.set_title(_called(found, intact, method))
        axis.set_xticks(range(len(models)), stages, rotation=90, fontsize=6)
        axis.axhline(0, color="0.8", lw=0.6, zorder=0)
        if axis.get_subplotspec().is_first_col():
            axis.set_ylabel("mean Spearman correlation\nwith the intact network")
    _legend(bottom, lines, f"stage: the lowest block that is randomised; {place(found.models[intact])}, mean of {images} images")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.02, wspace=0, hspace=0)
    return figure, data[
        ["image_id", "stage", "model", "method", "variant", "spearman", "spearman_ink", "undefined", "undefined_ink"]
    ]


def map_correlations(found, one: str, other: str, methods, variants, images: int) -> pd.DataFrame:
    """Rank correlations of two models' maps of the first `images` test images, which both have: a row a method, variant and
    image.

    `spearman`: over all elements (C, H, W), signed for vanilla. `spearman_ink`: over those within the image's mask, all channels,
    nan where the data set has none. A constant map has no correlation: it counts as 0, and `undefined` (`undefined_ink`) is true.
    """
    test, rows = found.test(one), []
    for position in range(images):
        image_id, mask = test.index["image_id"].iloc[position], test.mask(position)
        for method in methods:
            for variant in variants:
                pair = [found.map(model, method, position, variant) for model in (one, other)]
                ink = None if mask is None else spearman(*(values[:, mask] for values in pair))
                whole, row = spearman(*pair), {"method": method, "variant": variant, "image_id": image_id}
                row |= {"spearman": np.nan_to_num(whole), "undefined": bool(np.isnan(whole))}
                row |= {"spearman_ink": np.nan if ink is None else np.nan_to_num(ink)}
                rows.append(row | {"undefined_ink": ink is not None and bool(np.isnan(ink))})
    return pd.DataFrame(rows)


def _stage(found, model: str) -> str:
    """The lowest block of a model that is randomised, as saved with its weights; "intact" where none is."""
    from ..store import read_tensors

    file = next(file for file in found.given["weights"] if file.about["model"] == model)
    return ["intact", *read_tensors(file)[1].get("randomised", ())][-1]


# --- checks -----------------------------------------------------------------------------------------------------------


@artefact(
    "recalibration_checks",
    needs=("weights", "test", "train", "maps"),
    table=True,
    takes={
        "{'valid_interpolations', 'valid_references'} <= set(gives) and not set(needs) - {'background'}": "methods with both "
        "re-calibrated forms that need no more than training images"
    },
)
def recalibration_checks(found, *, models: Models, methods: Methods, images: Images = 16):
    """Lemma 1, computed beside the printed (1 + n) / (2n) and its limit; where the midpoint rule has its points, the mean is 1/2
    for every n. Completeness: how far the attributions are from the mean change of the output between image and references,
    relative to it, the median over {images} images, {models}; IG-SQ is not complete in any form. Time of one pass with a
    re-calibrated form besides, in times the plain pass, on one thread. Memory: maps that each form keeps here, and products that
    are tested. Ours keeps sums, three maps for interpolations and one a reference for references; the paper's statement that
    references need less is of code that holds all products.
    """
    from ..paper.recalibration import checks

    data = checks(found, models, methods, images)
    kinds = {"completeness": ["relative gap"], "time": ["times the plain pass"], "memory": ["maps kept", "products"]}
    parts = [data[data["check"] == "Lemma 1"].assign(variant="vanilla", on="")]
    for check, quantities in kinds.items():
        some = data[(data["check"] == check) & data["quantity"].isin(quantities)].copy()
        some["on"] = [f"{_called(found, row.model, row.method)}, {found.models[row.model].model}" for row in some.itertuples()]
        parts.append(some)
    every = pd.concat(parts)
    keys = ["check", "quantity", "on"]
    shown = every.groupby([*keys, "variant"], sort=False, dropna=False)["value"].median().unstack("variant")
    shown = shown.reindex(columns=["vanilla", *FORMS]).reset_index()
    printed = every.groupby(keys, sort=False)["expected"].first()
    shown.insert(3, "expected", [printed[tuple(row)] for row in shown[keys].to_numpy()])
    names = {"vanilla": "computed, or vanilla", **{form: LOOKS[form][0] for form in FORMS}}
    return data, shown.rename(columns=names)


# --- drawing ----------------------------------------------------------------------------------------------------------

_TIGHT = {"handlelength": 2.2, "columnspacing": 0.8, "handletextpad": 0.4, "labelspacing": 0.2, "borderpad": 0.1}


def _scores(found, names, models, methods, variants=VARIANTS) -> pd.DataFrame:
    """Scores of all variants. Raises `InputError` where a method has none of one."""
    table = found.scores(names, variants, models, methods)
    there = set(zip(table["method"], table["variant"], strict=True))
    for method in methods:
        for variant in variants:
            if (method, variant) not in there:
                raise InputError(
                    f"{method} has no {variant} scores; accepted: an entry of methods with variants: {', '.join(VARIANTS)}"
                )
    return table


def _gains(table: pd.DataFrame, keys: list[str], seed: int) -> pd.DataFrame:
    """Mean difference an image from the vanilla variant of the same model and method, with a 95 % bootstrap interval: `keys`,
    `gain_over_vanilla`, `gain_low`, `gain_high`.
    """
    rows = []
    for (model, method), part in table.groupby(keys[:2]):
        wide = part.pivot(index="image_id", columns="variant", values="value")
        gains = wide.sub(wide["vanilla"], axis=0)
        low, high = intervals(gains.to_numpy(), seed)
        rows += [(model, method, *row) for row in zip(gains, gains.mean(), low, high, strict=True)]
    return pd.DataFrame(rows, columns=[*keys, "gain_over_vanilla", "gain_low", "gain_high"])


def _called(found, model: str, method: str, *others: str) -> str:
    """What the registered method of an entry, or of several alike, is called, all its variants meant."""
    own = {} if method in found.params.get("labels", {}) else {"text": label(found.setting(model, method, "method"))}
    return found.label(method, **own, also=[(one, variant) for one in (method, *others) for variant in VARIANTS])


def _form_label(found, form: dict) -> str:
    """A form's name, with a star where it is re-calibrated."""
    star = {"valid_references": "*", "valid_interpolations": "* (interpolations)"}.get(form["variant"], "")
    return found.label(form["entry"], form["variant"], entry_label(form["method"], form=form["form"])) + star


def _curve(axis, part: pd.DataFrame, look: tuple, text: str, band: float = 0.1):
    """A mean with its interval against `x`. `look`: label, colour, line, marker, which is drawn only where points are few."""
    part = part.sort_values("x")
    _, colour, line, marker = look
    axis.plot(
        part["x"], part["mean"], color=colour, ls=line, marker=marker if len(part) <= 11 else None, ms=2.2, lw=1.1, label=text
    )
    axis.fill_between(part["x"], part["low"], part["high"], color=colour, alpha=band, lw=0)


def _limit(axes, curves: pd.DataFrame):
    """One range for panels, of their means: an interval may leave it. And a line at 0."""
    low, high, x = min(curves["mean"].min(), 0.0), max(curves["mean"].max(), 0.0), np.unique(curves["x"])
    margin, beside = 0.06 * (high - low) or 1, 0.04 * (x[-1] - x[0]) or 1
    for axis in axes:
        axis.set(xlim=(x[0] - beside, x[-1] + beside), ylim=(low - margin, high + margin))
        axis.set_xticks(np.unique([x[0], x[len(x) // 2], x[-1]]))
        axis.axhline(0, color="0.8", lw=0.6, zorder=0)


def _legend(figure, lines: dict, title: str):
    """What the lines are, once for all panels, on top."""
    handles = [
        plt.Line2D([], [], color=look[1], ls=look[2], marker=look[3], ms=2.2, lw=1.1, label=look[0]) for look in lines.values()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), title=title, title_fontsize=8, handlelength=3.2)


def _n(table: pd.DataFrame) -> str:
    """Numbers of images, as text."""
    return " or ".join(f"{count:g}" for count in sorted(table["n"].unique()))


def _as_given(*orders):
    """A sort key that leaves names in the order given, variants in theirs, and numbers as they are."""
    places = {name: number for names in (VARIANTS, *orders) for number, name in enumerate(names)}

    def key(column: pd.Series) -> pd.Series:
        return column.map(places) if column.isin(places).all() else column

    return key


def _show(axis, values: np.ndarray, variant: str):
    """A map (C, H, W): vanilla by its sign on a symmetric scale of its own, other variants by their size."""
    if variant == "vanilla":
        show(axis, (signed(values) + 1) / 2)
        axis.images[-1].set_cmap(style.DIVERGING)
    else:
        show(axis, salience(values))


def _bars(figure, upright: bool = False):
    """The two scales of `_show`, side by side on a (sub)figure of their own."""
    scales = [
        ("vanilla: channel sum over 99.5th percentile", style.DIVERGING, (-1, 1), {-1: "against", 0: "0", 1: "for the class"}),
        ("others: sum of absolute values over 99th percentile", style.SEQUENTIAL, (0, 1), {0: "0", 1: "1 and above"}),
    ]
    if upright:
        axes = figure.subplots(3, 2, height_ratios=[0.12, 1, 0.12], width_ratios=[1, 1])
        hidden, shown = [*axes[0], *axes[2]], axes[1]
    else:
        axes = figure.subplots(1, 5, width_ratios=[0.2, 1, 0.4, 1, 0.2])
        hidden, shown = axes[::2], axes[1::2]
    for axis in hidden:
        axis.axis("off")
    for axis, (text, colours, limits, ticks) in zip(shown, scales, strict=True):
        mappable = ScalarMappable(Normalize(*limits), colours)
        bar = figure.colorbar(mappable, cax=axis, orientation="vertical" if upright else "horizontal")
        bar.set_ticks(list(ticks), labels=list(ticks.values()), fontsize=6, rotation=90 if upright else 0)
        bar.set_label(text, fontsize=6, labelpad=1)
        bar.ax.tick_params(length=2, pad=1)
        bar.outline.set_linewidth(0.4)
