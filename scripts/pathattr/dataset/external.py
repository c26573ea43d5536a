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
from ..values import Classes, Side
from .stamp import check_file, classes_of, images, numbered, of_file

LEAST = 8  # pixels of an image's shorter side
UNLABELLED = -1  # the label of images without
TURNS = {  # EXIF's orientation -> what sets the image upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def seen(image: Image.Image) -> Image.Image:
    """An image as people see it, mode L or RGB: 16 bits of grey, and fractions from 0 to 1, scaled to 8 bits; what is transparent,
    on a white page; the first picture of several. Raises `InputError` for other ranges."""
    if image.mode.startswith("I;16"):
        pixels = np.asarray(image)
        return Image.fromarray(np.rint(np.where(pixels == image.info.get("transparency"), 65535, pixels) / 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        pixels, most = np.asarray(image, np.float64), 65535 if image.mode == "I" else 1
        if image.mode == "I" and image.format != "PPM":  # where Pillow keeps 16 bits so
            raise InputError("whole numbers of 32 bits; accepted: of 8 or 16 bits")
        if not (pixels.min() >= 0 and pixels.max() <= most):
            raise InputError(f"pixels from {pixels.min():g} to {pixels.max():g}; accepted: from 0 to {most}")
        return Image.fromarray(np.rint(pixels * (255 / most)).astype(np.uint8))
    if image.has_transparency_data:
        page = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(page, image.convert("RGBA"))
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def turn(image: Image.Image):
    """How an image must be turned to stand upright, by its EXIF data; None for not at all."""
    if image.format == "TIFF":
        return None  # Pillow turns these itself
    try:
        return TURNS.get(image.getexif().get(0x0112))
    except Exception:  # broken EXIF data, which viewers pass over
        return None


def fit(image: Image.Image, size: int, crop: str, channels: int) -> np.ndarray:
    """An image as uint8 (C, size, size).

    `crop` "squash" resizes to the square, as the released code of the LPI and re-calibration papers; "centre" resizes the
    shorter side to size * 256 / 224 and takes the middle, as published ImageNet accuracies do.
    """
    mode = "L" if channels == 1 else "RGB"
    image = image if image.mode == mode else image.convert(mode)  # which would copy it
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
    """A split read where it lies: `scan()` gives its index, `read(row)` the pixels of one of its rows, uint8 (C, H, W), as people
    see them (`seen`, `turn`).

    Where the index has a column `boxes` (x0, y0, x1, y1, x0, ... in shares of the whole image as stored, not turned), `box(row)`
    gives their union. `open_image(row)` opens an image, `named(row)` says which it is.
    """

    def __init__(self, scan, open_image, named, size: int, crop: str, channels: int):
        self.scan = scan
        self._open, self._named, self._size, self._crop, self._channels = open_image, named, size, crop, channels

    def read(self, row: pd.Series) -> np.ndarray:
        """Pixels of one row of the index. Raises `InputError` naming split and image if it cannot be decoded, has changed since it
        was indexed, or is smaller than 8 pixels on a side."""
        return self._fitted(row, seen, self._channels)

    def box(self, row: pd.Series) -> np.ndarray:
        """The union of a row's boxes, bool (size, size): drawn on the whole image, then turned, resized and cropped as that is,
        pixels of which they cover at least half. Raises `InputError` as `read` does."""

        def drawn(image: Image.Image) -> Image.Image:
            union = np.zeros((image.height, image.width), np.uint8)
            for x0, y0, x1, y1 in np.rint(np.reshape(row["boxes"], (-1, 4)) * (2 * image.size)).astype(int):
                union[y0:y1, x0:x1] = 255
            return Image.fromarray(union)

        return self._fitted(row, drawn, 1)[0] >= 128

    def _fitted(self, row: pd.Series, of, channels: int) -> np.ndarray:
        try:
            image = self._open(row)
            if min(image.size) < LEAST:
                raise InputError(f"{image.width} x {image.height} pixels; accepted: at least {LEAST} on the shorter side")
            picture, way = of(image), turn(image)
            return fit(picture if way is None else picture.transpose(way), self._size, self._crop, channels)
        except InputError as error:
            raise InputError(f"{self._named(row)}: {error}") from None
        except Exception as error:  # decoders of broken images raise what they like
            said = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(f"{self._named(row)}: cannot be read ({said})") from None


def _folder(root: str, key: str, holds: str = "images") -> Path:
    path = Path(root).expanduser()
    if not path.is_dir():
        raise InputError(f"{key}: {path} does not exist; accepted: the folder that holds the {holds}")
    return path


def _named(place: str | None, split: str) -> str:
    """Where a split lies."""
    if place is None:
        raise InputError(f"{split}: there is no such split; accepted: its path")
    return place


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
        raise InputError(f"test image {image_id}: no annotation in {folder}; accepted: one of {', '.join(map(str, places))}")
    try:
        root = xml.parse(file).getroot()
        sides = np.array([int(root.findtext(f"size/{side}", "")) for side in ("width", "height")])
        objects = root.findall("object")
        ends = [[float(one.findtext(f"bndbox/{end}", "")) for end in ("xmin", "ymin", "xmax", "ymax")] for one in objects]
    except (OSError, xml.ParseError, ValueError) as error:
        raise InputError(f"test image {image_id}: annotation {file} cannot be read ({error})") from None
    names = [one.findtext("name", "").strip() for one in objects]
    boxes = np.reshape([box for box, other in zip(ends, names, strict=True) if other == name], (-1, 2, 2))
    if not len(boxes):
        there = ", ".join(dict.fromkeys(names)) or "none"
        raise InputError(f"test image {image_id}: annotation {file} has objects {there}; accepted: at least one {name}")
    boxes = np.clip((boxes - [[1, 1], [0, 0]]) / np.maximum(sides, 1), 0, 1)
    if (boxes[:, 0] >= boxes[:, 1]).any() or (sides < 1).any():
        raise InputError(f"test image {image_id}: annotation {file} has an empty box; accepted: boxes with pixels of the image")
    return boxes.ravel().tolist()


@dataset(
    "imagefolder",
    source="a folder of images, one subfolder a class",
    paths=("root/train", "root/test", "classes", "boxes"),
    folders=True,
    holds={"label or not boxes": "boxes where images have labels, as they are of the objects of its class"},
)
def imagefolder(
    split: str,
    seed: int = 0,
    *,
    root: str,
    size: Side = 224,
    crop: Literal["squash", "centre"] = "squash",
    channels: Literal[1, 3] = 3,
    train: str | None = "train",
    test: str = "val",
    label: Literal["folder"] | None = "folder",
    classes: Classes | None = None,
    boxes: str | None = None,
    changes: Literal["time", "checksum", "ignored"] = "time",
) -> External:
    """<root>/<train or test>/<class>/<image>; `train` null: there are no training images; `test: .` is the root itself. Hidden
    files and folders are left out.

    `classes`: which output of the network a folder is: a text file with a class a line, the first being output 0, of which a
    folder has the whole name or the first word; a list of such names; or {folder: number}. They may be more than the folders. By
    default the folders of the training split, or else the test split, are numbered in alphabetical order, as of a network that
    was trained on them. `label` null: images lie in any folder, or none, and have no labels (see `target`).

    `boxes`: a folder with an annotation of every test image, as ImageNet publishes them (`annotated`); training images need none.

    `changes`: by what a changed file is known, whereupon the data set is indexed anew and all that hangs on it made again. Its size
    and `time`; its `checksum`, so that a file touched or copied is the same, but all files are read at every start; or `ignored`,
    for a slow file system or millions of files. A file that changes during a run is refused."""
    folder = _folder(root, "imagefolder root") / _named(train if split == "train" else test, split)

    def scan() -> pd.DataFrame:
        _folder(str(folder), f"imagefolder {split}")
        try:
            if label is None:
                names, labels = list(images(folder)), UNLABELLED
            else:
                numbers = classes_of(root, train, test, classes, label)
                names = [name for one in numbers if (folder / one).is_dir() for name in images(folder / one, f"{one}/")]
                labels = [numbers[name.partition("/")[0]] for name in names]
            "".join(names).encode()  # as the index must write them
            index = pd.DataFrame({"image_id": names, "label": labels})
            if label is not None:
                index["name"] = index["image_id"].str.partition("/")[0]
            if changes != "ignored":
                index["stamp"] = [of_file(folder / name, changes) for name in names]
        except InputError as error:
            raise InputError(f"imagefolder {error}") from None
        except OSError as error:
            raise InputError(f"imagefolder {split}: {error.filename} cannot be read ({error.strerror})") from None
        except UnicodeEncodeError:
            raise InputError(f"imagefolder {split}: {folder} has a file name that is not UTF-8; accepted: names in UTF-8") from None
        if boxes and split == "test":
            annotations = _folder(boxes, "imagefolder boxes", "annotations")
            index["boxes"] = [annotated(annotations, name) for name in index["image_id"]]
        return index

    def open_image(row: pd.Series) -> Image.Image:
        path = folder / row["image_id"]
        if changes != "ignored":
            check_file(path, changes, row["stamp"])
        return Image.open(path)

    return External(scan, open_image, lambda row: f"{split} image {folder / row['image_id']}", size, crop, channels)


@dataset("parquet", source="Parquet files with encoded image bytes and a label", paths=("train", "test", "classes"))
def parquet(
    split: str,
    seed: int = 0,
    *,
    train: str | None = None,
    test: str,
    size: Side,
    crop: Literal["squash", "centre"] = "squash",
    channels: Literal[1, 3] = 3,
    image: str = "image",
    label: str | None = "label",
    classes: Classes | None = None,
    changes: Literal["time", "checksum", "ignored"] = "time",
) -> External:
    """Rows as dataset hubs publish them: `image` holds the encoded bytes, or a struct with a field `bytes`; `label` the class: its
    name in `classes`, as for `imagefolder`, or a whole number, which counts as it is unless `classes` is {name: number}.
    Without `classes` the test split may have no label that the training split lacks. `label` null: there are none. `train` and
    `test` are paths of the files; without `train` there are no training images. An image's id is its row number. `changes` as for
    `imagefolder`."""
    paths = {"train": train and Path(train).expanduser(), "test": Path(test).expanduser()}
    path, opened = Path(_named(paths[split], f"parquet {split}")), {}

    def table(split: str, *names: str) -> pa.Table:
        path = paths[split]
        if not path.is_file():
            raise InputError(f"parquet {split}: {path} does not exist; accepted: a Parquet file")
        try:
            known = pq.read_schema(path).names
            if other := [name for name in names if name not in known]:
                raise InputError(f"parquet {split}: no column {other[0]!r} in {path}; it has: {', '.join(known)}")
            return pq.read_table(path, columns=list(names))
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"parquet {split}: {path} cannot be read ({str(error).splitlines()[0]})") from None

    def labels(split: str) -> np.ndarray:
        found, numbers = table(split, label).column(0), numbered(classes) if classes else {}
        whole, text = pa.types.is_integer(found.type), pa.types.is_string(found.type) or pa.types.is_large_string(found.type)
        if not (whole or text and classes) or found.null_count:
            what = f"{found.type}{' and nothing' * bool(found.null_count)}"
            raise InputError(f"parquet {split}: column {label!r} holds {what}; accepted: whole numbers, or names in `classes`")
        as_is = whole and not isinstance(classes, dict)
        named = {one: numbers.get(str(one), one if as_is else None) for one in found.unique().to_pylist()}
        if other := [str(one) for one, number in named.items() if number is None]:
            raise InputError(f"parquet {split}: column {label!r} has {other[0]}; accepted: names in `classes`, each there once")
        if (least := min(named.values(), default=0)) < 0:
            raise InputError(f"parquet {split}: column {label!r} has {least}; accepted: 0 and above, or label: null for none")
        return np.array([named[one] for one in found.to_pylist()], np.int64)

    def scan() -> pd.DataFrame:
        own = np.full(table(split).num_rows, UNLABELLED) if label is None else labels(split)
        there = label is not None and not classes and all(one and one.is_file() for one in paths.values())
        if there and len(other := np.setdiff1d(labels("test"), labels("train"))):
            raise InputError(f"parquet test: {paths['test']} has label {other[0]}; accepted: labels of {paths['train']}")
        index = pd.DataFrame({"image_id": [f"{split}-{row:07d}" for row in range(len(own))], "label": own})
        return index if changes == "ignored" else index.assign(stamp=of_file(path, changes))

    def open_image(row: pd.Series) -> Image.Image:
        if not opened:
            found = table(split, image).column(0)
            if changes != "ignored":
                check_file(path, changes, row["stamp"])
            opened["column"] = found
        value = opened["column"][int(row["image_id"].rsplit("-", 1)[1])].as_py()
        return Image.open(io.BytesIO(value["bytes"] if isinstance(value, dict) else value))

    return External(scan, open_image, lambda row: f"{split} image {row['image_id']} of {path}", size, crop, channels)


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
    """A dataset of torchvision's with `train=True/False`, downloaded to `root` if asked for. An id is the row number. Its files are
    not watched for changes: it may yet have to download them."""
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
        ids, names = [f"{split}-{row:07d}" for row in range(len(labels))], [data().classes[label] for label in labels]
        return pd.DataFrame({"image_id": ids, "label": labels, "name": names})

    def open_image(row: pd.Series) -> Image.Image:
        return data()[int(row["image_id"].rsplit("-", 1)[1])][0]

    return External(scan, open_image, lambda row: f"{split} image {row['image_id']} of {name} in {root}", size, crop, channels)
