"""Bounding boxes of images that lie outside, from annotations in PASCAL VOC's format."""

import numpy as np
import pytest
import torch
from PIL import Image

from pathattr import measure
from pathattr.config import load
from pathattr.dataset.external import annotated
from pathattr.dataset.split import check_index, open_source, open_split
from pathattr.store import write_table
from pathattr.study import Study

from .helpers import refused
from .test_config import SCHEMA, changed

WIDTH, HEIGHT = 30, 20


def annotation(*objects, size=(WIDTH, HEIGHT)) -> str:
    """`objects`: (name, xmin, ymin, xmax, ymax)."""
    parts = [f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"]
    for name, *box in objects:
        ends = "".join(f"<{end}>{value}</{end}>" for end, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
        parts.append(f"<object><name>{name}</name><pose>Unspecified</pose><bndbox>{ends}</bndbox></object>")
    return f"<annotation><folder>val</folder>{''.join(parts)}</annotation>"


class Folder:
    """An image folder with two classes, an image each in train and val, and annotations."""

    def __init__(self, root):
        self.root, self.boxes = root, root / "boxes"
        self.boxes.mkdir()
        for place in ("train/n01/t.png", "train/n02/u.png", "val/n01/a.png", "val/n02/deep/b.png"):
            self.image(place, (WIDTH, HEIGHT))
        self.annotate("a.xml", annotation(("n01", 4, 3, 12, 10)))
        self.annotate("b.xml", annotation(("n02", 1, 1, 30, 20)))

    def image(self, place: str, size: tuple[int, int]):
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((size[1], size[0], 3), 120, np.uint8)).save(path)

    def annotate(self, place: str, text: str):
        (self.boxes / place).parent.mkdir(parents=True, exist_ok=True)
        (self.boxes / place).write_text(text)

    def entry(self, **options) -> dict:
        return {"dataset": "imagefolder", "root": str(self.root), "boxes": str(self.boxes), "size": 20} | options

    def split(self, split: str = "test", **options):
        """As a job opens it, from an index on disk."""
        entry = self.entry(**options)
        index = check_index(open_source(entry, split, 0).scan(), "test")
        write_table(self.root / "index.parquet", index, {"digest": "d"})
        return open_split(entry, split, self.root / "index.parquet", 0, "d")

    def box(self, *objects, image_size=(WIDTH, HEIGHT), annotated_size=(WIDTH, HEIGHT), **options) -> np.ndarray:
        """The mask of the first image with these objects."""
        self.image("val/n01/a.png", image_size)
        self.annotate("a.xml", annotation(*objects, size=annotated_size))
        return self.split(**options).box(0)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def rectangle(x0, y0, x1, y1, width, height) -> np.ndarray:
    """Pixels x0 to x1 - 1 and y0 to y1 - 1."""
    return np.array([[x0 <= x < x1 and y0 <= y < y1 for x in range(width)] for y in range(height)])


@pytest.mark.parametrize(
    ("box", "pixels"),
    [
        ((4, 3, 12, 10), (3, 2, 12, 10)),  # counted from 1, both ends within
        ((1, 1, 20, 20), (0, 0, 20, 20)),  # the whole image
        ((5, 7, 5, 7), (4, 6, 5, 7)),  # one pixel
        ((0, -3, 6, 99), (0, 0, 6, 20)),  # what is beyond is cut off
        ((2.0, 3.4, 8.0, 9.4), (1, 2, 8, 9)),
    ],
)
def test_coordinates_count_from_one_and_hold_both_ends(folder, box, pixels):
    found = folder.box(("n01", *box), image_size=(20, 20), annotated_size=(20, 20))
    assert found.dtype == bool and np.array_equal(found, rectangle(*pixels, 20, 20))


def test_the_boxes_of_the_images_class_are_joined_and_others_left_out(folder):
    objects = [("n01", 1, 1, 4, 4), ("n02", 9, 9, 20, 20), ("n01", 3, 3, 8, 6), ("n01", 15, 1, 15, 20)]
    found = folder.box(*objects, image_size=(20, 20), annotated_size=(20, 20))
    parts = [(0, 0, 4, 4), (2, 2, 8, 6), (14, 0, 15, 20)]
    assert np.array_equal(found, np.any([rectangle(*one, 20, 20) for one in parts], 0))


def test_squash_squashes_the_box_with_its_image(folder):
    """From 40 x 20 to 10 x 10: pixels 9 to 24 of 40 are 2.0 to 6.0 of 10; rows 5 to 12 of 20, 2.0 to 6.0."""
    found = folder.box(("n01", 9, 5, 24, 12), image_size=(40, 20), annotated_size=(40, 20), size=10)
    assert np.array_equal(found, rectangle(2, 2, 6, 6, 10, 10))


def test_centre_cuts_the_box_with_its_image(folder):
    """The shorter side is 256 / 224 of 14, so 16: the image keeps its size, 32 x 16, and 9 columns and 1 row go on each side."""
    options = dict(image_size=(32, 16), annotated_size=(32, 16), size=14, crop="centre")
    assert np.array_equal(folder.box(("n01", 5, 4, 12, 8), **options), rectangle(0, 2, 3, 7, 14, 14))
    assert not folder.box(("n01", 1, 1, 8, 16), **options).any()  # beyond the crop


@pytest.mark.parametrize("crop", ["squash", "centre"])
@pytest.mark.parametrize("size", [(61, 40), (33, 90)], ids=str)
def test_the_mask_lies_where_the_image_shows_the_box(folder, crop, size):
    """A white box painted into a black image comes out, by half its brightness, as the mask."""
    x0, y0, x1, y1 = size[0] // 4, size[1] // 3, 3 * size[0] // 4, 2 * size[1] // 3
    found = folder.box(("n01", x0 + 1, y0 + 1, x1, y1), image_size=size, annotated_size=size, size=24, crop=crop)
    painted = np.where(rectangle(x0, y0, x1, y1, *size), 255, 0).astype(np.uint8)
    Image.fromarray(painted).convert("RGB").save(folder.root / "val/n01/a.png")
    pixels = folder.split(size=24, crop=crop).pixels(0)
    assert 0 < found.sum() < found.size and np.array_equal(found, pixels[0] >= 128)


def test_coordinates_are_relative_to_the_annotated_size(folder):
    """Some images are not of the size that they were annotated in."""
    found = folder.box(("n01", 11, 11, 30, 20), image_size=(20, 20), annotated_size=(40, 40))
    assert np.array_equal(found, rectangle(5, 5, 15, 10, 20, 20))


@pytest.mark.parametrize("place", ["n02/deep/b.xml", "n02/b.xml", "b.xml"])
def test_an_annotation_is_found_by_the_images_name(folder, place):
    (folder.boxes / "b.xml").unlink()
    folder.annotate(place, annotation(("n02", 1, 1, 15, 20)))
    assert np.array_equal(folder.split().box(1), rectangle(0, 0, 10, 20, 20, 20))


def test_masks_and_boxes_are_those_of_the_annotations(folder):
    split = folder.split()
    boxes = split.boxes(0, 2)
    assert boxes.shape == (2, 20, 20) and boxes.dtype == bool and boxes[1].all() and 0 < boxes[0].sum() < 400
    assert np.array_equal(split.masks(0, 2), boxes) and split.index["image_id"].tolist() == ["n01/a.png", "n02/deep/b.png"]


def test_training_images_need_no_annotation_and_without_boxes_none_is_read(folder):
    assert folder.split("train").box(0) is None
    (folder.boxes / "a.xml").write_text("nonsense")
    assert folder.split(boxes=None).box(0) is None


def test_a_missing_annotation_is_refused_by_the_images_name(folder):
    (folder.boxes / "b.xml").unlink()
    with refused("image n02/deep/b.png: no annotation in", "n02/deep/b.xml, n02/b.xml, b.xml"):
        folder.split()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["cannot be read"]),
        ("<annotation><object>", ["cannot be read"]),
        ("<annotation></annotation>", ["cannot be read"]),
        (annotation(("n01", 1, 1, "x", 5)), ["cannot be read", "'x'"]),
        (annotation(("n01", 1, 1, 5, 5)).replace("ymin", "y"), ["cannot be read"]),
        (annotation(), ["has objects none", "at least one n01"]),
        (annotation(("n02", 1, 1, 5, 5), ("n03", 1, 1, 5, 5)), ["has objects n02, n03", "at least one n01"]),
        (annotation(("n01", 5, 5, 4, 9)), ["an empty box"]),
        (annotation(("n01", 31, 1, 40, 9)), ["an empty box"]),
        (annotation(("n01", 1, 1, 5, 5), size=(0, 20)), ["an empty box"]),
    ],
    ids=["empty", "cut off", "no size", "text", "no end", "no object", "other classes", "reversed", "outside", "no width"],
)
def test_a_broken_annotation_is_refused_by_the_images_name(folder, text, words):
    folder.annotate("a.xml", text)
    with refused("image n01/a.png: annotation", str(folder.boxes / "a.xml"), *words):
        folder.split()


def test_a_missing_folder_of_boxes_is_told_before_and_when_it_is_read(folder, tmp_path):
    with refused("imagefolder boxes", str(tmp_path / "none"), "folder that holds the annotations"):
        folder.split(boxes=str(tmp_path / "none"))
    own = folder.entry(boxes=str(tmp_path / "none"), size=64)
    models = [(f"models/{name}/dataset", "own") for name in ("vgg_pairs", "resnet_pairs", "vgg_small", "resnet_small")]
    lines = Study(load(changed(("datasets/own", own), *models), SCHEMA).config).missing()
    assert [line for line in lines if "own" in line] == [
        f"datasets.own.boxes: {tmp_path / 'none'} does not exist; accepted: the path of what is to be read"
    ]


def test_shares_of_the_image_are_kept(tmp_path):
    """As the index holds them: 0-based, upper ends excluded, over the annotated width and height."""
    (tmp_path / "a.xml").write_text(annotation(("n01", 4, 3, 12, 10), ("n01", 1, 1, 30, 20)))
    assert annotated(tmp_path, "n01/a.png") == pytest.approx([3 / 30, 2 / 20, 12 / 30, 10 / 20, 0, 0, 1, 1])


def test_a_map_is_measured_by_the_boxes(folder, smooth):
    """From annotations to m / n: all of a map that is the box itself."""
    split = folder.split(size=smooth.x.shape[-1])
    boxes = torch.from_numpy(split.boxes(0, 2))
    x = split.images(0, 2)[:, : smooth.x.shape[1]]
    maps = boxes[:, None].float().expand(x.shape)
    table = measure("localisation", smooth.classifier, x, [0, 0], maps, masks=split.masks(0, 2), boxes=boxes)
    values = table.pivot(index="image_id", columns="metric", values="value")
    assert (values["localised"] == 1).all() and values["box_share"].tolist() == [boxes[0].double().mean(), 1.0]
