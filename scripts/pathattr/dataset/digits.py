"""Embedded data: scikit-learn's handwritten digits, alone, in pairs, or on its two photographs. Real, offline, with ground truth.

The digits are the 1797 of the UCI optical-recognition set (8 x 8, 17 grey levels), the photographs are `china.jpg` and
`flower.jpg` (427 x 640). A training image and a test image never share a digit, nor any part of a photograph.
"""

import numpy as np
import pandas as pd
from PIL import Image

from ..errors import InputError
from ..registry import dataset
from ..rng import generator
from ..values import Side
from .made import Made

TEST_DIGITS = 400  # of the 1797, the others are for training
TRAIN_COLUMNS = 448  # of a photograph's 640; the rest is the test's
DARK_SHARE = 0.3  # of the digits, nearly black


def _split_digits(split: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Digits (count, 8, 8) in [0, 1], labels and source numbers; each digit of the split comes up equally often."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = generator(seed, "digits", "split").permutation(len(bunch.target))
    pool = order[:TEST_DIGITS] if split == "test" else order[TEST_DIGITS:]
    rounds = -(-count // len(pool))
    chosen = np.concatenate([generator(seed, "digits", split, r).permutation(pool) for r in range(rounds)])[:count]
    return bunch.images[chosen] / 16.0, bunch.target[chosen], chosen


def check_size(size: int, least: int):
    """Raise `InputError` for images too small to tell digits apart."""
    if size < least:
        raise InputError(f"size is {size}; accepted: a whole number, at least {least}")


def _resize(grey: np.ndarray, size: int) -> np.ndarray:
    scaled = Image.fromarray(grey.astype(np.float32)).resize((size, size), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(scaled), 0.0, 1.0)


def _bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of a mask in pixels, the upper ends excluded."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


@dataset("digits", source="UCI optical digits, in scikit-learn", made=True, classes=10, holds={"size >= 8": "at least 8 pixels"})
def digits(split: str, seed: int = 0, *, size: Side = 16, train: int = 1397, test: int = 400) -> Made:
    """The digits alone, white on black, one channel: the stand-in for MNIST and CIFAR. See `Made` for the shapes."""
    check_size(size, 8)
    count = train if split == "train" else test
    grey, labels, _ = _split_digits(split, count, seed)
    images = np.stack([_resize(digit, size) for digit in grey])
    masks = images > 0.5
    boxes = np.array([_bounds(mask) for mask in masks])
    return Made.of(split, np.rint(images[:, None] * 255), labels, boxes, masks)


@dataset("digit_pairs", source="UCI optical digits, in scikit-learn", made=True, classes=100, size=8)
def digit_pairs(split: str, seed: int = 0, *, train: int = 8000, test: int = 400) -> Made:
    """Two digits side by side at their native size, white on black, one channel, 8 x 16 pixels: a hundred classes, 10 a + b of the
    digits a and b from left to right. The stand-in for CIFAR-100. Mask and box are of both digits. See `Made` for the shapes.
    """
    count = train if split == "train" else test
    grey, digit, _ = _split_digits(split, 2 * count, seed)
    images = np.concatenate([grey[::2], grey[1::2]], 2)  # (N, 8, 16)
    masks = images > 0.5
    boxes = np.array([_bounds(mask) for mask in masks])
    return Made.of(split, np.rint(images[:, None] * 255), 10 * digit[::2] + digit[1::2], boxes, masks)


@dataset(
    "digits_on_photos",
    source="UCI optical digits and two photographs, in scikit-learn",
    made=True,
    classes=10,
    holds={"size >= 16": "at least 16 pixels"},
)
def digits_on_photos(split: str, seed: int = 0, *, size: Side = 64, train: int = 6000, test: int = 400) -> Made:
    """A digit of random size, place and colour on a random crop of a photograph: the stand-in for ImageNet.

    Crops are 64 to 160 pixels wide, scaled to `size`; digits 0.5 to 0.85 of the image; a share of 0.3 of them nearly
    black, the rest of a random colour whose grey level differs from the background's by at least 0.3. The mask holds the
    pixels where the digit covers more than half. See `Made` for the shapes.
    """
    check_size(size, 16)
    count = train if split == "train" else test
    grey, labels, _ = _split_digits(split, count, seed)
    return _on_photos("digits_on_photos", split, seed, size, grey[:, None], labels, (0.5, 0.85))


@dataset(
    "digit_pairs_on_photos",
    source="UCI optical digits and two photographs, in scikit-learn",
    made=True,
    classes=100,
    holds={"size >= 16": "at least 16 pixels"},
)
def digit_pairs_on_photos(split: str, seed: int = 0, *, size: Side = 64, train: int = 8000, test: int = 400) -> Made:
    """Two digits side by side, both of one random size and colour, on a random crop of a photograph: a hundred classes, 10 a + b of
    the digits a and b from left to right. The stand-in for ImageNet where the number of classes matters.

    Crops, colours, and what the mask holds as for `digits_on_photos`; a digit is 0.35 to 0.5 of the image wide. Mask and box are of
    both digits. Training and test share no digit and no part of a photograph. See `Made` for the shapes.
    """
    check_size(size, 16)
    count = train if split == "train" else test
    grey, digit, _ = _split_digits(split, 2 * count, seed)
    labels = 10 * digit[::2] + digit[1::2]
    return _on_photos("digit_pairs_on_photos", split, seed, size, np.stack([grey[::2], grey[1::2]], 1), labels, (0.35, 0.5))


def _on_photos(name: str, split: str, seed: int, size: int, grey: np.ndarray, labels: np.ndarray, width: tuple) -> Made:
    """Digits (N, k, 8, 8), k side by side an image, on crops of the split's photographs. `width`: of one, least and most, as
    shares of the image's."""
    from sklearn.datasets import load_sample_images

    photos = [photo[:, :TRAIN_COLUMNS] if split == "train" else photo[:, TRAIN_COLUMNS:] for photo in load_sample_images().images]
    images, masks, boxes, dark = [], [], [], []
    for number, glyphs in enumerate(grey):
        rng = generator(seed, name, split, number)
        photo = photos[rng.integers(len(photos))]
        while True:
            side = int(rng.integers(64, 161))
            top, left = rng.integers(photo.shape[0] - side + 1), rng.integers(photo.shape[1] - side + 1)
            crop = Image.fromarray(photo[top : top + side, left : left + side]).resize((size, size), Image.Resampling.BILINEAR)
            background = np.asarray(crop, np.float32) / 255.0  # (H, W, 3)
            high = min(int(round(size * rng.uniform(*width))), size // len(glyphs))
            wide = high * len(glyphs)
            y, x = rng.integers(size - high + 1), rng.integers(size - wide + 1)
            cover = np.zeros((size, size), np.float32)
            cover[y : y + high, x : x + wide] = np.concatenate([_resize(glyph, high) for glyph in glyphs], 1)
            is_dark = bool(rng.uniform() < DARK_SHARE)
            colour = rng.uniform(0.0, 0.08, 3) if is_dark else rng.uniform(0.0, 1.0, 3)
            behind = background[y : y + high, x : x + wide].mean()
            if abs(colour.mean() - behind) >= 0.3:  # a digit that cannot be seen teaches nothing
                break
        images.append(background * (1 - cover[..., None]) + colour * cover[..., None])
        masks.append(cover > 0.5)
        boxes.append(_bounds(masks[-1]))
        dark.append(is_dark)
    pixels = np.rint(np.stack(images).transpose(0, 3, 1, 2) * 255)
    return Made.of(split, pixels, labels, np.array(boxes), np.stack(masks), extra=pd.DataFrame({"dark": dark}))
