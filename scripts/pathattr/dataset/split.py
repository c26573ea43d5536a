"""One split of a dataset as the jobs read it: a frozen index, and pixels by position. torch only where tensors are asked for."""

import functools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from .. import registry, source
from ..errors import InputError
from ..rng import generator
from ..store import read_arrays, read_table


class Split:
    """Images of one split in the frozen order of its index.

    `index`: one row an image: `image_id`, `label` (-1: none), and what the dataset knows besides (a box as `box_x0 box_y0 box_x1
    box_y1`). `masks`: (N, H, W), where the objects are; `box`: position -> bool (H, W), where the boxes are, of a dataset that
    knows them otherwise. `split[i]` is image i as a float32 tensor (C, H, W) in [0, 1], `split.picture(i)` the same as an array,
    and `split.pixels(i)` as uint8.
    """

    def __init__(self, index: pd.DataFrame, pixels, masks=None, box=None):
        self.index, self.pixels, self._masks, self._box = index, pixels, masks, box

    def __len__(self) -> int:
        return len(self.index)

    def picture(self, position: int) -> np.ndarray:
        """Image as float32 (C, H, W) in [0, 1]."""
        return self.pixels(position).astype(np.float32) / 255.0

    def __getitem__(self, position: int):
        import torch

        return torch.from_numpy(self.picture(position))

    def images(self, start: int, stop: int, threads: int = 1):
        """Images start to stop as a float32 tensor (N, C, H, W) in [0, 1], decoded by that many threads."""
        import torch

        with ThreadPoolExecutor(threads) as pool:
            return torch.stack(list(pool.map(self.__getitem__, range(start, stop))))

    def ahead(self, start: int, stop: int, threads: int = 1) -> "Ahead":
        """The same images one by one, read when their turn comes."""
        return Ahead(self, start, stop, threads)

    def check_range(self, start: int, stop: int) -> tuple[int, int]:
        """The range itself if the split has these images."""
        if stop > len(self):
            raise InputError(f"images {start} to {stop} are asked for; the split has {len(self)}")
        return start, stop

    def mask(self, position: int) -> np.ndarray | None:
        """Where the labelled object of an image is, bool (H, W): its mask, its box, or None if the dataset has neither."""
        if self._masks is not None:
            return self._masks[position].astype(bool)
        return self.box(position)

    def box(self, position: int) -> np.ndarray | None:
        """The union of the bounding boxes of an image's labelled object, bool (H, W); None if the dataset has no boxes."""
        if self._box is not None:
            return self._box(position)
        if "box_x0" not in self.index:
            return None
        row = self.index.iloc[position]
        box = np.zeros(self.pixels(position).shape[1:], bool)
        box[int(row.box_y0) : int(row.box_y1), int(row.box_x0) : int(row.box_x1)] = True
        return box

    def masks(self, start: int, stop: int) -> np.ndarray:
        """Masks of images start to stop, bool (N, H, W). Raises `InputError` where the dataset has none."""
        return self._regions(self.mask, start, stop, "neither masks nor boxes")

    def boxes(self, start: int, stop: int) -> np.ndarray:
        """Boxes of images start to stop, bool (N, H, W). Raises `InputError` where the dataset has none."""
        return self._regions(self.box, start, stop, "no boxes")

    @staticmethod
    def _regions(of, start: int, stop: int, none: str) -> np.ndarray:
        regions = [of(position) for position in range(start, stop)]
        if any(region is None for region in regions):
            raise InputError(f"the data set has {none}, which are needed here")
        return np.stack(regions)


class Ahead:
    """Images start to stop of a split, to be taken in order: threads decode the next few meanwhile, and no more are in memory."""

    FEW = 32

    def __init__(self, split: Split, start: int, stop: int, threads: int):
        self._split, self._places, self._coming = split, range(start, stop), {}
        self._pool = ThreadPoolExecutor(threads)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, number: int):
        place = self._places[number]
        for later in self._places[number : number + self.FEW]:
            if later not in self._coming:
                self._coming[later] = self._pool.submit(self._split.__getitem__, later)
        return self._coming.pop(place).result()


def open_source(entry: dict, split: str, seed: int):
    """The split of a dataset as its registered function gives it: a `Made`, or something with `scan()`, `read(row)` and, where its
    index has a column `boxes`, `box(row)`."""
    function = registry.get("dataset", entry["dataset"]).function
    return function(split, seed, **{name: value for name, value in entry.items() if name != "dataset"})


def open_split(entry: dict, split: str, index, seed: int, digest: str | None = None) -> Split:
    """The split whose index lies at `index`; made datasets have their pixels beside it, with the ending .arrow."""
    table, _ = read_table(index, digest)
    if source.registered("dataset")[entry["dataset"]].facts.get("made"):
        arrays, _ = read_arrays(Path(index).with_suffix(".arrow"), digest)
        pixels = arrays["pixels"]
        return Split(table, lambda position: pixels[position], arrays["masks"])
    origin = open_source(entry, split, seed)
    columns = {name: table[name].to_numpy() for name in table}

    def row(position: int) -> dict:  # pandas takes as long for it as a small image does to be decoded
        return {name: values[position] for name, values in columns.items()}

    return Split(
        table, lambda position: origin.read(row(position)), box=(lambda at: origin.box(row(at))) if "boxes" in table else None
    )


def background(split: Split, images: int, seed: int) -> Split:
    """A fixed random sample of a split, in its order, kept in memory once decoded: references at full scale."""
    if images >= len(split):
        return split
    chosen = np.sort(generator(seed, "background").choice(len(split), images, replace=False))
    pixels = functools.lru_cache(maxsize=None)(split.pixels)
    return Split(split.index.iloc[chosen].reset_index(drop=True), lambda position: pixels(int(chosen[position])))


def darkest(split: Split, images: int) -> int:
    """Position of the image, out of the first ones, whose object is darkest on average (its mask, box, or the whole image)."""

    def brightness(position: int) -> float:
        pixels, mask = split.pixels(position), split.mask(position)
        return float(pixels.mean() if mask is None or not mask.any() else pixels[:, mask].mean())

    return min(range(images), key=brightness)


def check_index(index: pd.DataFrame, what: str) -> pd.DataFrame:
    """The index itself if it has rows, ids of their own and labels from 0, or no labels: all -1; else `InputError`."""
    if index.empty:
        raise InputError(f"{what}: no images found")
    if index["image_id"].duplicated().any():
        raise InputError(f"{what}: image id {index.loc[index['image_id'].duplicated(), 'image_id'].iloc[0]!r} repeats")
    if index["label"].min() < 0 and (index["label"] != -1).any():
        raise InputError(f"{what}: label {index['label'].min()}; accepted: 0 and above")
    return index


def balanced(index: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The rows in a random order of which any beginning has about as many images of each class: rounds of an image a class, the
    classes in an order that is drawn, and the images within each. Images without labels are of one class."""
    draws = generator(seed, "order")
    shuffled = index.iloc[draws.permutation(len(index))]
    classes = pd.Index(np.sort(index["label"].unique()))
    turn = draws.permutation(len(classes))[classes.get_indexer(shuffled["label"])]
    rounds = shuffled.groupby("label").cumcount()
    return shuffled.iloc[np.lexsort((turn, rounds))].reset_index(drop=True)
