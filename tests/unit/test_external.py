"""Datasets that lie outside, each made small on disk."""

import io
import os
import struct

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pathattr.dataset.external import fit
from pathattr.dataset.split import check_index, open_source, open_split
from pathattr.store import write_table

from .helpers import refused

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 12, 9, 3), dtype=np.uint8)  # (N, H, W, 3)


def encoded(picture, kind: str = "png") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path):
    """An image folder: train/cat, train/dog/deep, val/cat, val/dog, with other files between."""
    places = ["train/cat/b.png", "train/cat/a.PNG", "train/dog/deep/c.bmp", "val/cat/d.png", "val/dog/e.png"]
    for place, picture in zip(places, PICTURES, strict=False):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture, "bmp" if place.endswith("bmp") else "png"))
    (tmp_path / "train/cat/notes.txt").write_text("not an image")
    return {"dataset": "imagefolder", "root": str(tmp_path), "size": 9}


@pytest.fixture(params=["bytes", "struct"])
def parquet(tmp_path, request):
    """Parquet files as dataset hubs publish them."""
    values = [encoded(picture) for picture in PICTURES]
    if request.param == "struct":
        values = [{"bytes": value, "path": None} for value in values]
    rows = pd.DataFrame({"image": values, "label": [3, 0, 1, 1, 0, 3], "other": "x"})
    for split, part in (("train", rows[:4]), ("test", rows[4:])):
        part.to_parquet(tmp_path / f"{split}.parquet")
    return {"dataset": "parquet", "train": str(tmp_path / "train.parquet"), "test": str(tmp_path / "test.parquet"), "size": 9}


@pytest.fixture
def mnist(tmp_path):
    """MNIST's own files, tiny."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, start, stop in (("train", 0, 4), ("t10k", 4, 6)):
        grey = np.zeros((stop - start, 28, 28), np.uint8)
        grey[:, :12, :9] = PICTURES[start:stop, :, :, 0]
        labels = np.arange(start, stop, dtype=np.uint8)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, len(grey), 28, 28) + grey.tobytes())
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, len(labels)) + labels.tobytes())
    return {"dataset": "torchvision", "name": "MNIST", "root": str(tmp_path), "size": 28, "channels": 1}


def scanned(entry, split):
    return open_source(entry, split, 0).scan()


def reopened(entry, split, tmp_path):
    """The split as a job opens it, from an index on disk."""
    index = check_index(scanned(entry, split), "test")
    write_table(tmp_path / "index.parquet", index, {"digest": "d"})
    return open_split(entry, split, tmp_path / "index.parquet", 0, "d")


def squashed(picture, size: int = 9):
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BILINEAR)).transpose(2, 0, 1)


def test_imagefolder_numbers_folders_in_alphabetical_order(folder):
    train, test = (scanned(folder, split) for split in ("train", "test"))
    assert train["image_id"].tolist() == ["cat/a.PNG", "cat/b.png", "dog/deep/c.bmp"]
    assert train["label"].tolist() == [0, 0, 1]
    assert test["image_id"].tolist() == ["cat/d.png", "dog/e.png"]


def test_imagefolder_numbers_classes_by_a_list(folder, tmp_path):
    (tmp_path / "classes.txt").write_text("dog domestic dog\n\ncat\n")
    assert scanned({**folder, "classes": str(tmp_path / "classes.txt")}, "train")["label"].tolist() == [0, 1, 1]


def test_imagefolder_takes_other_names_of_the_splits(folder):
    assert len(scanned({**folder, "train": "val"}, "train")) == 2


def test_imagefolder_gives_pixels(folder, tmp_path):
    split = reopened(folder, "train", tmp_path)
    for position, picture in enumerate([PICTURES[1], PICTURES[0], PICTURES[2]]):
        assert np.array_equal(split.pixels(position), squashed(picture))
    assert split.mask(0) is None and split.images(0, 3, threads=2).shape == (3, 3, 9, 9)


def test_imagefolder_refuses_missing_folders(folder, tmp_path):
    with refused("imagefolder root", str(tmp_path / "none"), "folder that holds the images"):
        open_source({**folder, "root": str(tmp_path / "none")}, "train", 0)
    with refused("imagefolder test", str(tmp_path / "none"), "folder that holds the images"):
        scanned({**folder, "test": "none"}, "test")


def test_imagefolder_refuses_a_missing_list_of_classes(folder, tmp_path):
    with refused("classes", str(tmp_path / "none.txt")):
        scanned({**folder, "classes": str(tmp_path / "none.txt")}, "train")


@pytest.mark.parametrize("content", [b"", b"not an image", encoded(PICTURES[0])[:100]], ids=["empty", "text", "cut off"])
def test_an_unreadable_image_is_refused_by_name(folder, tmp_path, content):
    (tmp_path / "train/cat/b.png").write_bytes(content)
    split = reopened(folder, "train", tmp_path)
    with refused(f"train image {tmp_path / 'train/cat/b.png'}: cannot be read ("):
        split[1]


def test_a_file_name_that_cannot_be_indexed_is_refused(folder, tmp_path):
    (tmp_path / "train/cat/a.PNG").rename(tmp_path / "train/cat" / os.fsdecode(b"\xff.png"))
    with refused(f"imagefolder train: {tmp_path / 'train'} has a file name that is not UTF-8"):
        scanned(folder, "train")


def test_an_image_that_has_gone_is_refused_by_name(folder, tmp_path):
    split = reopened(folder, "train", tmp_path)
    (tmp_path / "train/cat/b.png").unlink()
    with refused(f"train image {tmp_path / 'train/cat/b.png'}: cannot be read ("):
        split[1]


def test_parquet_gives_ids_labels_and_pixels(parquet, tmp_path):
    split = reopened(parquet, "test", tmp_path)
    assert split.index["image_id"].tolist() == ["test-0000000", "test-0000001"]
    assert split.index["label"].tolist() == [0, 3]
    for position in range(2):
        assert np.array_equal(split.pixels(position), squashed(PICTURES[4 + position]))


def test_parquet_takes_other_columns(tmp_path):
    rows = pd.DataFrame({"picture": [encoded(PICTURES[0])], "class": [7]})
    rows.to_parquet(tmp_path / "a.parquet")
    entry = {"dataset": "parquet", "train": str(tmp_path / "a.parquet"), "test": "none", "size": 9}
    entry |= {"image": "picture", "label": "class"}
    split = reopened(entry, "train", tmp_path)
    assert split.index["label"].tolist() == [7] and np.array_equal(split.pixels(0), squashed(PICTURES[0]))


def test_parquet_refuses_missing_files_and_columns(parquet, tmp_path):
    with refused("parquet test", str(tmp_path / "none"), "does not exist"):
        scanned({**parquet, "test": str(tmp_path / "none")}, "test")
    with refused("parquet train", "'klass'", "image, label, other"):
        scanned({**parquet, "label": "klass"}, "train")
    with refused("parquet train", "'picture'", "image, label, other"):
        open_source({**parquet, "image": "picture"}, "train", 0).read(scanned(parquet, "train").iloc[0])


def test_parquet_refuses_a_file_that_is_none(parquet, tmp_path):
    (tmp_path / "train.parquet").write_text("not parquet " * 20)
    with refused("parquet train", str(tmp_path / "train.parquet")):
        scanned(parquet, "train")


@pytest.mark.parametrize("labels", [["cat", "dog"], [0.5, 1.0], [0, None]], ids=["text", "fractions", "missing"])
def test_parquet_refuses_labels_that_are_no_whole_numbers(tmp_path, labels):
    pd.DataFrame({"image": [encoded(PICTURES[0])] * 2, "label": labels}).to_parquet(tmp_path / "a.parquet")
    entry = {"dataset": "parquet", "train": str(tmp_path / "a.parquet"), "test": "none", "size": 9}
    with refused("parquet train", "label"):
        check_index(scanned(entry, "train"), "parquet train")


@pytest.mark.parametrize("split", ["train", "test"])
def test_parquet_refuses_a_label_that_only_the_test_split_has(parquet, tmp_path, split):
    pd.DataFrame({"image": [encoded(PICTURES[0])] * 3, "label": [0, 2, 5]}).to_parquet(tmp_path / "test.parquet")
    with refused(f"parquet test: {tmp_path / 'test.parquet'} has label 2; accepted: labels of {tmp_path / 'train.parquet'}"):
        scanned(parquet, split)


@pytest.mark.parametrize("value", [None, b"junk", "a path"], ids=["nothing", "junk", "text"])
def test_parquet_refuses_an_unreadable_image_by_name(tmp_path, value):
    pd.DataFrame({"image": [value], "label": [0]}).to_parquet(tmp_path / "a.parquet")
    entry = {"dataset": "parquet", "train": str(tmp_path / "a.parquet"), "test": "none", "size": 9}
    with refused(f"train image train-0000000 of {tmp_path / 'a.parquet'}: cannot be read ("):
        reopened(entry, "train", tmp_path)[0]


@pytest.mark.parametrize("split, start, stop", [("train", 0, 4), ("test", 4, 6)])
def test_torchvision_gives_ids_labels_and_pixels(mnist, tmp_path, split, start, stop):
    opened = reopened(mnist, split, tmp_path)
    assert opened.index["image_id"].tolist() == [f"{split}-{row:07d}" for row in range(stop - start)]
    assert opened.index["label"].tolist() == list(range(start, stop))
    for position in range(stop - start):
        pixels = opened.pixels(position)
        assert pixels.shape == (1, 28, 28)
        assert np.array_equal(pixels[0, :12, :9], PICTURES[start + position, :, :, 0])


def test_torchvision_refuses_a_missing_root(mnist, tmp_path):
    with refused("torchvision MNIST", str(tmp_path / "none")):
        scanned({**mnist, "root": str(tmp_path / "none")}, "train")


def test_an_unknown_dataset_is_refused():
    with refused("no registered dataset 'nope'", "imagefolder"):
        open_source({"dataset": "nope"}, "train", 0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "CMYK"])
def test_images_of_any_mode_fit(mode, channels):
    image = Image.fromarray(PICTURES[0]).convert(mode)
    pixels = fit(image, 7, "squash", channels)
    assert pixels.shape == (channels, 7, 7) and pixels.dtype == np.uint8


def test_squash_keeps_an_image_that_fits_as_it_is():
    square = PICTURES[0][:9, :9]
    assert np.array_equal(fit(Image.fromarray(square), 9, "squash", 3), square.transpose(2, 0, 1))


def test_centre_takes_the_middle_of_the_image_whose_shorter_side_is_256_224ths_of_the_size():
    picture = np.random.default_rng(0).integers(0, 256, (256, 300, 3), dtype=np.uint8)
    assert np.array_equal(fit(Image.fromarray(picture), 224, "centre", 3), picture[16:240, 38:262].transpose(2, 0, 1))


@pytest.mark.parametrize("shape", [(12, 9), (9, 40), (300, 256), (5, 5)], ids=str)
def test_centre_cuts_the_same_off_both_sides(shape):
    height, width = shape
    ramp = np.broadcast_to(np.linspace(0, 255, width).astype(np.uint8)[None, :, None], (height, width, 3))
    pixels = fit(Image.fromarray(np.ascontiguousarray(ramp)), 7, "centre", 3)
    assert pixels.shape == (3, 7, 7)
    middle = pixels[0].astype(float).mean(0)
    assert abs(middle[0] + middle[-1] - 255) < 45 and (np.diff(middle) >= 0).all()
