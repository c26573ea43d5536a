"""`make verify-package FILE=...`: is a package whole, does it describe itself, and does it give the same verdict again?

It unpacks into a temporary folder and, in this order,

- checks every file's SHA-256, that the crate is well formed, and that every result is the one that its seal names;
- remakes one claim from its weights: of those that hang on weights through maps and scores the one that took least, by the
  benchmark files. What lies between is deleted, Snakemake runs in the package with its own code and configuration, must leave the
  weights as they are, and the new verdict must say the same, numbers to a thousandth of themselves.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from . import archive, compare, crate, seal
from .errors import InputError

KEPT = ("make_dataset", "index_dataset", "train_model", "fetch_model", "randomise_model")  # rules that a remake must not run
FROM = {"attribute", "measure", "train_model"}  # rules that the claim to be remade must hang on


class Jobs:
    """The jobs of a crate: what each made, of what, how long it took."""

    def __init__(self, graph: list[dict]):
        values = {one["@id"]: one.get("value") for one in graph if one["@type"] == "PropertyValue"}
        self.actions = {one["@id"]: one for one in graph if str(one["@id"]).startswith("#job/") and one["@type"] == "CreateAction"}
        self.maker = {file: name for name in self.actions for file in self.results(name)}
        self.seconds = {name: float(values.get(f"{name}/s") or 0) for name in self.actions}

    def rule(self, name: str) -> str:
        return Path(self.actions[name]["instrument"]["@id"]).stem

    def results(self, name: str) -> list[str]:
        return [file["@id"] for file in crate.listed(self.actions[name]["result"])]

    def behind(self, name: str) -> set[str]:
        """A job and all that it hangs on."""
        found, todo = set(), [name]
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                todo += [
                    self.maker[file["@id"]] for file in crate.listed(self.actions[one].get("object")) if file["@id"] in self.maker
                ]
        return found

    def cheapest(self) -> str | None:
        """The job that judges the claim which is soonest remade from its weights; None where there is no such claim."""
        claims = {name: self.behind(name) for name in self.actions if self.rule(name) == "judge"}
        took = {
            name: sum(self.seconds[one] for one in behind if self.rule(one) not in KEPT)
            for name, behind in claims.items()
            if {self.rule(one) for one in behind} >= FROM
        }
        return min(took, key=lambda name: (took[name], name), default=None)


def check(file, folder) -> tuple[int, list[dict]]:
    """Unpack a package into a folder; how many files it has, and the entities of its crate.

    Raises `InputError` naming the file that is wrong.
    """
    packed = archive.unpack(file, folder)
    graph = crate.check(Path(folder) / archive.FOLDER, packed)
    for name in packed:
        path = Path(folder) / archive.FOLDER / name
        if seal.place(name).as_posix() in packed and seal.sealed(path)[1] != packed[name]:
            raise InputError(f"{name}: other bytes than its seal says")
    return len(packed) + 1, graph


def remake(folder: Path, jobs: Jobs, claim: str, cores: str) -> list[str]:
    """Judge a claim anew from its weights, in an unpacked package; what differs from the packed verdict, a line each.

    Raises `InputError` where the run fails or makes a data set or weights anew.
    """
    (target,) = jobs.results(claim)
    before = json.loads((folder / target).read_text())
    files = {name: jobs.results(name) for name in jobs.behind(claim)}
    kept = {folder / file: (folder / file).stat().st_mtime_ns for name in files if jobs.rule(name) in KEPT for file in files[name]}
    for file in (file for name in files if jobs.rule(name) not in KEPT for file in files[name]):
        (folder / file).unlink(missing_ok=True)
    configs = sorted(map(str, (folder / "config" / "packaged").glob("*")))
    command = [sys.executable, "-m", "snakemake", "--cores", cores, *(["--configfile", *configs] if configs else []), "--", target]
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", seal.AGAIN)}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        last = (done.stdout.strip().splitlines() or ["no output"])[-1]
        raise InputError(f"{target}: could not be remade: {last}")
    if anew := [path for path, state in kept.items() if path.stat().st_mtime_ns != state]:
        raise InputError(f"{target}: remaking it made {anew[0].relative_to(folder)} anew")
    return differences(before, json.loads((folder / target).read_text()))


def differences(one, other, place: str = "") -> list[str]:
    """Where two trees of JSON differ, a line each; numbers as `compare` has them."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [line for key in one | other for line in differences(one.get(key), other.get(key), f"{place}.{key}".lstrip("."))]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [line for number, pair in pairs for line in differences(*pair, f"{place}[{number}]")]
    is_number = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    if compare.close(one, other) if is_number else one == other:
        return []
    return [f"{place}: {one!r} in the package, {other!r} remade"]


def main(arguments=None):
    """`python -m pathattr.verify_package FILE [--no-remake] [--cores N]`. Ends with 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="pathattr.verify_package", description=__doc__.splitlines()[0])
    parser.add_argument("file", help="what `make package` has written")
    parser.add_argument("--no-remake", action="store_true", help="only check it")
    parser.add_argument("--cores", default="all", help="of the run that remakes a claim")
    given = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as place:
            count, graph = check(given.file, place)
            print(f"{given.file}: {count} files, all whole; the crate is well formed: {len(graph)} entities")
            jobs = Jobs(graph)
            claim = None if given.no_remake else jobs.cheapest()
            if claim is None:
                print("no claim remade" + ": none hangs on weights through maps and scores" * (not given.no_remake))
                return
            found = remake(Path(place) / archive.FOLDER, jobs, claim, given.cores)
    except (InputError, OSError) as error:
        sys.exit(str(error))
    name = Path(claim).stem
    if found:
        sys.exit("\n".join(f"{name}: {line}" for line in found))
    print(f"{name}: remade from its weights, the same verdict and the same numbers")


if __name__ == "__main__":
    main()
