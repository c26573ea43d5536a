"""Galleries: attribution maps beside their images."""

from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from .. import source
from ..errors import InputError
from ..plot import style
from ..plot.names import label
from ..plot.pictures import averaged, clipped, inside, salience, show, signed
from ..ranks import flat
from ..registry import Forms, Images, Methods, Model, Table, artefact

FOOT, NAMES = 0.35, 0.95  # inches below a gallery, for its scale, and beside it, for the names
TALL, WORDS, LETTER = 9.2, 0.31, 0.048  # inches of a page, of the text below an image, and of one of its letters
BROAD = 8  # methods side by side


@artefact("gallery", needs=("test", "maps"))
def gallery(found, *, model: Model, methods: Methods, images: Images, scale: Literal["absolute", "clipped"] = "absolute"):
    """Attribution maps of the first {images} test images, {models}; where the data set has masks, the outline is the
    object. Scale, {scale}: *absolute* is the channel sum of absolute attributions up to its 99th percentile; *clipped*, grey, the
    channel mean between its 80th and its 99th percentile, as the released code of Local Attribution draws. No image was chosen by
    hand.
    """
    test, rows = found.test(model), list(range(images))
    masks, labels = [test.mask(row) for row in rows], test.index["label"].astype(str)
    maps = {method: [found.map(model, method, row) for row in rows] for method in methods}
    pictures = [test.picture(row) for row in rows]
    figure = beside(pictures, found.explained(model, images), maps, masks, clip=scale == "clipped")
    data = [
        {
            "image_id": test.index["image_id"].iloc[row],
            "label": labels[row],
            "method": method,
            "share_of_attribution_in_mask": inside(maps[method][row], masks[row]),
        }
        for row in rows
        for method in maps
    ]
    return figure, pd.DataFrame(data)


def beside(pictures: list, names: list[str], maps: dict[str, list], outlines: list, below: dict | None = None, clip: bool = False):
    """Images in rows, each with its maps in columns; of more than 8 methods in blocks below each other, the images in each.

    `pictures`: (C, H, W), their `names` at their left. `maps`: method -> maps (C, H, W) of the images; `outlines`: (H, W) of the
    images, or None; `below`: method -> a text of each image, under its map. `clip`: maps as `pictures.clipped` has them.
    """
    blocks = -(-len(maps) // BROAD)
    each = -(-len(maps) // blocks)
    cell = style.PAGE / (each + 1)
    tall = (cell + 0.02 + 0.16 * bool(below)) * len(pictures) + 0.2  # inches of a block
    figure, axes = plt.subplots(blocks * len(pictures), each + 1, figsize=(style.PAGE, tall * blocks), squeeze=False)
    for axis in axes.ravel():
        axis.set_axis_off()  # where there is no map
    methods = list(maps)
    for block in range(blocks):
        some = methods[block * each : (block + 1) * each]
        lines = axes[block * len(pictures) : (block + 1) * len(pictures)]
        for row, (line, outline) in enumerate(zip(lines, outlines, strict=True)):
            for axis in line[: len(some) + 1]:
                axis.set_axis_on()
            show(line[0], pictures[row], outline if below else None)
            line[0].set_ylabel(names[row])
            for axis, method in zip(line[1:], some, strict=False):
                values = maps[method][row]
                show(axis, clipped(values) if clip else salience(values), outline, grey=clip)
                if below:
                    axis.set_xlabel(below[method][row], fontsize=6, labelpad=1)
        for axis, title in zip(lines[0], ["Input", *map(label, some)], strict=False):
            axis.set_title(title, fontsize=8 if each < BROAD else 7)
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    return figure


@artefact("sheet", needs=("test", "maps", "test_logits", "table"))
def sheet(found, *, model: Model, forms: Forms, images: Images, order: Table | None = None):
    """Every method, variant and form on the first {images} test images, {models}, by rank in the artefact {order}, or else by
    paper: channel sums, averaged to what the print resolves, each map on its own symmetric scale up to the 99.5th percentile.
    *Flat*: no pixel of the map differs from another. Where the data set has masks, the outline is the object. Under each image:
    its class, and the predicted class with its probability. No image was chosen by hand. Random is uniform noise in [0, 1);
    FullGrad adds up hundreds of coarse channels of absolute values, so its maps lie far above 0 everywhere (its order of pixels is
    informative all the same: see the scores).
    """
    test, forms = found.test(model), _ordered(found, forms, order)
    masks, rows, data = [test.mask(row) for row in range(images)], [], []
    known = found.predictions(model).drop_duplicates("image_id").set_index("image_id")
    known = known.loc[test.index["image_id"].iloc[:images], ["label", "predicted", "confidence"]].reset_index()
    told = [_told(found, model, one) for one in known.itertuples()]
    for form, text in zip(forms, found.labels(forms), strict=True):
        maps = [found.map(model, form["entry"], row, form["variant"]) for row in range(images)]
        rows.append((text, maps))
        for row, (mask, values) in enumerate(zip(masks, maps, strict=True)):
            about = {"image_id": known["image_id"].iloc[row], "method": form["entry"], "variant": form["variant"]}
            sizes = {"label": text, "sum": values.sum(), "largest": np.abs(values).max(), "flat": bool(flat(values))}
            data.append({**about, **sizes, "share_of_attribution_in_mask": inside(values, mask)})
    classes = known.rename(columns={"label": "class"})
    return _sheet([test.picture(row) for row in range(images)], rows, masks, told), pd.DataFrame(data).merge(classes, on="image_id")


def _ordered(found, forms: list[dict], order: str | None) -> list[dict]:
    """Forms by their mean rank in the table of an artefact; without one by paper."""
    if not order:
        return sorted(forms, key=lambda one: source.lookup("method", one["method"]).facts["paper"])
    table = found.table()
    if not {"entry", "variant", "mean_rank"} <= set(table):
        raise InputError(f"sheet: {order} has no mean ranks; accepted as order: an artefact of kind ranking")
    ranks = table.drop_duplicates(["entry", "variant"]).set_index(["entry", "variant"])["mean_rank"]
    return sorted(forms, key=lambda one: ranks.get((one["entry"], one["variant"]), np.inf))


def _cells(rows: int, columns: int, aspect: float) -> tuple[int, float]:
    """Blocks of rows side by side and the largest width of a cell, inches, that fits on a page. `aspect`: height / width."""
    sizes = []
    for blocks in range(1, 5):
        wide = (style.PAGE / blocks - NAMES - 0.03) / columns
        tall = (TALL - FOOT - WORDS) / (-(-rows // blocks) + 1) / aspect
        sizes.append((int(1e4 * min(wide, tall)) / 1e4, -blocks))  # a hair less makes no further block
    cell, blocks = max(sizes)
    return -blocks, cell


def _sheet(images, rows: list[tuple[str, list]], masks: list, told: list[list[str]]):
    """All methods on the same images, on one page, in blocks side by side: the images on top, then a row a method.

    `rows`: (label, maps (C, H, W) of the images), each map on its own symmetric scale. `masks`: (H, W) of the images, or None.
    `told`: lines below the images.
    """
    columns, (_, height, width) = len(images), images[0].shape
    blocks, cell = _cells(len(rows), columns, height / width)
    images = [averaged(image, int(cell * style.RESOLVED)) for image in images]
    _, height, width = images[0].shape
    each, gap = -(-len(rows) // blocks), max(2, width // 20)
    inch = (width + gap) / cell  # pixels an inch
    words = round(WORDS * inch)
    tall, broad = height + gap, columns * (width + gap)
    high = ((each + 1) * tall + words) / inch + FOOT
    figure = plt.figure(figsize=(style.PAGE, high), layout="none")
    colours = plt.get_cmap(style.DIVERGING, 65)  # few, so that speckle is not most of the file
    for place, start in enumerate(range(0, len(rows), each)):
        some = rows[start : start + each]
        at = ((place / blocks * style.PAGE + NAMES) / style.PAGE, FOOT / high, broad / inch / style.PAGE, 1 - FOOT / high)
        axis = figure.add_axes(at)
        sheet = np.ones(((each + 1) * tall + words, broad, 3))
        outline = np.zeros(sheet.shape[:2])
        tops = [0, *(words + tall * row for row in range(1, len(some) + 1))]
        for column, (image, mask) in enumerate(zip(images, masks, strict=True)):
            left, small = column * (width + gap), None if mask is None else averaged(mask.astype(float), max(height, width))
            sheet[:height, left : left + width] = np.broadcast_to(image, (3, height, width)).transpose(1, 2, 0)
            lines = [shorten(line, int(cell / LETTER)) for line in told[column]]
            axis.text(left + width / 2, height + gap / 2, "\n".join(lines), ha="center", va="top", fontsize=6, linespacing=1.0)
            for top, (_, maps) in zip(tops[1:], some, strict=True):
                values = averaged(maps[column], max(height, width))
                sheet[top : top + height, left : left + width] = colours((signed(values) + 1) / 2)[..., :3]
                if flat(maps[column]):
                    axis.text(left + width / 2, top + height / 2, "flat", ha="center", va="center", fontsize=6, color="0.4")
                elif small is not None:
                    outline[top : top + height, left : left + width] = small
        for part in (
            slice(0, tall + words),
            slice(tall + words, len(sheet)),
        ):  # the maps apart: of few colours, they take little room
            axis.imshow(sheet[part], extent=(-0.5, broad - 0.5, part.stop - 0.5, part.start - 0.5), interpolation="none")
        if outline.any():
            axis.contour(outline, levels=[0.5], colors="black", linewidths=0.35)
        axis.set(xticks=[], yticks=[top + height / 2 for top in tops], ylim=(len(sheet), 0))
        axis.set_yticklabels(["Input", *(text.replace(", ", ",\n") for text, _ in some)], fontsize=6, linespacing=1.0)
        axis.tick_params(length=0, pad=2)
        axis.set_frame_on(False)
    scale = figure.add_axes((0.4, 0.6 * FOOT / high, 0.3, 0.2 * FOOT / high))
    bar = figure.colorbar(plt.cm.ScalarMappable(plt.Normalize(-1, 1), colours), cax=scale, orientation="horizontal")
    bar.set_ticks([-1, 0, 1], labels=["against the class", "0", "for the class"], fontsize=6)
    bar.ax.tick_params(length=2, pad=1)
    bar.outline.set_linewidth(0.4)
    return figure


def _told(found, model: str, known) -> list[str]:
    """What to say below an image: its class, where it has one, the predicted class and its probability."""
    own = [f"class {found.class_name(model, known.label)}"] if known.label >= 0 else []
    return [*own, f"\N{RIGHTWARDS ARROW} {found.class_name(model, known.predicted)}", f"{100 * known.confidence:.0f} %"]


def shorten(text: str, letters: int) -> str:
    """A text of at most so many letters."""
    return text if len(text) <= letters else f"{text[: letters - 1]}\N{HORIZONTAL ELLIPSIS}"
