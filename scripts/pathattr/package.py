"""`make package`: the code at its commit and a whole run's results as one archive that others can check, run and build on.

A Workflow Run RO-Crate (`crate`) in a tar.gz (`archive`), the same byte for byte for the same commit and the same results. In it:
the repository, the configuration, data and weights, scores, tables, figures, verdicts, the report, logs and benchmark files, and
every result's seal. Not in it is what a run makes again from data and weights (`AGAIN`), nor data sets and weights that the
configuration takes from outside the repository.

So `make` in the unpacked folder starts from the trained weights, and trains none anew: all files have one time of change, and
Snakemake goes by that where it has no memory of a run.
"""

import argparse
import csv
import io
import os
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

from . import archive, crate, machine, seal
from .archive import Entry
from .errors import InputError
from .plan import Plan, planned
from .verify import ROOT, verify

PACKAGE = "results/pathattr.tar.gz"
AGAIN = ("attribute", "baselines", "logits", "neighbourhoods", "probe")  # rules whose results are not packed
CONFIGS = "config/packaged"  # the configuration files of the run, in their order; the package's Makefile takes them
WHOLE = ("results/report.html", "results/benchmark.csv", str(machine.NOTED))  # beside the results, where they are there


def committed(dirty: bool = False) -> tuple[str, int, str]:
    """The commit of the repository, its time in seconds, and a note on what is not committed.

    Raises `InputError` outside of a repository, and where something is not committed unless `dirty`.
    """
    top = _git("rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() != ROOT:
        raise InputError(f"{ROOT} is no git repository; accepted: a clone, whose commit the package names")
    changed = [line[3:] for line in _git("status", "--porcelain").splitlines()]
    if changed and not dirty:
        said = ", ".join(changed[:3]) + f" and {len(changed) - 3} more" * (len(changed) > 3)
        raise InputError(f"not committed: {said}; accepted: a clean tree, or DIRTY=1 to pack it as it is")
    commit, time = _git("log", "-1", "--format=%H %ct").split()
    return commit, int(time), "With changes that are not committed." if changed else ""


def _git(*arguments) -> str:
    """What git says of this repository, without space at its end; "" where it fails."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.rstrip() if done.returncode == 0 else ""


def code(dirty: bool) -> dict[str, Entry]:
    """The files of the repository: as committed, or all that git does not ignore, as they are."""
    if dirty:
        listed = _git("ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
        there = [name for name in listed if name and (ROOT / name).is_file()]
        return {name: Entry(ROOT / name, os.access(ROOT / name, os.X_OK)) for name in there}
    found = subprocess.run(["git", "-C", str(ROOT), "archive", "--format=tar", "HEAD"], stdout=subprocess.PIPE, check=True)
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as tar:
        return {one.name: Entry(tar.extractfile(one).read(), bool(one.mode & 0o100)) for one in tar if one.isfile()}


def whole(plan: Plan):
    """Raise `InputError` unless every result of the plan is whole and as the configuration says."""
    count, found = verify(plan)
    if bad := {word: paths for word, paths in found.items() if word != "orphaned"}:
        said = ", ".join(f"{len(paths)} {word} ({paths[0]}{', ...' * (len(paths) > 1)})" for word, paths in bad.items())
        raise InputError(f"of {count} results {said}; accepted: a finished run of this configuration (make verify names all)")


def results(plan: Plan) -> dict[str, Entry]:
    """Results that are packed, each with its seal, and the logs and benchmark files of all jobs that are there."""
    wanted, found = plan.results(), list(WHOLE)
    for path, job in plan.made.items():
        if path in wanted:
            found += [crate.beside(plan, path, "logs", "log"), crate.beside(plan, path, "benchmarks", "tsv")]
            packed = [] if job.rule in AGAIN else plan.outputs(path)
            found += [name for one in packed for name in (one, str(seal.place(one)))]
    return {name: Entry(Path(name)) for name in found if Path(name).is_file()}


def used(plan: Plan) -> dict[str, dict[str, str]]:
    """Path of a job's result -> the columns of its benchmark file, where it has one."""
    found = {}
    for path in plan.made:
        try:
            text = Path(crate.beside(plan, path, "benchmarks", "tsv")).read_text()
        except OSError:
            continue
        row = next(csv.DictReader(io.StringIO(text), delimiter="\t"), {})
        found[path] = {key: value for key, value in row.items() if key and value not in ("", "-", "NA", None)}
    return found


def outside(plan: Plan) -> list[str]:
    """What the results are made of that no rule makes and that is not packed."""
    files = {str(file) for job in plan.made.values() for file in job.files}
    made = {one for path in plan.made for one in plan.outputs(path)}
    return sorted(files - made) + sorted(
        {f"the images of {job.place}" for job in plan.made.values() if job.rule == "index_dataset"}
    )


def package(configs: list[Path], directory, target=None, dirty: bool = False) -> Path:
    """Write the package of a finished run; where it is, by default results/pathattr.tar.gz of the run's folder.

    Raises `InputError` for a tree that is not committed and for results that are not whole, before anything is written.
    """
    commit, time, note = committed(dirty)
    os.chdir(directory)  # as Snakemake does: paths in the configuration are relative to it
    plan = planned(configs, ROOT)
    whole(plan)
    entries = code(dirty)
    names = {f"{CONFIGS}/{number:02d}-{file.name}": Entry(file) for number, file in enumerate(configs, 1)}
    entries |= names | results(plan)
    about = {
        "commit": commit,
        "time": datetime.fromtimestamp(time, UTC).isoformat(),
        "note": note,
        "machines": machine.noted(),
        "configs": ["config.yaml", *names],
        "used": used(plan),
    }
    entries[crate.NAME] = Entry(crate.write(plan, archive.sealed(entries), about, ROOT))
    target = Path(target or PACKAGE)
    archive.write(target, entries, time)
    print(f"package: {target.resolve()}: {len(entries)} files, {target.stat().st_size / 1e6:.1f} MB, of commit {commit[:12]}")
    for line in [note, *(f"not in it: {one}" for one in outside(plan))]:
        print(line, end="\n" * bool(line))
    return target


def main(arguments=None):
    """`python -m pathattr.package [CONFIG ...] [--directory FOLDER] [--file FILE] [--dirty] [--look]`."""
    parser = argparse.ArgumentParser(prog="pathattr.package", description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="*", help="configuration files laid over config.yaml, as by --configfile")
    parser.add_argument("--directory", default=".", help="the folder of the run, as by --directory")
    parser.add_argument("--file", help=f"where to write it, by default {PACKAGE} in the run's folder")
    parser.add_argument("--dirty", action="store_true", help="also with changes that are not committed")
    parser.add_argument("--look", action="store_true", help="only see whether the tree is committed")
    given = parser.parse_args(arguments)
    try:
        if given.look:
            committed(given.dirty)
        else:
            target = given.file and Path(given.file).resolve()
            package([Path(file).resolve() for file in given.config], given.directory, target, given.dirty)
    except (InputError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
