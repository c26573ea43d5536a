"""What only the LPI paper shows (Yang et al., AAAI 2023): references, neighbourhoods, worked examples."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..dataset.split import darkest
from ..plot import style
from ..plot.names import label
from ..plot.pictures import inside, mosaic, salience, show
from ..registry import Images, Methods, Model, artefact
from ..rng import generator


@artefact(
    "references_used",
    needs=("test", "train", "weights", "neighbourhoods", "maps"),
    takes={"method in ('ig', 'eg', 'lpi')": "entries of ig, eg and lpi, whose references it shows"},
)
def references_used(found, *, model: Model, methods: Methods, images: Images):
    """Integrated Gradients, Expected Gradients and Local Path Integration on the darkest of the first {images} test
    images, {models}; where the data set has masks, on that with the darkest object, whose outline is drawn. Top: the map as DiffID
    ranks it, the channel sum of absolute attributions, up to its 99th percentile. Bottom: the references that each method used.
    """
    from ..integrate import draws
    from ..method.sampled import choose

    test, train = found.test(model), found.train(model)
    position = darkest(test, images)
    image, mask, name = test.picture(position), test.mask(position), test.index["image_id"].iloc[position]

    def of_ig(_):
        return np.zeros_like(image), "a black image"

    def of_eg(method):
        pool = found.background(model)
        chosen = draws(found.seed, found.setting(model, method, "method"), name)
        rows = choose(chosen, len(pool), found.setting(model, method, "references"))
        return np.stack([pool.picture(row) for row in rows]), f"{len(rows)} random\ntraining images"

    def of_lpi(method):
        hoods = found.neighbourhoods(model, method)
        local, density = hoods.references(hoods.locate(found.classifier(model).logits(test[position][None])[0]))
        local = local[np.argsort(-density, kind="stable")]
        return np.stack([train.picture(row) for row in local]), f"{len(local)} representatives\nof its neighbourhood"

    used = {"ig": of_ig, "eg": of_eg, "lpi": of_lpi}
    figure, axes = plt.subplots(2, len(methods) + 1, figsize=(style.PAGE, style.PAGE / (len(methods) + 1) * 2 + 0.5))
    show(axes[0, 0], image)
    axes[0, 0].set_title("Input")
    if mask is None:
        axes[1, 0].set_axis_off()
    else:
        show(axes[1, 0], image, mask)
        axes[1, 0].set_xlabel("outline: the object's mask")
    rows = []
    for method, axis in zip(methods, axes.T[1:], strict=True):
        pictures, caption = used[found.setting(model, method, "method")](method)
        attribution = found.map(model, method, position)
        show(axis[0], salience(attribution), mask)
        axis[0].set_title(label(method))
        show(axis[1], mosaic(pictures, 5) if pictures.ndim == 4 else pictures)
        axis[1].set_xlabel(f"references: {caption}")
        about = {"image_id": name, "method": method, "references": caption.replace("\n", " ")}
        rows.append({**about, "share_of_attribution_in_mask": inside(attribution, mask)})
    return figure, pd.DataFrame(rows)


@artefact(
    "neighbourhoods",
    needs=("train", "train_logits", "neighbourhoods"),
    holds={"len(methods) == 1": "one method"},
    takes={"'neighbourhoods' in needs": "methods with neighbourhoods"},
)
def neighbourhoods(found, *, model: Model, methods: Methods, points: int = 6000):
    """Left: the logits of {points} training images (all, where there are fewer), {models}, projected by UMAP and coloured by LPI's
    neighbourhoods, found by K-means on all training logits. Right: the references of the largest neighbourhood, the training
    images nearest the centroids of its sub-clusters; a picture's area is proportional to its density, which is printed below it.
    """
    from umap import UMAP

    (method,) = methods
    train, logits, hoods = found.train(model), found.logits(model), found.neighbourhoods(model, method)
    shown = np.arange(len(logits))
    if len(shown) > points:
        shown = np.sort(generator(found.seed, "umap").choice(len(logits), points, replace=False))
    neighbours = min(15, len(shown) - 1)
    places = UMAP(n_neighbors=neighbours, random_state=found.seed, n_jobs=1).fit_transform(logits[shown])
    chosen = int(np.bincount(hoods.neighbourhood).argmax())
    local, density = hoods.references(chosen)
    pictures = np.stack([train.picture(row) for row in local])
    figure = _distribution(places, hoods.neighbourhood[shown], pictures, density, chosen)
    data = train.index.iloc[shown][["image_id", "label"]].reset_index(drop=True)
    data["neighbourhood"] = hoods.neighbourhood[shown] + 1
    data["umap_1"], data["umap_2"] = places.T
    share = {int(row): value for row, value in zip(hoods.representatives.flat, hoods.density.flat, strict=True) if row >= 0}
    data["density_as_reference"] = pd.Series(shown).map(share)
    return figure, data


def _distribution(points, neighbourhood, pictures, density, chosen: int):
    """Training logits in two dimensions by neighbourhood, and one neighbourhood's representatives scaled by density.

    `points` (N, 2); `neighbourhood` (N,); `pictures` (m, C, H, W) of neighbourhood `chosen` with their `density` (m,).
    """
    import seaborn as sns

    figure = plt.figure(figsize=(style.PAGE, 3.0))
    left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1])
    axis = left.subplots()
    count = int(neighbourhood.max()) + 1
    palette = sns.color_palette("colorblind", 10) if count <= 10 else sns.color_palette("husl", count)
    for number in range(count):
        mine = neighbourhood == number
        place = points[mine]
        axis.scatter(*place.T, s=1.5, color=palette[number], lw=0, rasterized=True)
        axis.annotate(
            str(number + 1),
            place[((place - np.median(place, 0)) ** 2).sum(1).argmin()],  # a point of its own near the middle
            ha="center",
            va="center",
            fontsize=7,
            bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": palette[number], "lw": 1.6 if number == chosen else 0.8},
        )
    axis.set(
        xticks=[], yticks=[], xlabel="UMAP 1", ylabel="UMAP 2", title=f"logits of {len(points)} training images, by neighbourhood"
    )
    order = np.argsort(-density, kind="stable")
    columns = int(np.ceil(np.sqrt(len(order) * 1.2)))
    grid = right.subplots(-(-len(order) // columns), columns, squeeze=False)
    right.suptitle(f"references of neighbourhood {chosen + 1},\nside in proportion to the root of density", fontsize=8)
    for axis, number in zip(grid.flat, order, strict=False):
        half = 0.5 / np.sqrt(density[number] / density.max())  # a picture's area is its density
        show(axis, pictures[number])
        size = pictures.shape[-1]
        axis.set(xlim=(size * (0.5 - half), size * (0.5 + half)), ylim=(size * (0.5 + half), size * (0.5 - half)))
        axis.text(0.5, -0.02, f"{100 * density[number]:.0f} %", transform=axis.transAxes, ha="center", va="top", fontsize=6)
    for axis in grid.flat:
        axis.axis("off")
    return figure


@artefact("piecewise_examples")
def piecewise_examples(found):
    """Examples 1 and 2, computed by the same integrator as everything else: the pieces of F, the straight paths, and the
    attributions at their ends. F is :math:`x_1 + 3 x_2` where both are at most 1, :math:`3 x_1 + x_2` where both are above 1, and
    0 elsewhere (Eq. 3). From the reference 0, IG ranks :math:`x_2` above :math:`x_1` at (1.5, 1.5) although :math:`x_1` weighs
    three times as much there; from a reference in the same linear piece the ratio is 3 : 1. The paper prints that ratio without
    naming a reference; it holds for those on the diagonal through the point, and the sign follows the direction of the path.
    """
    from ..paper.lpi import examples

    table = examples()
    figure, axes = plt.subplots(1, 2, figsize=(style.PAGE, 3.0), sharey=True)
    for axis, (example, rows) in zip(axes, table.groupby("example"), strict=True):
        axis.add_patch(plt.Rectangle((0, 0), 1, 1, fc="0.85", ec="0.4", lw=0.6))
        axis.add_patch(plt.Rectangle((1, 1), 6, 6, fc=style.method_style("ig")[1], alpha=0.15, ec="none"))
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
    return figure, table
