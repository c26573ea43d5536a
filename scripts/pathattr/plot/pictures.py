"""Images and attribution maps as pictures."""

import numpy as np

from . import style


def salience(attribution: np.ndarray) -> np.ndarray:
    """(C, H, W) -> (H, W) in [0, 1]: the channel sum of absolute values, which DiffID ranks, up to its 99th percentile."""
    values = np.abs(attribution).sum(0)
    top = np.percentile(values, 99)
    return np.clip(values / top, 0, 1) if top > 0 else np.zeros_like(values)


def clipped(attribution: np.ndarray) -> np.ndarray:
    """(C, H, W) -> (H, W) in [0, 1]: the channel mean between its 80th and its 99th percentile, as LA's released code draws."""
    values = attribution.mean(0)
    low, high = np.percentile(values, [80, 99])
    return np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros_like(values)


def show(axis, picture: np.ndarray, mask: np.ndarray | None = None, grey: bool = False):
    """Draw an image (C, H, W) in [0, 1], or a map (H, W) in [0, 1], in colours or grey, with the outline of a mask."""
    if picture.ndim == 3:
        picture = picture.transpose(1, 2, 0)
        axis.imshow(picture if picture.shape[2] == 3 else picture[..., 0], cmap="gray", vmin=0, vmax=1)
    else:
        axis.imshow(picture, cmap="gray" if grey else style.SEQUENTIAL, vmin=0, vmax=1)
    if mask is not None:
        padded, (height, width) = np.pad(mask, 1), mask.shape  # so that an outline is closed where it meets the image's edge
        places = [np.clip(np.arange(-1, side + 1), -0.4, side - 0.6) for side in (width, height)]
        axis.contour(*places, padded, levels=[0.5], colors="white" if picture.ndim == 2 and not grey else "cyan", linewidths=0.6)
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


def signed(attribution: np.ndarray) -> np.ndarray:
    """(C, H, W) -> (H, W) in [-1, 1]: the channel sum over the 99.5th percentile of its absolute value."""
    values = attribution.sum(0)
    top = np.percentile(np.abs(values), 99.5)
    return np.clip(values / top, -1, 1) if top > 0 else np.zeros_like(values)


def inside(attribution: np.ndarray, mask: np.ndarray | None) -> float:
    """Share of a map's absolute values within a mask (H, W); nan for a map of zeros, or without a mask."""
    size = np.abs(attribution).sum(0)
    return size[mask].sum() / size.sum() if mask is not None and size.sum() else np.nan


def averaged(values: np.ndarray, most: int) -> np.ndarray:
    """(..., H, W) averaged over equal areas to at most `most` pixels a side, in proportion; as it is where it has no more."""
    sides = values.shape[-2:]
    if max(sides) <= most:
        return values
    down, across = (_areas(side, max(1, round(side * most / max(sides)))) for side in sides)
    return down @ values @ across.T


def _areas(size: int, count: int) -> np.ndarray:
    """(count, size): which share of each of `count` equal parts of a line each of its `size` pixels is."""
    ends, pixels = np.arange(count + 1) * size / count, np.arange(size)
    shares = np.minimum(ends[1:, None], pixels + 1) - np.maximum(ends[:-1, None], pixels)
    return shares.clip(0) * count / size
