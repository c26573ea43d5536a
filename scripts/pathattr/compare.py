"""`make compare`: a run's tables and verdicts beside those of a reference run, cell by cell and verdict by verdict.

Rows are matched by all their words (method, metric, ...), in their order. A number is

- equal: to a thousandth of itself, or to a millionth;
- within: not equal, but in the interval that the reference gives for it, in `low` and `high`, or `NAME_low` and `NAME_high`;
- different: neither, or missing in one of the two.

The intervals are those over images: they say nothing of another training, or another machine, whose networks are others.
`python -m pathattr.compare --write` makes the reference of a run: small CSV files, and about.json with machine, versions and date.
"""

import argparse
import json
import math
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from . import machine, seal
from .errors import InputError
from .store import read_csv

REFERENCE = machine.ROOT / "resources" / "reference"
LARGEST = 200_000  # bytes of a table that is put into the reference
RELATIVE, ABSOLUTE = 1e-3, 1e-6  # how far equal numbers may differ
OPPOSITE = ({"reproduced", "reversed"}, {"holds", "does not hold"})  # verdicts that contradict each other
COUNTS = ("equal", "within", "different")


def close(one: float, other: float) -> bool:
    """Whether two numbers are equal here."""
    return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def table(reference: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """One row a number of either table: `row` (its words), `column`, `reference`, `ours`, `found`: equal, within or different."""
    columns = [name for name in reference if name in ours]
    measured = [name for name in columns if _is_number(reference[name]) and _is_number(ours[name])]
    words = [name for name in columns if name not in measured]
    values = [name for name in measured if not _is_bound(name)]
    left, right = _keyed(reference, words), _keyed(ours, words)
    rows = []
    for key in dict.fromkeys([*left, *right]):
        for name in values:
            one, other = (float(side[key][name]) if key in side else math.nan for side in (left, right))
            if math.isnan(one) and math.isnan(other):
                continue
            if close(one, other):
                found = "equal"
            else:
                low, high = _interval(left.get(key, {}), name)
                found = "within" if low <= other <= high else "different"
            rows.append({"row": " ".join(map(str, key)), "column": name, "reference": one, "ours": other, "found": found})
    return pd.DataFrame(rows, columns=["row", "column", "reference", "ours", "found"])


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column)  # true and false too


def _is_bound(name: str) -> bool:
    return name.rpartition("_")[2] in ("low", "high")


def _keyed(table: pd.DataFrame, words: list[str]) -> dict[tuple, dict]:
    """Rows by their words and their number among those with the same words."""
    counted, found = {}, {}
    for row in table.to_dict("records"):
        key = tuple("" if pd.isna(row[name]) else str(row[name]) for name in words)
        counted[key] = counted.get(key, -1) + 1
        found[*key, counted[key]] = row
    return found


def _interval(row: dict, name: str) -> tuple[float, float]:
    """The interval of a number: of the longest beginning of its name that has one; `mean` and `estimate` have `low`, `high`."""
    parts = name.split("_")
    names = ["_".join(parts[:count]) + "_" for count in range(len(parts), 0, -1)] + [""] * (name in ("mean", "estimate"))
    for start in names:
        if f"{start}low" in row and f"{start}high" in row:
            return row[f"{start}low"], row[f"{start}high"]
    return math.nan, math.nan  # nothing is within


def tables(reference, results) -> dict[str, pd.DataFrame]:
    """paper/name -> the comparison of a table that both folders have below `tables`, or that one of them lacks."""
    names = sorted({str(path.relative_to(place)) for place in map(_tables, (reference, results)) for path in place.glob("*/*.csv")})
    found = {}
    for name in names:
        there = [_tables(place) / name for place in (reference, results)]
        left, right = (read_csv(path) if path.exists() else None for path in there)
        if left is not None:
            found[name.removesuffix(".csv")] = table(left, left.iloc[:0] if right is None else right)
    return found


def _tables(place) -> Path:
    return Path(place) / "tables"


def verdicts(reference: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """One row a claim of either run: verdicts, estimates, and `found`: same, changed, reversed, or missing in one of them."""
    both = reference.merge(ours, on="claim", how="outer", suffixes=("_reference", "_ours"), sort=False)
    rows = []
    for row in both.to_dict("records"):
        there, here = row["verdict_reference"], row["verdict_ours"]
        found = "same" if there == here else "reversed" if {there, here} in OPPOSITE else "changed"
        if pd.isna(there) or pd.isna(here):
            found = "missing"
        estimates = {f"estimate_{side}": row[f"estimate_{side}"] for side in ("reference", "ours")}
        rows.append({"claim": row["claim"], "reference": there, "ours": here, **estimates, "found": found})
    return pd.DataFrame(rows, columns=["claim", "reference", "ours", "estimate_reference", "estimate_ours", "found"])


def summary(compared: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a table: how many of its numbers are equal, within and different, and which is farthest off."""
    rows = []
    for name, cells in compared.items():
        counts = {word: int((cells["found"] == word).sum()) for word in COUNTS}
        off = cells[cells["found"] == "different"]
        size = (off["ours"] - off["reference"]).abs() / off[["ours", "reference"]].abs().max(axis=1)
        worst = off.loc[size.fillna(math.inf).idxmax()] if len(off) else None
        said = "" if worst is None else f"{worst['row']} {worst['column']}: {worst['reference']:.6g} -> {worst['ours']:.6g}"
        rows.append({"table": name, "numbers": len(cells), **counts, "farthest off (reference -> ours)": said})
    return pd.DataFrame(rows)


def compare(reference, results) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Tables and verdicts of a run beside a reference. Raises `InputError` where one of them has none."""
    if not (Path(reference) / "claims.csv").exists():
        raise InputError(f"{reference} has no claims.csv; accepted: a reference (python -m pathattr.compare --write makes one)")
    if not (Path(results) / "claims.csv").exists():
        raise InputError(f"{results} has no claims.csv; accepted: the results of a finished run")
    claims = verdicts(read_csv(Path(reference) / "claims.csv"), read_csv(Path(results) / "claims.csv"))
    has_tables = _tables(reference).is_dir()  # a reference may be of verdicts alone
    return tables(reference, results) if has_tables else {}, claims


def write(reference, results, only_claims: bool = False) -> list[str]:
    """Make a reference of a run in the folder `reference`; the tables that are too large for it.

    Raises `InputError` for results that are missing or, by their seals, not whole.
    """
    reference, results = Path(reference), Path(results)
    found = [results / "claims.csv", *([] if only_claims else sorted(_tables(results).glob("*/*.csv")))]
    for path in found:
        if not path.exists() or not seal.check(path):
            raise InputError(f"{path}: missing or without a seal; accepted: the results of a finished run")
    large = [path for path in found if path.stat().st_size > LARGEST]
    shutil.rmtree(_tables(reference), ignore_errors=True)
    for path in found:
        if path not in large:
            place = reference / path.relative_to(results)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    left = [str(path.relative_to(results)) for path in large]
    about = {"date": datetime.now(UTC).date().isoformat(), "machines": machine.noted() or [machine.machine()], "left_out": left}
    (reference / "about.json").write_text(json.dumps(about, indent=2) + "\n")
    return left


def main(arguments=None):
    """`python -m pathattr.compare [--directory FOLDER] [--reference FOLDER] [--cells] [--write [--only-claims]]`.

    Ends with 1 where a verdict is the opposite of the reference's.
    """
    parser = argparse.ArgumentParser(prog="pathattr.compare", description=__doc__.splitlines()[0])
    parser.add_argument("--directory", default=".", help="the folder of the run, as by --directory of Snakemake")
    parser.add_argument("--reference", default=REFERENCE, help="the folder of the reference, by default resources/reference")
    parser.add_argument("--cells", action="store_true", help="also every number that is not equal")
    parser.add_argument("--write", action="store_true", help="make the reference of this run")
    parser.add_argument("--only-claims", action="store_true", help="with --write: no tables")
    given = parser.parse_args(arguments)
    reference = Path(given.reference).resolve()
    try:
        os.chdir(given.directory)
        if given.write:
            left = write(reference, "results", given.only_claims)
            print(f"reference: {reference}" + f"; too large for it: {', '.join(left)}" * bool(left))
            return
        compared, claims = compare(reference, "results")
    except (InputError, OSError) as error:
        sys.exit(str(error))
    report(compared, claims, given.cells)
    sys.exit(1 if (claims["found"] == "reversed").any() else 0)


def report(compared: dict[str, pd.DataFrame], claims: pd.DataFrame, cells: bool = False):
    """Print a comparison: the tables, every number that is not equal where asked for, the claims, and both counted."""
    with pd.option_context("display.width", None, "display.max_colwidth", 90, "display.max_rows", None):
        for name, one in compared.items() if cells else ():
            if len(off := one[one["found"] != "equal"]):
                print(f"{name}\n{off.to_string(index=False)}\n")
        shown = summary(compared)
        if compared:
            print(shown.to_string(index=False), end="\n\n")
        print(claims.to_string(index=False, na_rep=""), end="\n\n")
    if compared:
        print(f"{shown['numbers'].sum()} numbers: " + ", ".join(f"{shown[word].sum()} {word}" for word in COUNTS))
    counts = claims["found"].value_counts()
    print(f"{len(claims)} verdicts: " + ", ".join(f"{number} {word}" for word, number in counts.items()))


if __name__ == "__main__":
    main()
