"""The embedded datasets."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_sample_images

from pathattr.dataset import digits
from pathattr.dataset.split import open_source
from pathattr.promise import subject
from pathattr.registry import entries

from .helpers import every_promise, refused

SHAPES = {"digits": (1, 16, 16), "digit_pairs": (1, 8, 16), "digits_on_photos": (3, 32, 32), "digit_pairs_on_photos": (3, 32, 32)}
MAKERS = {name: getattr(digits, name) for name in SHAPES}
CLASSES = {name: 100 if "pairs" in name else 10 for name in SHAPES}

every_dataset = pytest.mark.parametrize("name", MAKERS)


def make(name, split, **parameters):
    return MAKERS[name](split, **{**sized(name), "train": 60, "test": 40, **parameters})


def sized(name) -> dict:
    return {} if name == "digit_pairs" else {"size": SHAPES[name][1]}


@every_promise("dataset", {entry.name: subject("dataset", entry.name) for entry in entries("dataset")})
def test_every_dataset_keeps_its_promises(promise, subject, case):
    promise.keep(subject)


@every_dataset
def test_images_are_of_the_size_asked_for(name):
    made = make(name, "train")
    assert made.pixels.shape == (60, *SHAPES[name]) and len(set(made.index["label"]) - set(range(CLASSES[name]))) == 0


@every_dataset
def test_all_classes_come_up(name):
    least = {} if name == "digit_pairs" else {"size": 16}
    labels = MAKERS[name]("train", **least, train=30 * CLASSES[name] if CLASSES[name] == 10 else 1200).index["label"]
    assert len(set(labels)) == CLASSES[name]


@pytest.mark.parametrize("seed", [0, 3])
def test_train_and_test_share_no_digit(seed):
    sources = {split: digits._split_digits(split, 1797, seed)[2] for split in ("train", "test")}
    assert not set(sources["train"]) & set(sources["test"])
    assert len(set(sources["train"])) == 1397 and len(set(sources["test"])) == 400


@pytest.mark.parametrize("split, pool", [("train", 1397), ("test", 400)])
def test_every_digit_of_a_split_comes_up_equally_often(split, pool):
    images, labels, sources = digits._split_digits(split, 2 * pool, 0)
    assert set(np.bincount(sources)[np.bincount(sources) > 0]) == {2}
    bunch = load_digits()
    assert np.array_equal(labels, bunch.target[sources]) and np.array_equal(images, bunch.images[sources] / 16)


@pytest.mark.parametrize("split, own, foreign", [("train", (255, 0, 0), (0, 0, 255)), ("test", (0, 0, 255), (255, 0, 0))])
def test_train_and_test_share_no_part_of_a_photograph(split, own, foreign, monkeypatch):
    """Photographs that are red where training images may come from, and blue elsewhere."""
    red_and_blue = np.zeros((427, 640, 3), np.uint8)
    red_and_blue[:, : digits.TRAIN_COLUMNS, 0] = red_and_blue[:, digits.TRAIN_COLUMNS :, 2] = 255
    assert all(photo.shape == red_and_blue.shape for photo in load_sample_images().images)
    monkeypatch.setattr("sklearn.datasets.load_sample_images", lambda: type("Bunch", (), {"images": [red_and_blue] * 2}))
    for name in ("digits_on_photos", "digit_pairs_on_photos"):
        pixels = make(name, split).pixels.transpose(0, 2, 3, 1)
        assert (pixels == own).all(-1).any((1, 2)).all()
        assert not (pixels == foreign).all(-1).any()


def test_a_pairs_class_is_its_digits_from_left_to_right():
    made, (images, labels, _) = make("digit_pairs_on_photos", "test"), digits._split_digits("test", 80, 0)
    assert made.index["label"].tolist() == [10 * one + other for one, other in zip(labels[::2], labels[1::2], strict=True)]
    alike = []  # each half of what is drawn, to its own digit and to the other one of the pair
    for number, mask in enumerate(made.masks):
        row = made.index.iloc[number]
        drawn = np.kron(mask[row.box_y0 : row.box_y1, row.box_x0 : row.box_x1].astype(float), np.ones((8, 8)))
        for side in (0, 1):
            half = np.array_split(drawn, 2, axis=1)[side]
            rows, columns = (np.linspace(0, length - 1, 8).astype(int) for length in half.shape)
            small = half[np.ix_(rows, columns)].ravel()
            alike.append([np.corrcoef(small, images[2 * number + one].ravel())[0, 1] for one in (side, 1 - side)])
    own, other = np.mean(alike, 0)
    assert own > 0.4 > other + 0.1


@pytest.mark.parametrize("split, count", [("train", 60), ("test", 40)])
def test_a_pair_of_digits_is_what_scikit_learn_ships_side_by_side(split, count):
    bunch = load_digits()
    levels = np.rint(bunch.images / 16 * 255).astype(np.uint8)
    made = make("digit_pairs", split)
    _, labels, sources = digits._split_digits(split, 2 * count, 0)
    left, right = sources[::2], sources[1::2]
    assert np.array_equal(made.pixels[:, 0, :, :8], levels[left]) and np.array_equal(made.pixels[:, 0, :, 8:], levels[right])
    assert made.index["label"].tolist() == (10 * bunch.target[left] + bunch.target[right]).tolist()
    assert np.array_equal(made.masks[:, :, 8:], bunch.images[right] > 8)


def test_training_and_test_pairs_share_no_digit():
    """The halves of the images themselves; the 1797 digits are all different."""
    halves = {}
    for split in ("train", "test"):
        pixels = make("digit_pairs", split, train=1397, test=400).pixels[:, 0]
        halves[split] = {half.tobytes() for half in np.concatenate([pixels[:, :, :8], pixels[:, :, 8:]])}
    assert len(halves["train"]) == 1397 and len(halves["test"]) == 400
    assert not halves["train"] & halves["test"]


def test_digits_of_size_8_are_those_that_scikit_learn_ships():
    made, (images, labels, _) = make("digits", "test", size=8), digits._split_digits("test", 40, 0)
    assert np.array_equal(made.pixels[:, 0], np.rint(images * 255)) and made.index["label"].tolist() == labels.tolist()


def test_photographs_show_behind_the_digits():
    """Outside its box, an image is a piece of a photograph: as many colours as there are in one."""
    made = make("digits_on_photos", "train")
    outside = [image[:, ~mask] for image, mask in zip(made.pixels, made.masks, strict=True)]
    assert np.median([len(np.unique(colours, axis=1).T) for colours in outside]) > 200


def test_a_share_of_the_digits_is_dark_and_all_can_be_seen():
    check_darkness(make("digits_on_photos", "train", train=200))
    check_darkness(make("digit_pairs_on_photos", "train", train=200))


def check_darkness(made):
    dark = made.index["dark"].to_numpy()
    assert 0.2 < dark.mean() < 0.5
    inside = np.array([image[:, mask].mean() for image, mask in zip(made.pixels, made.masks, strict=True)])
    around = np.array([image[:, ~mask].mean() for image, mask in zip(made.pixels, made.masks, strict=True)])
    assert inside[dark].max() < 90 and inside[dark].mean() < 40
    assert (np.abs(inside - around) > 10).mean() > 0.95


def test_the_studys_seed_makes_the_data():
    entry = {"dataset": "digits", "train": 20, "test": 5}
    pixels = [open_source(entry, "train", seed).pixels for seed in (1, 2, 1)]
    assert np.array_equal(pixels[0], pixels[2]) and not np.array_equal(pixels[0], pixels[1])


@pytest.mark.parametrize("name, size", [("digits", 1), ("digits_on_photos", 4)])
def test_images_too_small_for_a_digit_are_refused(name, size):
    with refused("size", str(size)):
        make(name, "train", size=size)
