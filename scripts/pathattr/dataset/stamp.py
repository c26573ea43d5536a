"""What the files of data outside look like: their names, sizes and times, and the classes that their folders name. No torch, and no
image is opened: the workflow asks at every start.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from ..errors import InputError

IMAGES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".gif", ".tif", ".tiff"}
READ = IMAGES | {".xml"}  # what is read of a folder: images, or annotations
TOLD = "PATHATTR_STAMPS"  # environment variable: data set -> stamp, as JSON


def of_file(path, changes: str) -> str:
    """A file's size and time, or for `changes` "checksum" its SHA-256, as text. Raises `OSError` if it cannot be read."""
    if changes == "checksum":
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    about = os.stat(path)
    return f"{about.st_size}-{about.st_mtime_ns}"


def check_file(path, changes: str, indexed: str):
    """Raise `InputError` if a file does not look as it did when it was indexed."""
    if of_file(path, changes) != indexed:
        raise InputError("changed since it was indexed; accepted: as it was then, or run snakemake again, which indexes it anew")


def _visible(folder) -> list[os.DirEntry]:
    """What is in a folder, by name, without what is hidden: names that begin with a dot, and __MACOSX."""
    with os.scandir(folder) as found:
        return sorted((one for one in found if one.name[0] != "." and one.name != "__MACOSX"), key=lambda one: one.name)


def below(folder, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(name in the folder, path) of all images and annotations in a folder and in its folders, in order of their names; of a folder
    itself, before what is in it, the path is "". Nothing hidden; links to folders are followed at the first level only."""
    for entry in _visible(folder):
        name = prefix + entry.name
        if entry.is_dir(follow_symlinks=not prefix):
            yield name, ""
            yield from below(entry.path, f"{name}/")
        elif os.path.splitext(name)[1].lower() in READ:
            yield name, entry.path


def images(folder, prefix: str = "") -> Iterator[str]:
    """The names of those of `below` that are images."""
    return (name for name, path in below(folder, prefix) if path and os.path.splitext(name)[1].lower() in IMAGES)


def _paths(known, entry: dict) -> Iterator[dict[str, Path]]:
    """For each fact of `paths`, such as "root/train": parameter -> path up to it. Nothing where one of them is no path."""
    values = known.values(entry)
    for key in known.facts.get("paths", ()):
        parts = {name: values[name] for name in key.split("/")}
        if all(isinstance(part, str) for part in parts.values()):
            paths = accumulate((Path(part).expanduser() for part in parts.values()), Path.joinpath)
            yield dict(zip(parts, paths, strict=True))


def missing(known, entry: dict) -> list[str]:
    """What is not there of a data set's files and folders, else what is wrong with its class folders: a line each, which begins
    with the parameter. `known`: its `source.Registered`."""
    gone = [
        next(((name, path) for name, path in steps.items() if not os.path.exists(path)), None) for steps in _paths(known, entry)
    ]
    if not any(gone) and known.facts.get("folders"):
        try:
            classes_of(**known.values(entry))
        except InputError as error:
            return [str(error)]
    told = dict.fromkeys(filter(None, gone))
    none = {"train": ", or null where there are no training images"}
    return [f"{name}: {path} does not exist; accepted: the path of what is to be read{none.get(name, '')}" for name, path in told]


def stamp(known, entry: dict) -> str | None:
    """A digest over the names and `of_file` of all that a data set reads, of both splits; None where it takes no note of changes.

    `known`: its `source.Registered`. What is not there, or cannot be read, is told when it is read, not here.
    """
    changes, seen = known.values(entry).get("changes", "ignored"), hashlib.sha256()
    if changes == "ignored":
        return None
    for steps in _paths(known, entry):
        key, path = list(steps.items())[-1]
        try:
            for name, file in below(path) if path.is_dir() else [("", path)]:
                seen.update(os.fsencode(f"{key}\0{name}\0{file and of_file(file, changes)}\n"))
        except OSError as error:
            seen.update(f"{key}\0{type(error).__name__}\n".encode())
    return seen.hexdigest()[:16]


def tell(stamps: dict):
    """Tell processes that start from here what the data looked like."""
    os.environ[TOLD] = json.dumps(stamps)


def told() -> dict:
    """What the process that this one started from has told; {} if nothing."""
    return json.loads(os.environ.get(TOLD, "{}"))


def classes_of(root: str, train: str | None, test: str, classes, label: str | None, **_) -> dict[str, int | None]:
    """The folders of a folder of images, in either split, and the numbers of their classes: by `classes` (`numbered`), else in
    alphabetical order of the folders of the training split, else of the test split. {} where images have no labels.

    Raises `InputError` in one line, which begins with the parameter, for a folder that is no such class, for one without images,
    and for `classes` that cannot be read. A split that is not there is not looked at.
    """
    if label is None:
        return {}
    folders = {key: Path(root).expanduser() / name for key, name in (("train", train), ("test", test)) if name is not None}
    try:
        there = {key: [one.name for one in _visible(path) if one.is_dir()] for key, path in folders.items() if path.is_dir()}
        own = {name: number for number, name in enumerate(next(iter(there.values()), []))}
        numbers = numbered(classes) if classes else own
        for key, found in there.items():
            folder = folders[key]
            if not found:
                raise InputError(f"{key}: {folder} holds no folders; accepted: one a class, with its images, or label: null")
            if other := sorted(set(found) - set(numbers)):
                of = classes if isinstance(classes, str) else "`classes`" if classes else folders[next(iter(there))]
                raise InputError(f"{key}: {folder} has {_some(other)}; accepted: the classes of {of}: {_some(list(numbers))}")
            if empty := [name for name in found if next(images(folder / name, f"{name}/"), None) is None]:
                ends = ", ".join(sorted(IMAGES))
                raise InputError(f"{key}: {folder} has no image of {_some(empty)}; accepted: at least one a class folder, {ends}")
            if twice := [name for name in found if numbers[name] is None]:
                raise InputError(f"classes: {_some(twice)} stands there more than once; accepted: each folder's name once")
    except OSError as error:
        raise InputError(f"root: {error.filename} cannot be read ({error.strerror})") from None
    return numbers


def numbered(classes) -> dict[str, int | None]:
    """Classes by name: the number of the network's output; None for a name that stands for several.

    `classes`: a mapping {name: number}, names in the order of their numbers, or the path of a text file with one a line, where the
    first word of a line names it too. Raises `InputError` for a file that cannot be read.
    """
    if isinstance(classes, dict):
        return classes
    names = _lines(Path(classes).expanduser()) if isinstance(classes, str) else classes
    numbers = {}
    for find in (str, lambda line: line.split()[0]):
        own = {}
        for number, name in enumerate(map(find, names)):
            own[name] = None if name in own else number
        numbers = own | numbers  # a whole line rather than the beginning of another
    return numbers


def count_of(classes) -> int | None:
    """How many classes the network has by `classes`: as many as are listed; of a mapping nothing is known."""
    if not classes or isinstance(classes, dict):
        return None
    return len(_lines(Path(classes).expanduser()) if isinstance(classes, str) else classes)


def _lines(path: Path) -> list[str]:
    """Lines of a text file that are not empty."""
    try:
        names = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"classes: {path} cannot be read ({error}); accepted: a text file, one class a line") from None
    if not names:
        raise InputError(f"classes: {path} has no class; accepted: one class a line")
    return names


def _some(names: list[str]) -> str:
    """The first names, and how many more."""
    return ", ".join(names[:5]) + f" and {len(names) - 5} more" * (len(names) > 5)


def named(known, entry: dict) -> dict[str, int | None]:
    """Classes of a data set by name, as `numbered` has them; {} where nothing names them, or its folders are not there."""
    values = known.values(entry)
    try:
        return classes_of(**values) if known.facts.get("folders") else numbered(values.get("classes") or {})
    except InputError:  # told by `missing`
        return {}
