"""A split as the jobs read it."""

import numpy as np
import pandas as pd
import pytest
import torch

from pathattr.dataset.split import Ahead, Split, background, balanced, check_index, darkest

from .helpers import refused

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 3, 6, 5), dtype=np.uint8)
INDEX = pd.DataFrame({"image_id": [f"i{row}" for row in range(10)], "label": range(10)})
BOXES = {"box_x0": 1, "box_y0": 2, "box_x1": 4, "box_y1": 6}


def split(index=INDEX, **options) -> Split:
    return Split(index, lambda position: PIXELS[position], **options)


def test_images_are_float32_between_0_and_1():
    images = split()
    assert len(images) == 10
    assert images[3].dtype == torch.float32 and torch.equal(images[3], torch.from_numpy(PIXELS[3].astype(np.float32) / 255))
    assert float(Split(INDEX, lambda _: np.full((1, 2, 2), 255, np.uint8))[0].max()) == 1.0


@pytest.mark.parametrize("threads", [1, 3])
def test_images_come_in_order_whatever_the_threads(threads):
    expected = torch.from_numpy(PIXELS[2:9].astype(np.float32) / 255)
    assert torch.equal(split().images(2, 9, threads), expected)


def test_a_range_beyond_the_split_is_refused():
    assert split().check_range(3, 10) == (3, 10)
    with refused("3 to 11", "has 10"):
        split().check_range(3, 11)


def test_the_mask_is_the_object_its_box_or_nothing():
    masks = np.random.default_rng(1).integers(0, 2, (10, 6, 5), dtype=np.uint8)
    own = split(INDEX.assign(**BOXES), masks=masks).mask(4)
    assert own.dtype == bool and np.array_equal(own, masks[4] == 1)
    box = split(INDEX.assign(**BOXES)).mask(4)
    assert box.shape == (6, 5) and box.sum() == 12 and box[2:6, 1:4].all()
    assert split().mask(4) is None


def test_the_box_is_that_of_the_index_or_as_the_dataset_knows_it_whatever_the_mask():
    masks = np.random.default_rng(1).integers(0, 2, (10, 6, 5), dtype=np.uint8)
    box = split(INDEX.assign(**BOXES), masks=masks).box(4)
    assert box.dtype == bool and box.shape == (6, 5) and box.sum() == 12 and box[2:6, 1:4].all()
    other = split(box=lambda position: masks[position] == 0)
    assert np.array_equal(other.box(4), masks[4] == 0) and np.array_equal(other.mask(4), other.box(4))
    assert np.array_equal(other.boxes(2, 5), masks[2:5] == 0) and np.array_equal(other.masks(2, 5), other.boxes(2, 5))
    assert split(masks=masks).box(4) is None and np.array_equal(split(masks=masks).masks(0, 10), masks == 1)


def test_a_split_without_masks_or_boxes_says_so():
    with refused("neither masks nor boxes"):
        split().masks(0, 2)
    with refused("has no boxes"):
        split(masks=np.ones((10, 6, 5))).boxes(0, 2)


def test_the_background_is_a_fixed_sample_in_the_splits_order():
    whole = split()
    sample, again, other = (background(whole, 4, seed) for seed in (0, 0, 1))
    ids = sample.index["image_id"].tolist()
    assert len(sample) == len(set(ids)) == 4 and ids == sorted(ids)
    assert ids == again.index["image_id"].tolist() != other.index["image_id"].tolist()
    for position, name in enumerate(ids):
        assert torch.equal(sample[position], whole[int(name[1:])])
    for images in (10, 11):
        assert background(whole, images, 0) is whole


def test_the_background_decodes_an_image_once():
    decoded = []

    def pixels(position):
        decoded.append(position)
        return PIXELS[position]

    sample = background(Split(INDEX, pixels), 4, 0)
    for _ in range(3):
        sample[2]
    assert len(decoded) == 1


def test_the_darkest_image_is_that_of_the_darkest_object():
    pixels = np.full((4, 3, 6, 6), 200, np.uint8)
    pixels[1] = 60  # dark all over
    pixels[2, :, 2:4, 2:4] = 10  # a black object on a light image
    pixels[3] = 0  # beyond the images looked at
    masks = np.zeros((4, 6, 6), np.uint8)
    masks[:, 2:4, 2:4] = 1
    index = INDEX.iloc[:4].reset_index(drop=True)
    assert darkest(Split(index, lambda row: pixels[row], masks), 3) == 2
    box = {"box_x0": 2, "box_y0": 2, "box_x1": 4, "box_y1": 4}
    assert darkest(Split(index.assign(**box), lambda row: pixels[row]), 3) == 2
    assert darkest(Split(index, lambda row: pixels[row]), 3) == 1
    masks[2] = 0  # an object without pixels counts as the whole image
    assert darkest(Split(index, lambda row: pixels[row], masks), 3) == 1


@pytest.mark.parametrize(
    "index, words",
    [
        (INDEX.iloc[:0], ("no images found",)),
        (INDEX.assign(image_id="same"), ("'same'", "repeats")),
        (INDEX.assign(label=range(-2, 8)), ("label -2", "0 and above")),
    ],
    ids=["empty", "ids", "labels"],
)
def test_bad_indices_are_refused(index, words):
    with refused("imagefolder test", *words):
        check_index(index, "imagefolder test")


def test_images_ahead_are_those_of_the_split_and_only_the_next_few_are_read():
    read = []

    def pixels(position: int):
        read.append(position)
        return np.full((1, 2, 2), position, np.uint8)

    split = Split(pd.DataFrame({"image_id": range(200), "label": 0}), pixels)
    ahead = split.ahead(10, 150, threads=3)
    assert len(ahead) == 140
    for number in range(140):
        assert torch.equal(ahead[number], split[10 + number])
        assert max(read) < 10 + number + Ahead.FEW + 1
    assert torch.equal(ahead[5], split[15])  # again, and out of turn
    with pytest.raises(IndexError):
        ahead[140]
    assert [int(255 * image[0, 0, 0] + 0.5) for image in split.ahead(3, 6)] == [3, 4, 5]


@pytest.mark.parametrize("counts", [(5, 5, 5), (7, 1, 3), (1,), (40, 2)], ids=str)
def test_any_beginning_of_a_balanced_order_has_images_of_all_classes_alike(counts):
    labels = np.repeat([0, 3, 9][: len(counts)], counts)
    index = pd.DataFrame({"image_id": [f"i{row}" for row in range(len(labels))], "label": labels, "stamp": range(len(labels))})
    found = balanced(index, 0)
    assert found.sort_values("stamp", ignore_index=True).equals(index), "the same rows, ids unchanged"
    assert list(found.index) == list(range(len(index)))
    for first in range(1, len(index) + 1):
        seen = found["label"][:first].value_counts()
        for label, there in zip(np.unique(labels), counts, strict=True):
            assert seen.get(label, 0) >= min(there, seen.max() - 1)


def test_a_balanced_order_is_drawn_by_the_seed_classes_and_images_alike():
    index = pd.DataFrame({"image_id": [f"i{row}" for row in range(60)], "label": np.repeat(range(6), 10)})
    orders = [balanced(index, seed) for seed in (0, 0, 1)]
    assert orders[0].equals(orders[1]) and not orders[0].equals(orders[2])
    classes = {tuple(balanced(index, seed)["label"][:6]) for seed in range(8)}
    assert len(classes) == 8 and all(sorted(one) == list(range(6)) for one in classes)
    shuffled = balanced(index.assign(label=-1), 0)["image_id"].tolist()
    assert shuffled != index["image_id"].tolist() and sorted(shuffled) == sorted(index["image_id"])
