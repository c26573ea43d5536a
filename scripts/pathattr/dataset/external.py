"""Datasets that lie outside: folders of images, Parquet files of encoded images, torchvision's own."""

import io
import xml.etree.ElementTree as xml
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from ..errors import InputError
from ..registry import dataset
from ..values import Side

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm"}


def fit(image: Image.Image, size: int, crop: str, channels: int) -> np.ndarray:
    """An image as uint8 (C, size, size).

    `crop` "squash" resizes to the square, as the released code of the LPI and re-calibration papers; "centre" resizes the
    shorter side to size * 256 / 224 and takes the middle, as published ImageNet accuracies do.
    """
    image = image.convert("L" if channels == 1 else "RGB")
    if crop == "centre":
        scale = size * 256 / 224 / min(image.size)
        image = image.resize([max(size, round(side * scale)) for side in image.size], Image.Resampling.BILINEAR)
        left, top = (image.width - size) // 2, (image.height - size) // 2
        image = image.crop((left, top, left + size, top + size))
    elif image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


class External:
    """A split read where it lies: `scan()` gives its index, `read(row)` the pixels of one of its rows, uint8 (C, H, W).

    Where the index has a column `boxes` (x0, y0, x1, y1, x0, ... in shares of the whole image), `box(row)` gives their union.
    """

    def __init__(self, scan, open_image, size: int, crop: str, channels: int):
        self.scan = scan
        self._open, self._size, self._crop, self._channels = open_image, size, crop, channels

    def read(self, row: pd.Series) -> np.ndarray:
        """Pixels of one row of the index. Raises `InputError` naming the image if it cannot be decoded."""
        return self._fitted(row, lambda image: image, self._channels)

    def box(self, row: pd.Series) -> np.ndarray:
        """The union of a row's boxes, bool (size, size): drawn on the whole image, then resized and cropped as that is, pixels of
        which they cover at least half. Raises `InputError` as `read` does."""

        def drawn(image: Image.Image) -> Image.Image:
            union = np.zeros((image.height, image.width), np.uint8)
            for x0, y0, x1, y1 in np.rint(np.reshape(row["boxes"], (-1, 4)) * (2 * image.size)).astype(int):
                union[y0:y1, x0:x1] = 255
            return Image.fromarray(union)

        return self._fitted(row, drawn, 1)[0] >= 128

    def _fitted(self, row: pd.Series, of, channels: int) -> np.ndarray:
        try:
            return fit(of(self._open(row)), self._size, self._crop, channels)
        except (OSError, KeyError, IndexError, TypeError) as error:
            raise InputError(f"image {row['image_id']}: cannot be read ({error})") from None


def _folder(root: str, key: str, holds: str = "images") -> Path:
    path = Path(root).expanduser()
    if not path.is_dir():
        raise InputError(f"{key}: {path} does not exist; accepted: the folder that holds the {holds}")
    return path


def annotated(folder: Path, image_id: str) -> list[float]:
    """Boxes of the class of an image, as `External` has them, from its annotation in PASCAL VOC's format, as ImageNet's are.

    The image is CLASS/.../STEM.ENDING, its annotation CLASS/.../STEM.xml, CLASS/STEM.xml or STEM.xml in the folder, and the boxes
    are those of its objects whose name is CLASS. Coordinates are pixels of the annotated <size>, counted from 1, both ends within
    the box; what lies beyond the image is cut off. Raises `InputError` naming the image.
    """
    name, path = image_id.partition("/")[0], Path(image_id)
    places = dict.fromkeys([path.with_suffix(".xml"), Path(name, f"{path.stem}.xml"), Path(f"{path.stem}.xml")])
    file = next((folder / place for place in places if (folder / place).is_file()), None)
    if file is None:
        raise InputError(f"image {image_id}: no annotation in {folder}; accepted: one of {', '.join(map(str, places))}")
    try:
        root = xml.parse(file).getroot()
        sides = np.array([int(root.findtext(f"size/{side}", "")) for side in ("width", "height")])
        objects = root.findall("object")
        ends = [[float(one.findtext(f"bndbox/{end}", "")) for end in ("xmin", "ymin", "xmax", "ymax")] for one in objects]
    except (OSError, xml.ParseError, ValueError) as error:
        raise InputError(f"image {image_id}: annotation {file} cannot be read ({error})") from None
    names = [one.findtext("name", "").strip() for one in objects]
    boxes = np.reshape([box for box, other in zip(ends, names, strict=True) if other == name], (-1, 2, 2))
    if not len(boxes):
        there = ", ".join(dict.fromkeys(names)) or "none"
        raise InputError(f"image {image_id}: annotation {file} has objects {there}; accepted: at least one {name}")
    boxes = np.clip((boxes - [[1, 1], [0, 0]]) / np.maximum(sides, 1), 0, 1)
    if (boxes[:, 0] >= boxes[:, 1]).any() or (sides < 1).any():
        raise InputError(f"image {image_id}: annotation {file} has an empty box; accepted: boxes with pixels of the image")
    return boxes.ravel().tolist()


@dataset("imagefolder", source="a folder of images, one subfolder a class", paths=("root", "classes", "boxes"))
def imagefolder(
    split: str,
    seed: int = 0,
    *,
    root: str,
    size: Side = 224,
    crop: Literal["squash", "centre"] = "squash",
    channels: Literal[1, 3] = 3,
    train: str = "train",
    test: str = "val",
    classes: str | None = None,
    boxes: str | None = None,
) -> External:
    """<root>/<train or test>/<class>/<image>. Classes are numbered in alphabetical order of the folders, or in the order
    of the lines of the text file `classes` (its first word a line). `boxes`: a folder with an annotation of every test image, as
    ImageNet publishes them (see `annotated`); training images need none."""
    folder = _folder(root, "imagefolder root") / (train if split == "train" else test)

    def scan() -> pd.DataFrame:
        _folder(str(folder), f"imagefolder {split}")
        if classes:
            if not Path(classes).expanduser().is_file():
                raise InputError(f"imagefolder classes: {classes} does not exist; accepted: a text file, one class a line")
            names = [line.split()[0] for line in Path(classes).expanduser().read_text().splitlines() if line.strip()]
        else:
            names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        rows = [
            (f"{name}/{path.relative_to(folder / name).as_posix()}", label)
            for label, name in enumerate(names)
            for path in sorted((folder / name).rglob("*"))
            if path.suffix.lower() in IMAGES
        ]
        index = pd.DataFrame(rows, columns=["image_id", "label"])
        if boxes and split == "test":
            annotations = _folder(boxes, "imagefolder boxes", "annotations")
            index["boxes"] = [annotated(annotations, name) for name in index["image_id"]]
        return index

    return External(scan, lambda row: Image.open(folder / row["image_id"]), size, crop, channels)


@dataset("parquet", source="Parquet files with encoded image bytes and a label", paths=("train", "test"))
def parquet(
    split: str,
    seed: int = 0,
    *,
    train: str,
    test: str,
    size: Side,
    crop: Literal["squash", "centre"] = "squash",
    channels: Literal[1, 3] = 3,
    image: str = "image",
    label: str = "label",
) -> External:
    """Rows as dataset hubs publish them: `image` holds the encoded bytes, or a struct with a field `bytes`; `label` a whole
    number. `train` and `test` are paths of the files. An image's id is its row number."""
    path = Path(train if split == "train" else test).expanduser()
    opened = {}

    def column(name: str):
        if not path.is_file():
            raise InputError(f"parquet {split}: {path} does not exist; accepted: a Parquet file")
        try:
            known = pq.read_schema(path).names
            if name not in known:
                raise InputError(f"parquet {split}: no column {name!r} in {path}; it has: {', '.join(known)}")
            return pq.read_table(path, columns=[name]).column(name)
        except pa.ArrowException as error:
            raise InputError(f"parquet {split}: {path} cannot be read ({str(error).splitlines()[0]})") from None

    def scan() -> pd.DataFrame:
        found = column(label)
        if not pa.types.is_integer(found.type):
            raise InputError(f"parquet {split}: column {label!r} holds {found.type}; accepted: whole numbers")
        labels = found.to_numpy()
        return pd.DataFrame({"image_id": [f"{split}-{row:07d}" for row in range(len(labels))], "label": labels.astype(np.int64)})

    def open_image(row: pd.Series):
        if not opened:
            opened["column"] = column(image)
        value = opened["column"][int(row["image_id"].rsplit("-", 1)[1])].as_py()
        return Image.open(io.BytesIO(value["bytes"] if isinstance(value, dict) else value))

    return External(scan, open_image, size, crop, channels)


@dataset("torchvision", source="torchvision.datasets")
def torchvision(
    split: str,
    seed: int = 0,
    *,
    name: Literal["CIFAR10", "CIFAR100", "MNIST", "FashionMNIST"],
    root: str,
    size: Side = 32,
    crop: Literal["squash", "centre"] = "squash",
    channels: Literal[1, 3] = 3,
    download: bool = False,
) -> External:
    """A dataset of torchvision's with `train=True/False`, downloaded to `root` if asked for. An id is the row number."""
    from ..model.torchvision import import_torchvision

    opened = {}

    def data():
        if not opened:
            kind = getattr(import_torchvision().datasets, name)
            try:
                opened["data"] = kind(str(Path(root).expanduser()), train=split == "train", download=download)
            except RuntimeError as error:
                raise InputError(f"torchvision {name}: {str(error).splitlines()[0]} root is {root}") from None
        return opened["data"]

    def scan() -> pd.DataFrame:
        labels = np.asarray(data().targets, np.int64)
        return pd.DataFrame({"image_id": [f"{split}-{row:07d}" for row in range(len(labels))], "label": labels})

    return External(scan, lambda row: data()[int(row["image_id"].rsplit("-", 1)[1])][0], size, crop, channels)
