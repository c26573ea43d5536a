"""Figures of images and attribution maps."""

import matplotlib.pyplot as plt
import numpy as np

from . import style

FOOT, NAMES = 0.35, 0.95  # inches below a gallery, for its scale, and beside it, for the names


def salience(attribution: np.ndarray) -> np.ndarray:
    """(C, H, W) -> (H, W) in [0, 1]: the channel sum of absolute values, which DiffID ranks, up to its 99th percentile."""
    values = np.abs(attribution).sum(0)
    top = np.percentile(values, 99)
    return np.clip(values / top, 0, 1) if top > 0 else np.zeros_like(values)


def show(axis, picture: np.ndarray, mask: np.ndarray | None = None):
    """Draw an image (C, H, W) in [0, 1], or a map (H, W) in [0, 1], with the outline of a mask."""
    if picture.ndim == 3:
        picture = picture.transpose(1, 2, 0)
        axis.imshow(picture if picture.shape[2] == 3 else picture[..., 0], cmap="gray", vmin=0, vmax=1)
    else:
        axis.imshow(picture, cmap=style.SEQUENTIAL, vmin=0, vmax=1)
    if mask is not None:
        axis.contour(mask, levels=[0.5], colors="white" if picture.ndim == 2 else "cyan", linewidths=0.6)
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set_visible(False)


def mosaic(images: np.ndarray, columns: int) -> np.ndarray:
    """(N, C, H, W) -> (C, rows * H, columns * W), row by row, white where there are no more."""
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    sheet = np.ones((rows * columns, channels, height, width), images.dtype)
    sheet[:count] = images
    return sheet.reshape(rows, columns, channels, height, width).transpose(2, 0, 3, 1, 4).reshape(channels, rows * height, -1)


def gallery(images, maps: dict[str, list], masks: list, names: list[str]):
    """One row an image, one column a method, the image itself first. `maps`: method -> (C, H, W) for each image."""
    cell = style.PAGE / (len(maps) + 1)
    figure, axes = plt.subplots(len(images), len(maps) + 1, figsize=(style.PAGE, (cell + 0.02) * len(images) + 0.2), squeeze=False)
    for row, (image, mask) in enumerate(zip(images, masks, strict=True)):
        show(axes[row, 0], image)
        axes[row, 0].set_ylabel(names[row])
        for column, values in enumerate(maps.values(), 1):
            show(axes[row, column], salience(values[row]), mask)
    for axis, title in zip(axes[0], ["Input", *map(style.label, maps)], strict=True):
        axis.set_title(title)
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    return figure


def signed(attribution: np.ndarray) -> np.ndarray:
    """(C, H, W) -> (H, W) in [-1, 1]: the channel sum over the 99.5th percentile of its absolute value."""
    values = attribution.sum(0)
    top = np.percentile(np.abs(values), 99.5)
    return np.clip(values / top, -1, 1) if top > 0 else np.zeros_like(values)


def overview(images, rows: list[tuple[str, list]], masks: list, blocks: int = 2):
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


def references(image, mask, columns: list[tuple[str, np.ndarray, np.ndarray, str]]):
    """An image, and for each method its map above the references that it used: (title, map, picture of references, caption)."""
    figure, axes = plt.subplots(2, len(columns) + 1, figsize=(style.PAGE, style.PAGE / (len(columns) + 1) * 2 + 0.5))
    show(axes[0, 0], image)
    axes[0, 0].set_title("Input")
    show(axes[1, 0], image, mask)
    axes[1, 0].set_xlabel("outline: the object's mask")
    for axis, (title, attribution, picture, caption) in zip(axes.T[1:], columns, strict=True):
        show(axis[0], salience(attribution), mask)
        axis[0].set_title(title)
        show(axis[1], picture)
        axis[1].set_xlabel(caption)
    return figure


def distribution(points, neighbourhood, pictures, density, chosen: int):
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
