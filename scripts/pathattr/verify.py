"""Is every result whole, and what the configuration says? `make verify` checks each by its seal, without Snakemake.

It says, a line a file, what is

- missing: not there;
- unsealed: written by a job that did not end well;
- torn: other bytes than those that were sealed, or a torn seal;
- stale: made by other code or parameters;
- orphaned: nothing of the configuration makes it (only said: another configuration may).

What is missing is made by the next run; with `--remove` so is what is unsealed, torn or stale, because it is deleted.
"""

import argparse
import os
import sys
from pathlib import Path

from . import seal
from .errors import InputError
from .files import PART
from .plan import planned

ROOT = Path(__file__).resolve().parents[2]
KEPT = (  # no results of a study
    "results/logs/",
    "results/benchmarks/",
    "results/report.html",
    "results/benchmark.csv",
    "results/pathattr.tar.gz",
)


def state(path: str, digest: str) -> str:
    """What is wrong with the result at `path`, in a word; "" if nothing."""
    if not os.path.exists(path):
        return "missing"
    try:
        found = seal.sealed(path)
        if not found:
            return "unsealed"
        seal.check(path)
    except InputError:
        return "torn"
    return "" if found[0] == digest else "stale"


def orphans(wanted) -> list[str]:
    """Files below results/ that none of the wanted ones is, nor one of their seals."""
    known = {str(path) for file in wanted for path in (file, seal.place(file))}
    there = (str(Path(folder, name)) for folder, _, names in os.walk("results") for name in names)
    hidden = ("results/.lock", "results/.run", "results/.gitkeep", "results/.report")
    return sorted(path for path in there if path not in known and not path.startswith(KEPT) and path not in hidden)


def verify(plan, remove: bool = False) -> tuple[int, dict[str, list[str]]]:
    """How many results the plan has, and those of the folder that are not as they should be, by the word for it."""
    results, found = plan.results(), {}
    for path, digest in results.items():
        if word := state(path, digest):
            found.setdefault(word, []).append(path)
            if remove and word != "missing":
                os.unlink(path)
    if others := orphans(results):
        found["orphaned"] = others
        for path in others:
            if remove and Path(path).name.startswith(PART):
                os.unlink(path)
    return len(results), found


def main(arguments=None):
    """`python -m pathattr.verify [CONFIG ...] [--directory FOLDER] [--remove]`. Ends with 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="pathattr.verify", description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="*", help="configuration files laid over config.yaml, as by --configfile")
    parser.add_argument("--directory", default=".", help="the folder of the run, as by --directory")
    parser.add_argument("--remove", action="store_true", help="delete what is unsealed, torn or stale; a run makes it again")
    given = parser.parse_args(arguments)
    try:
        files = [Path(file).resolve() for file in given.config]
        os.chdir(given.directory)  # as Snakemake does: paths in the configuration are relative to it
        plan = planned(files, ROOT)
        count, found = verify(plan, given.remove)
    except (InputError, OSError) as error:
        sys.exit(str(error))
    for word, paths in found.items():
        for path in paths:
            print(f"{word}: {path}")
    bad = {word: len(paths) for word, paths in found.items() if word != "orphaned"}
    said = ", ".join(f"{number} {word}" for word, number in bad.items()) or "all whole and as the configuration says"
    print(f"{count} results: {said}" + " (deleted what was not missing; run again to make them)" * bool(given.remove and bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
