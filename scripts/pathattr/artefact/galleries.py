"""Galleries: attribution maps beside their images."""

from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..plot import style
from ..plot.names import entry_label, label
from ..plot.pictures import clipped, inside, salience, show, signed
from ..registry import Forms, Images, Methods, Model, artefact

FOOT, NAMES = 0.35, 0.95  # inches below a gallery, for its scale, and beside it, for the names
BROAD = 8  # methods side by side


@artefact("gallery", needs=("test", "maps"))
def gallery(found, *, model: Model, methods: Methods, images: Images, scale: Literal["absolute", "clipped"] = "absolute"):
    """Attribution maps of the first {images} test images, {models}; the outline is the object. Scale, {scale}: *absolute* is the
    channel sum of absolute attributions up to its 99th percentile; *clipped*, grey, the channel mean between its 80th and its 99th
    percentile, as the released code of Local Attribution draws. No image was chosen by hand.
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


@artefact("sheet", needs=("test", "maps"))
def sheet(found, *, model: Model, forms: Forms, images: Images):
    """Every method, variant and form on the first {images} test images, {models}: channel sums, each map on its own
    symmetric scale up to the 99.5th percentile; the outline is the object. No image was chosen by hand.
    Random is uniform noise in [0, 1); FullGrad adds up hundreds of coarse channels of absolute values, so its maps lie far above 0
    everywhere (its order of pixels is informative all the same: see the scores).
    """
    test = found.test(model)
    masks, rows, data = [test.mask(row) for row in range(images)], [], []
    for form in forms:
        label = entry_label(form["method"], form["variant"], form["form"])
        maps = [found.map(model, form["entry"], row, form["variant"]) for row in range(images)]
        rows.append((label, maps))
        for row, (mask, values) in enumerate(zip(masks, maps, strict=True)):
            about = {"image_id": test.index["image_id"].iloc[row], "method": form["entry"], "variant": form["variant"]}
            sizes = {"label": label, "sum": values.sum(), "largest": np.abs(values).max()}
            data.append({**about, **sizes, "share_of_attribution_in_mask": inside(values, mask)})
    return _sheet([test.picture(row) for row in range(images)], rows, masks), pd.DataFrame(data)


def _sheet(images, rows: list[tuple[str, list]], masks: list, blocks: int = 2):
    """All methods on the same images, in `blocks` side by side: the images on top, then a row a method.

    `rows`: (label, maps (C, H, W) of the images), each map on its own symmetric scale. `masks`: (H, W) of the images, or None.
    """
    columns, (_, height, width) = len(images), images[0].shape
    each = -(-len(rows) // blocks)
    gap = max(2, width // 20)
    block = style.PAGE / blocks  # inches, the labels' column within
    broad = block - NAMES - 0.03
    tall = broad / (columns * (width + gap)) * (each + 1) * (height + gap)
    figure, high = plt.figure(figsize=(style.PAGE, tall + FOOT), layout="none"), tall + FOOT
    colours = plt.get_cmap(style.DIVERGING)
    for place, start in enumerate(range(0, len(rows), each)):
        axis = figure.add_axes(((place * block + NAMES) / style.PAGE, FOOT / high, broad / style.PAGE, tall / high))
        some = rows[start : start + each]
        sheet = np.ones(((len(some) + 1) * (height + gap), columns * (width + gap), 3))
        outline = np.zeros(sheet.shape[:2])
        pictures = [[np.broadcast_to(image, (3, height, width)).transpose(1, 2, 0) for image in images]]
        pictures += [[colours((signed(values) + 1) / 2)[..., :3] for values in maps] for _, maps in some]
        for row, line in enumerate(pictures):
            for column, picture in enumerate(line):
                corner = np.s_[row * (height + gap) :, column * (width + gap) :]
                sheet[corner][:height, :width] = picture
                if row and masks[column] is not None:
                    outline[corner][:height, :width] = masks[column]
        axis.imshow(sheet)
        if outline.any():
            axis.contour(outline, levels=[0.5], colors="black", linewidths=0.35)
        middles = [row * (height + gap) + height / 2 for row in range(len(some) + 1)]
        axis.set(xticks=[], yticks=middles)
        axis.set_yticklabels(["Input", *(label.replace(", ", ",\n") for label, _ in some)], fontsize=6, linespacing=1.0)
        axis.set_ylim((each + 1) * (height + gap), 0)
        axis.tick_params(length=0, pad=2)
        axis.set_frame_on(False)
    scale = figure.add_axes((0.4, 0.6 * FOOT / high, 0.3, 0.2 * FOOT / high))
    bar = figure.colorbar(plt.cm.ScalarMappable(plt.Normalize(-1, 1), colours), cax=scale, orientation="horizontal")
    bar.set_ticks([-1, 0, 1], labels=["against the class", "0", "for the class"], fontsize=6)
    bar.ax.tick_params(length=2, pad=1)
    bar.outline.set_linewidth(0.4)
    return figure
