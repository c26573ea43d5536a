"""What every data set promises: a registered one that the workflow makes, or an entry of config.yaml that is read where it lies."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import source
from ..dataset.split import check_index, open_source, open_split
from ..dataset.stamp import missing
from ..registry import Entry, get
from ..store import write_arrays, write_table
from . import entry, hold, promise

COUNTS = {"train": 60, "test": 40}  # images made
FIRST = 8  # images read


@dataclass(frozen=True)
class Data:
    """A registered data set, with the parameters of an entry of the configuration, or few images."""

    known: Entry
    given: dict

    def open(self, split: str, seed: int = 0, **more):
        return open_source({"dataset": self.known.name, **self.given, **more}, split, seed)


def subject(name: str) -> Data:
    """The data set of that name, or of the entry of config.yaml."""
    own = None if name in source.registered("dataset") else entry("datasets", name)
    known = get("dataset", own["dataset"] if own else name)
    given = COUNTS if known.facts["made"] else {}
    return Data(known, {key: value for key, value in (own or {}).items() if key != "dataset"} | given)


def splits(data) -> list[str]:
    """Those that it has."""
    values = source.registered("dataset")[data.known.name].values(data.given)
    return [split for split in COUNTS if values.get(split, "") is not None]


def made(data) -> bool:
    return data.known.facts["made"]


def read(data) -> bool:
    """Whether it is an entry that says where its images lie."""
    return not made(data) and bool(data.given)


def same(found, expected, what: str):
    """The same images, masks and index."""
    pixels, masks = np.array_equal(found.pixels, expected.pixels), np.array_equal(found.masks, expected.masks)
    hold(pixels and masks, f"{what}: other images")
    hold(found.index.equals(expected.index), f"{what}: another index")


@promise("dataset")
def says_what_it_is(data):
    """A docstring and its source; how many classes it has, if the workflow makes it."""
    hold((data.known.function.__doc__ or "").strip(), "no docstring")
    hold(data.known.facts["source"], "no source")
    hold(
        not made(data) or data.known.facts["classes"] > 1, f"classes {data.known.facts['classes']}; accepted: how many, at least 2"
    )


@promise("dataset", when=made)
def is_well_formed(data):
    """As many uint8 images (C, H, W) as asked for, bool masks (H, W), ids of their own, labels below `classes`; no blank image."""
    for split, count in COUNTS.items():
        found = data.open(split)
        hold(
            found.pixels.dtype == np.uint8 and found.pixels.ndim == 4, f"{split}: pixels {found.pixels.dtype} {found.pixels.shape}"
        )
        hold(len(found.pixels) == len(found.index) == count, f"{split}: {len(found.pixels)} images; asked for: {count}")
        shape = count, *found.pixels.shape[2:]
        hold(found.masks.shape == shape and found.masks.dtype == bool, f"{split}: masks {found.masks.dtype} {found.masks.shape}")
        ids = [f"{split}-{row:06d}" for row in range(count)]
        hold(found.index["image_id"].tolist() == ids, f"{split}: ids are not {ids[0]}, {ids[1]}, ...")
        labels = check_index(found.index, data.known.name)["label"]
        hold(
            labels.dtype == np.int64 and labels.max() < data.known.facts["classes"],
            f"{split}: labels {labels.dtype}, up to {labels.max()}",
        )
        hold(found.pixels.std(axis=(1, 2, 3)).min() > 5, f"{split}: a blank image")


@promise("dataset", when=made)
def has_boxes_that_bound_its_masks(data):
    """The boxes bound the masks tightly."""
    for split in COUNTS:
        found = data.open(split)
        for mask, (_, row) in zip(found.masks, found.index.iterrows(), strict=True):
            inside = mask[row.box_y0 : row.box_y1, row.box_x0 : row.box_x1]
            hold(mask.any() and inside.sum() == mask.sum(), f"{row.image_id}: the mask is empty, or goes beyond its box")
            edges = inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()
            hold(edges, f"{row.image_id}: the box is wider than the mask")


@promise("dataset", when=made)
def is_fixed_by_the_seed(data):
    """The same seed makes the same images, another one others; the splits share none."""
    first, other = data.open("train"), data.open("train", seed=1)
    same(data.open("train"), first, "the same seed again")
    hold(not np.array_equal(first.pixels, other.pixels), "another seed gives the same images")
    shared = {one.tobytes() for one in first.pixels} & {one.tobytes() for one in data.open("test").pixels}
    hold(not shared, f"{len(shared)} images are in both splits")


@promise("dataset", when=made)
def does_not_depend_on_how_many_are_made(data):
    """An image is the same however many are made."""
    few, many = data.open("train"), data.open("train", train=90)
    hold(
        np.array_equal(few.pixels, many.pixels[:60]) and few.index.equals(many.index[:60]),
        "of 90 the first 60 are others than of 60",
    )


@promise("dataset", when=made)
def is_read_back_from_disk(data):
    """A split is read back from disk as it was made."""
    with tempfile.TemporaryDirectory() as folder:
        index, found = Path(folder, "test.parquet"), data.open("test", seed=4)
        write_table(index, found.index, {"digest": "d"})
        write_arrays(index.with_suffix(".arrow"), {"pixels": found.pixels, "masks": found.masks.astype("uint8")}, {"digest": "d"})
        split = open_split({"dataset": data.known.name, **data.given}, "test", index, 4, "d")
        hold(split.index.equals(found.index), "another index")
        for position in range(len(found.pixels)):
            alike = np.array_equal(split.pixels(position), found.pixels[position])
            hold(alike and np.array_equal(split.mask(position), found.masks[position]), f"image {position} is another one")


@promise("dataset", when=read)
def is_there(data):
    """The files and folders that it is read from are there."""
    gone = missing(source.registered("dataset")[data.known.name], data.given)
    hold(not gone, "; ".join(gone))


@promise("dataset", when=read)
def is_indexed(data):
    """Each split has images with ids of their own and labels from 0; the test split no class that a training split lacks."""
    labels = {split: set(check_index(data.open(split).scan(), split)["label"]) for split in splits(data)}
    alone = sorted(labels["test"] - labels.get("train", labels["test"]))
    hold(not alone, f"classes of test images alone: {alone[:5]}")


@promise("dataset", when=read)
def is_read_alike(data):
    """Its first images are uint8 (C, H, W) of one shape, not blank, with boxes (H, W) if it has them; the same when read again."""
    for split in splits(data):
        origin = data.open(split)
        rows = [row for _, row in origin.scan().head(FIRST).iterrows()]
        pixels = [origin.read(row) for row in rows]
        for row, one in zip(rows, pixels, strict=True):
            which = f"{split} image {row['image_id']}"
            hold(one.dtype == np.uint8 and one.shape == pixels[0].shape, f"{which}: {one.dtype} {one.shape}")
            hold(one.std() > 0, f"{which}: blank")
            hold(np.array_equal(data.open(split).read(row), one), f"{which}: other pixels when read again")
            if "boxes" in row:
                hold(origin.box(row).shape == one.shape[1:], f"{which}: its box has another shape")
