"""Files of data outside: which they are, and that a changed one is seen at start and when it is read."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from pathattr import source
from pathattr.config import check
from pathattr.dataset.split import open_source
from pathattr.dataset.stamp import below, classes_of, count_of, images, missing, numbered, of_file, stamp
from pathattr.plan import Plan
from pathattr.study import Study

from .helpers import refused
from .test_config import SCHEMA, changed
from .test_external import PICTURES, encoded, reopened
from .test_plan import ROOT

HOUR = 3600 * 10**9


class Outside:
    """Some data outside with its entry in the configuration."""

    def __init__(self, folder, entry: dict):
        self.folder, self.entry = folder, entry
        self.known = source.registered("dataset")[entry["dataset"]]

    def stamp(self, **options):
        return stamp(self.known, self.entry | options)

    def missing(self, **options) -> list[str]:
        return missing(self.known, self.entry | options)

    def write(self, place: str, content):
        """Write a file as if it had lain there for long: two with the same content look the same."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, ns=(HOUR, HOUR))

    def touch(self, place: str):
        os.utime(self.folder / place, ns=(HOUR, 2 * HOUR))


@pytest.fixture
def folder(tmp_path):
    """Two classes, an image each in train and val, annotations and a list of the classes."""
    root = tmp_path / "own"
    data = Outside(root, {"dataset": "imagefolder", "root": str(root), "size": 9})
    for place, picture in zip(("train/cat/a", "train/dog/b", "val/cat/c", "val/dog/d"), PICTURES, strict=False):
        data.write(f"{place}.png", encoded(picture))
    data.write("boxes/c.xml", "<annotation/>")
    data.write("classes.txt", "cat\ndog\n")
    data.entry |= {"boxes": str(root / "boxes"), "classes": str(root / "classes.txt")}
    return data


@pytest.fixture
def parquet(tmp_path):
    data = Outside(tmp_path, {"dataset": "parquet", "train": str(tmp_path / "a"), "test": str(tmp_path / "b"), "size": 9})
    for name in "ab":
        rows = pd.DataFrame({"image": [encoded(picture) for picture in PICTURES[:2]], "label": [0, 1]})
        rows.to_parquet(tmp_path / name)
    return data


# --- which files -----------------------------------------------------------------------------------------------------------


def test_files_come_in_the_order_of_their_names_without_hidden_ones(tmp_path):
    for place in ("b/z.png", "b/a.JPG", "b/inner/c.webp", "b-1/d.png", "a.xml", "b/notes.txt", "b/no_image"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    for place in (".ipynb_checkpoints/x.png", "__MACOSX/x.png", "b/.inner/x.png", "b/._z.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    names = [name for name, _ in below(tmp_path)]
    assert names == ["a.xml", "b", "b/a.JPG", "b/inner", "b/inner/c.webp", "b/z.png", "b-1", "b-1/d.png"]
    assert list(images(tmp_path)) == ["b/a.JPG", "b/inner/c.webp", "b/z.png", "b-1/d.png"]


def test_a_link_to_a_class_is_followed_and_a_circle_is_not(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.png").touch()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/circle").symlink_to(tmp_path / "root")
    assert list(images(tmp_path / "root")) == ["cat/a.png"]


def test_a_folder_called_like_an_image_is_a_folder(tmp_path):
    (tmp_path / "cat/a.png").mkdir(parents=True)
    (tmp_path / "cat/a.png/b.png").touch()
    assert list(images(tmp_path)) == ["cat/a.png/b.png"]


# --- classes ---------------------------------------------------------------------------------------------------------------


def listed(data: Outside, **options) -> list[str]:
    """Folders in the order of their numbers."""
    return list(classes_of(**data.known.values(data.entry | {"classes": None, "boxes": None} | options)))


def test_both_splits_number_the_classes_of_the_training_folder(folder):
    """The issue's own: train has a, b and c, val b and c; its b was 0."""
    folder.write("train/ape/e.png", encoded(PICTURES[4]))
    assert listed(folder) == ["ape", "cat", "dog"]
    for split in ("train", "test"):
        index = open_source(folder.entry | {"classes": None, "boxes": None}, split, 0).scan()
        labels = dict(zip(index["image_id"].str.partition("/")[0], index["label"], strict=True))
        assert labels == {"ape": 0, "cat": 1, "dog": 2} if split == "train" else labels == {"cat": 1, "dog": 2}


def test_without_a_training_folder_the_test_folders_are_the_classes(folder):
    shutil.rmtree(folder.folder / "train")
    assert listed(folder) == ["cat", "dog"]


def test_a_list_numbers_both_splits_also_where_it_has_more(folder):
    folder.write("classes.txt", "dog\nbird a comment\ncat\n")
    assert numbered(folder.entry["classes"]) == {"dog": 0, "bird": 1, "cat": 2, "bird a comment": 1}
    for split in ("train", "test"):
        assert open_source(folder.entry | {"boxes": None}, split, 0).scan()["label"].tolist() == [0, 2]


def test_hidden_folders_are_no_classes(folder):
    for place in ("train/.ipynb_checkpoints/x.png", "val/__MACOSX/x.png", "train/cat/._x.png"):
        folder.write(place, encoded(PICTURES[5]))
    assert listed(folder) == ["cat", "dog"]
    assert open_source(folder.entry | {"boxes": None}, "train", 0).scan()["image_id"].tolist() == ["cat/a.png", "dog/b.png"]


WRONG = [
    ({"val/emu/x.png": b"", "val/ewe/x.png": b""}, {}, "test: {}/val has emu, ewe; accepted: the classes of {}/train: cat, dog"),
    ({"train/emu/x.txt": b""}, {}, "train: {}/train has no image of emu; accepted: at least one a class folder, .bmp, .gif, "),
    ({"val/dog/.x.png": b"", "val/dog/d.png": None}, {}, "test: {}/val has no image of dog; accepted: at least one"),
    ({"flat/x.png": b""}, {"test": "flat"}, "test: {}/flat holds no folders; accepted: one a class"),
    ({"list": b"cat\n"}, {"classes": "list"}, "train: {}/train has dog; accepted: the classes of {}/list: cat"),
    (
        {"list": b"dog\ncat\ndog\n"},
        {"classes": "list"},
        "classes: dog stands there more than once; accepted: each folder's name once",
    ),
    ({"list": b"\n \n"}, {"classes": "list"}, "classes: {}/list has no class; accepted: one class a line"),
    ({"list": b"\xff\xfe\x00"}, {"classes": "list"}, "classes: {}/list cannot be read ("),
]


@pytest.mark.parametrize("files, options, line", WRONG, ids=[line for _, _, line in WRONG])
def test_wrong_classes_are_told_before_any_job_and_by_the_index(folder, files, options, line):
    for place, content in files.items():
        if content is None:
            (folder.folder / place).unlink()
        else:
            folder.write(place, content)
    options = {key: str(folder.folder / value) if key == "classes" else value for key, value in options.items()}
    options = {"classes": None, "boxes": None} | options
    line = line.format(*[folder.folder] * 2)
    (found,) = folder.missing(**options)
    assert found.startswith(line), found
    for split in ("train", "test"):
        with refused(f"imagefolder {line}"):
            open_source(folder.entry | options, split, 0).scan()


def test_a_folder_that_may_not_be_read_is_one_line(folder, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", denied)
    (line,) = folder.missing()
    assert line == f"root: {folder.folder}/train cannot be read (Permission denied)"
    assert folder.stamp()


def test_a_study_tells_wrong_classes_before_any_job(folder):
    folder.write("val/emu/x.png", b"")
    config = changed(("datasets/own", folder.entry | {"classes": None}), ("models/vgg_pairs/dataset", "own"))
    (line,) = Study(config).missing()
    assert line.startswith(f"datasets.own.test: {folder.folder}/val has emu; accepted: ")


@pytest.mark.parametrize("key, value, accepted", [("changes", "never", "time, checksum, ignored"), ("channels", 2, "1, 3")])
def test_other_values_are_refused_by_the_configuration(folder, key, value, accepted):
    lines = check(changed(("datasets/own", folder.entry | {key: value})), SCHEMA)
    assert lines == [f"datasets.own.{key}: found {value!r}; accepted: {accepted}"]


def test_what_is_not_there_is_told_by_the_parameter_that_names_it(folder):
    assert folder.missing() == []
    gone = {"train": "none", "boxes": str(folder.folder / "no"), "classes": None}
    accepted = "does not exist; accepted: the path of what is to be read"
    assert folder.missing(**gone) == [
        f"train: {folder.folder}/none {accepted}, or null where there are no training images",
        f"boxes: {folder.folder}/no {accepted}",
    ]
    for root in ("nowhere", "n" * 300):  # longer than a name may be
        assert folder.missing(root=root, classes=None, boxes=None) == [f"root: {root} {accepted}"]


# --- stamps ----------------------------------------------------------------------------------------------------------------

CHANGES = {
    "an image touched": lambda data: data.touch("train/cat/a.png"),
    "a test image touched": lambda data: data.touch("val/dog/d.png"),
    "an image of another size": lambda data: data.write("train/cat/a.png", encoded(PICTURES[5]) + b"\n"),
    "an image more": lambda data: data.write("val/cat/x.png", encoded(PICTURES[5])),
    "an image less": lambda data: (data.folder / "val/cat/c.png").unlink(),
    "an image renamed": lambda data: (data.folder / "val/cat/c.png").rename(data.folder / "val/cat/x.png"),
    "an image of another class": lambda data: (data.folder / "val/cat/c.png").rename(data.folder / "val/dog/c.png"),
    "a class without images": lambda data: (data.folder / "train/emu").mkdir(),
    "another list": lambda data: data.write("classes.txt", "dog\ncat \n"),
    "an annotation touched": lambda data: data.touch("boxes/c.xml"),
    "the data gone": lambda data: shutil.rmtree(data.folder),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(folder, change):
    before = folder.stamp()
    CHANGES[change](folder)
    assert folder.stamp() != before is not None
    assert folder.stamp(changes="ignored") is None


def test_what_is_not_read_is_not_looked_at(folder):
    before = folder.stamp()
    for place in ("train/cat/notes.txt", "train/cat/.a.png", "other/x.png", "val/.DS_Store/x.png"):
        folder.write(place, b"")
    assert folder.stamp() == before


def test_checksums_see_what_is_in_a_file_and_nothing_else(folder, tmp_path):
    before = folder.stamp(changes="checksum")
    folder.touch("train/cat/a.png")
    assert folder.stamp(changes="checksum") == before
    moved = tmp_path / "moved"
    shutil.copytree(folder.folder, moved, copy_function=shutil.copyfile)
    places = {"root": str(moved), "boxes": str(moved / "boxes"), "classes": str(moved / "classes.txt")}
    assert folder.stamp(changes="checksum", **places) == before
    content = bytearray((folder.folder / "train/cat/a.png").read_bytes())
    content[-20] ^= 1
    folder.write("train/cat/a.png", bytes(content))  # the same size and time
    assert folder.stamp(changes="checksum") != before


def test_parquet_files_are_looked_at(parquet):
    before, checked = parquet.stamp(), parquet.stamp(changes="checksum")
    parquet.touch("b")
    assert parquet.stamp() != before and parquet.stamp(changes="checksum") == checked
    parquet.write("b", b"other")
    assert parquet.stamp(changes="checksum") != checked
    assert parquet.stamp(changes="ignored") is None


def test_torchvisions_own_and_made_data_sets_have_none():
    for entry in ({"dataset": "torchvision", "name": "MNIST", "root": "here"}, {"dataset": "digits"}):
        assert stamp(source.registered("dataset")[entry["dataset"]], entry) is None


def test_the_digest_of_an_index_changes_with_its_files_and_no_others(folder):
    def digests(**options) -> dict[str, str]:
        plan = Plan(Study(changed(("datasets/own", folder.entry))), ROOT, **options)
        return {name: plan.index(name, "test").digest for name in ("own", "digits", "digit_pairs")}

    before, again = digests(), digests()
    assert before == again
    folder.touch("train/cat/a.png")
    after = digests()
    assert {name for name in before if before[name] != after[name]} == {"own"}
    told = {"own": folder.stamp()}
    folder.touch("train/dog/b.png")
    assert digests(stamps=told) == after, "a job goes by what its run has seen"


# --- when a file is read ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", ["time", "checksum", "ignored"])
def test_an_image_that_changed_since_it_was_indexed_is_refused(folder, tmp_path, changes):
    entry = folder.entry | {"changes": changes, "boxes": None}
    split = reopened(entry, "train", tmp_path)
    before = split.pixels(0)
    assert ("stamp" in split.index) == (changes != "ignored")
    folder.touch("train/cat/a.png")
    line = f"train image {folder.folder}/train/cat/a.png: changed since it was indexed; accepted: as it was then, or run snakemake"
    if changes == "time":
        with refused(line):
            split.pixels(0)
    else:
        assert np.array_equal(split.pixels(0), before)
    folder.write("train/cat/a.png", encoded(PICTURES[5]) + b"\n")  # of another size
    if changes == "ignored":
        assert not np.array_equal(split.pixels(0), before)
    else:
        with refused(line):
            split.pixels(0)
    assert split.pixels(1).shape == (3, 9, 9), "the others are as they were"
    assert reopened(entry, "train", tmp_path).pixels(0).shape == (3, 9, 9), "indexed anew"


@pytest.mark.parametrize("changes", ["time", "checksum", "ignored"])
def test_rows_reordered_since_they_were_indexed_are_refused(parquet, tmp_path, changes):
    split = reopened(parquet.entry | {"changes": changes}, "test", tmp_path)
    pd.read_parquet(tmp_path / "b")[::-1].to_parquet(tmp_path / "b")
    if changes == "ignored":
        assert split.pixels(0).shape == (3, 9, 9)
    else:
        with refused(f"test image test-0000000 of {tmp_path / 'b'}: changed since it was indexed"):
            split.pixels(0)


def test_boxes_of_a_changed_image_are_refused_too(folder, tmp_path):
    box = "<size><width>9</width><height>12</height></size><object><name>{}</name><bndbox>{}</bndbox></object>"
    ends = "".join(f"<{end}>{value}</{end}>" for end, value in zip(("xmin", "ymin", "xmax", "ymax"), (1, 1, 9, 12), strict=True))
    for stem, name in (("c", "cat"), ("d", "dog")):
        folder.write(f"boxes/{stem}.xml", f"<annotation>{box.format(name, ends)}</annotation>")
    split = reopened(folder.entry, "test", tmp_path)
    assert split.box(0).all()
    folder.touch("val/cat/c.png")
    with refused("val/cat/c.png: changed since it was indexed"):
        split.box(0)


def test_a_file_is_its_size_and_time_or_its_content(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    os.utime(tmp_path / "a", ns=(HOUR, HOUR + 5))
    assert of_file(tmp_path / "a", "time") == f"3-{HOUR + 5}"
    assert of_file(tmp_path / "a", "checksum") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_classes_are_a_list_a_file_or_a_mapping(folder):
    folder.write("names.txt", "n02123045 tabby, cat\n\nn02084071 dog, domestic dog\ncrane\ncrane\n")
    names = str(folder.folder / "names.txt")
    found = numbered(names)
    assert found["n02084071"] == 1 and found["n02084071 dog, domestic dog"] == 1 and found["crane"] is None
    assert numbered(["a b", "a"]) == {"a b": 0, "a": 1} and numbered({"cat": 281, "dog": 151}) == {"cat": 281, "dog": 151}
    assert [count_of(one) for one in (names, ["cat", "dog"], {"cat": 281}, None)] == [4, 2, None, None]
    for classes in ({"cat": 281, "dog": 151}, ["dog", "ape", "cat"]):
        expected = classes if isinstance(classes, dict) else {"cat": 2, "dog": 0}
        index = open_source(folder.entry | {"classes": classes, "boxes": None}, "test", 0).scan()
        assert dict(zip(index["name"], index["label"], strict=True)) == {name: expected[name] for name in ("cat", "dog")}
    (line,) = folder.missing(classes=["cat", "ape"], boxes=None)
    assert line == f"train: {folder.folder}/train has dog; accepted: the classes of `classes`: cat, ape"


def test_parquet_labels_go_by_classes_too(tmp_path):
    def labels(column, classes) -> list[int]:
        pd.DataFrame({"image": [b""] * len(column), "label": column}).to_parquet(tmp_path / "a")
        entry = {"dataset": "parquet", "test": str(tmp_path / "a"), "size": 9, "classes": classes}
        return open_source(entry, "test", 0).scan()["label"].tolist()

    assert labels(["dog", "cat", "dog"], ["cat", "ape", "dog"]) == [2, 0, 2]
    assert labels([0, 1, 1], {"0": 281, "1": 151}) == [281, 151, 151] and labels([0, 2], ["cat", "ape", "dog"]) == [0, 2]
    for column, classes, words in (
        (["cow"], ["cat"], "has cow; accepted: names in `classes`"),
        ([2], {"0": 281}, "has 2; accepted: names in `classes`"),
        ([-1], None, "has -1; accepted: 0 and above, or label: null"),
        (["cat"], None, "accepted: whole numbers, or names in `classes`"),
    ):
        with refused("parquet test: column 'label'", words):
            labels(column, classes)
    entry = {"dataset": "parquet", "test": str(tmp_path / "a"), "size": 9, "label": None}
    assert open_source(entry, "test", 0).scan()["label"].tolist() == [-1]
    with refused("parquet train: there is no such split"):
        open_source(entry, "train", 0)


def test_images_without_labels_lie_in_any_folder_or_none(folder):
    folder.write("flat/x.png", encoded(PICTURES[0]))
    folder.write("flat/deep/er/y.png", encoded(PICTURES[1]))
    entry = folder.entry | {"test": "flat", "train": None, "label": None, "classes": None, "boxes": None}
    index = open_source(entry, "test", 0).scan()
    assert index["image_id"].tolist() == ["deep/er/y.png", "x.png"] and index["label"].tolist() == [-1, -1]
    assert missing(folder.known, entry) == []
    with refused("train: there is no such split"):
        open_source(entry, "train", 0)
