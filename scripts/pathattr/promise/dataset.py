"""What every data set that the workflow makes promises."""

import tempfile
from pathlib import Path

import numpy as np

from ..dataset.split import check_index, open_source, open_split
from ..registry import Entry, get
from ..store import write_arrays, write_table
from . import hold, promise

COUNTS = {"train": 60, "test": 40}  # images made


def subject(name: str) -> Entry:
    """The data set of that name."""
    return get("dataset", name)


def made(entry) -> bool:
    return entry.facts["made"]


def make(entry, split: str, seed: int = 0, **counts):
    return open_source({"dataset": entry.name, **COUNTS, **counts}, split, seed)


def same(found, expected, what: str):
    """The same images, masks and index."""
    pixels, masks = np.array_equal(found.pixels, expected.pixels), np.array_equal(found.masks, expected.masks)
    hold(pixels and masks, f"{what}: other images")
    hold(found.index.equals(expected.index), f"{what}: another index")


@promise("dataset")
def says_what_it_is(entry):
    """A docstring and its source; how many classes it has, if the workflow makes it."""
    hold((entry.function.__doc__ or "").strip(), "no docstring")
    hold(entry.facts["source"], "no source")
    hold(not made(entry) or entry.facts["classes"] > 1, f"classes {entry.facts['classes']}; accepted: how many, at least 2")


@promise("dataset", when=made)
def is_well_formed(entry):
    """As many uint8 images (C, H, W) as asked for, bool masks (H, W), ids of their own, labels below `classes`; no blank image."""
    for split, count in COUNTS.items():
        found = make(entry, split)
        hold(
            found.pixels.dtype == np.uint8 and found.pixels.ndim == 4, f"{split}: pixels {found.pixels.dtype} {found.pixels.shape}"
        )
        hold(len(found.pixels) == len(found.index) == count, f"{split}: {len(found.pixels)} images; asked for: {count}")
        shape = count, *found.pixels.shape[2:]
        hold(found.masks.shape == shape and found.masks.dtype == bool, f"{split}: masks {found.masks.dtype} {found.masks.shape}")
        ids = [f"{split}-{row:06d}" for row in range(count)]
        hold(found.index["image_id"].tolist() == ids, f"{split}: ids are not {ids[0]}, {ids[1]}, ...")
        labels = check_index(found.index, entry.name)["label"]
        hold(
            labels.dtype == np.int64 and labels.max() < entry.facts["classes"],
            f"{split}: labels {labels.dtype}, up to {labels.max()}",
        )
        hold(found.pixels.std(axis=(1, 2, 3)).min() > 5, f"{split}: a blank image")


@promise("dataset", when=made)
def has_boxes_that_bound_its_masks(entry):
    """The boxes bound the masks tightly."""
    for split in COUNTS:
        found = make(entry, split)
        for mask, (_, row) in zip(found.masks, found.index.iterrows(), strict=True):
            inside = mask[row.box_y0 : row.box_y1, row.box_x0 : row.box_x1]
            hold(mask.any() and inside.sum() == mask.sum(), f"{row.image_id}: the mask is empty, or goes beyond its box")
            edges = inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()
            hold(edges, f"{row.image_id}: the box is wider than the mask")


@promise("dataset", when=made)
def is_fixed_by_the_seed(entry):
    """The same seed makes the same images, another one others; the splits share none."""
    first, other = make(entry, "train"), make(entry, "train", seed=1)
    same(make(entry, "train"), first, "the same seed again")
    hold(not np.array_equal(first.pixels, other.pixels), "another seed gives the same images")
    shared = {one.tobytes() for one in first.pixels} & {one.tobytes() for one in make(entry, "test").pixels}
    hold(not shared, f"{len(shared)} images are in both splits")


@promise("dataset", when=made)
def does_not_depend_on_how_many_are_made(entry):
    """An image is the same however many are made."""
    few, many = make(entry, "train"), make(entry, "train", train=90)
    hold(
        np.array_equal(few.pixels, many.pixels[:60]) and few.index.equals(many.index[:60]),
        "of 90 the first 60 are others than of 60",
    )


@promise("dataset", when=made)
def is_read_back_from_disk(entry):
    """A split is read back from disk as it was made."""
    with tempfile.TemporaryDirectory() as folder:
        index, found = Path(folder, "test.parquet"), make(entry, "test", seed=4)
        write_table(index, found.index, {"digest": "d"})
        write_arrays(index.with_suffix(".arrow"), {"pixels": found.pixels, "masks": found.masks.astype("uint8")}, {"digest": "d"})
        split = open_split({"dataset": entry.name, **COUNTS}, "test", index, 4, "d")
        hold(split.index.equals(found.index), "another index")
        for position in range(len(found.pixels)):
            alike = np.array_equal(split.pixels(position), found.pixels[position])
            hold(alike and np.array_equal(split.mask(position), found.masks[position]), f"image {position} is another one")
