"""Comparisons of the rows of an artefact's table: pairs, shares, rank correlations, ratios.

Rows are chosen by the values of their columns; of `one` and `other`, a value that is a list makes a cell each.
"""

import itertools
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import InputError
from ..judging import AGAINST, FOR, OPEN, Judged, NotRun, cells_of, side, wilson
from ..plot.names import VARIANTS, label
from ..ranks import spearman
from ..registry import Models, Table, claim
from ..scores import ALL, SOME, orders

LEVEL = 0.05  # of a one-sided test


@claim("rows_paired", needs=("table",))
def rows_paired(
    found,
    *,
    table: Table,
    column: str,
    one: dict,
    other: dict,
    models: Models,
    cells: tuple[str, ...] | None = None,
    rows: dict | None = None,
    match: tuple[str, ...] = ("image_id",),
    direction: Literal["higher", "lower"] = "higher",
    margin: float = 0.0,
):
    """Rows of a table with the values of `one` less those with the values of `other`, matched by `match` (image by image), in
    each cell that the columns `cells` make: the mean difference of `column`, in the claimed direction, is above `margin`.

    `rows`: which rows count at all. Rows of one match and cell are averaged (a mean over stages). `models` are those that the
    table is of, to be told; which of them count say `rows` and `cells`.
    """
    data, sign, differences, out = _chosen(found, table, rows), 1 if direction == "higher" else -1, [], 0
    for name, model, left, right in _cells(found, data, table, one, other, cells or ()):
        both, undefined = _matched(name, left, right, column, match, table)
        out += undefined
        values = sign * (both["one"] - both["other"]).to_numpy()
        differences.append({"label": name, **model, "values": values, "training": np.zeros(len(values)), "border": margin})
    found_cells, overall = cells_of(differences, found.seed, margin)
    words = f"{_what(column, rows)}, difference {_each(match)}, claimed {direction}"
    return Judged(words, found_cells, overall=overall, notes=_left_out(out))


@claim("rows_share", needs=("table",))
def rows_share(
    found,
    *,
    table: Table,
    column: str,
    one: dict,
    other: dict,
    models: Models,
    cells: tuple[str, ...] | None = None,
    rows: dict | None = None,
    match: tuple[str, ...] = ("image_id",),
    direction: Literal["higher", "lower"] = "lower",
    limit: float = 0.5,
    beside: dict | None = None,
):
    """The share of images where the row of `one` has a lower (or higher) value than that of `other` is higher than `limit`, by
    Wilson's interval; the cells' intervals hold together at 95 % (Bonferroni). Equal values are none of the share. Other
    parameters as for `rows_paired`. `beside`: values of columns that rows have in place of those in `rows`, each to be told in the
    notes and not to count.
    """
    how = (column, one, other, cells, match, direction, limit)
    judged, out, notes = _shares(found, table, rows, *how)
    for where in _each_value(beside) if beside else []:
        others, _, _ = _shares(found, table, {**(rows or {}), **where}, *how)
        said = [f"{cell['label']} {cell['estimate']:.2f} [{cell['low']:.2f}, {cell['high']:.2f}]" for cell in others]
        notes.append(f"beside it, {_words(found, where)}: {'; '.join(said)}")
    words = f"share {_each(match, 'of')} where {_what(column, rows)} is {direction}, higher than {limit:g}"
    overall = {"estimate": float(np.mean([cell["estimate"] for cell in judged]))}
    return Judged(words, judged, overall=overall, notes=notes + _left_out(out))


def _shares(found, table: str, rows, column: str, one, other, cells, match, direction: str, limit: float):
    """Cells of `rows_share`, how many pairs have no value, and lines that say where values are equal."""
    judged, ties, out = [], [], 0
    every = list(_cells(found, _chosen(found, table, rows), table, one, other, cells or ()))
    for name, model, left, right in every:
        both, undefined = _matched(name, left, right, column, match, table)
        out += undefined
        gap = (both["one"] - both["other"]) * (1 if direction == "higher" else -1)
        hits, equal = int((gap > 0).sum()), int((gap == 0).sum())
        low, high = wilson(hits, len(gap), 1 - 0.05 / len(every))
        cell = {"label": name, **model, "estimate": hits / len(gap), "low": low, "high": high, "n": len(gap), "border": limit}
        judged.append(cell | {"side": side(low, high, limit)})
        ties += [f"{name}: equal in {equal} of {len(gap)}"] if equal else []
    return judged, out, ties


@claim("rows_rank", needs=("table",))
def rows_rank(
    found,
    *,
    table: Table,
    x: str,
    y: str,
    models: Models,
    rows: dict | None = None,
    direction: Literal["higher", "lower"] = "higher",
    printed_rows: dict | None = None,
    printed_by: str = "",
):
    """Spearman's rank correlation of two columns over the rows of a table is above 0 (`direction` higher) or below it (lower): its
    one-sided p over all orders of up to 9 rows, or 100 000 random ones of more, is below 0.05. Ties share their rank.

    The interval is the correlation less what 5 % of the orders reach, either way, so it leaves 0 out where p is below 0.05.
    `printed_rows`: other rows, the paper's, whose correlation stands beside; `printed_by`: a column that parts these. A point
    that they have twice counts once, but in its part.
    """
    data = _filtered(_known(found.table(), [x, y], table), rows or {}, table).dropna(subset=[x, y])
    if len(data) < 4:
        raise NotRun(f"{len(data)} rows of {table} are too few: no order of them has a p below {LEVEL:g}")
    every, scale = orders(data[x], data[y], found.seed)
    if not scale:
        raise NotRun(f"{x} or {y} is the same in all rows of {table}: it has no order")
    sign = 1 if direction == "higher" else -1
    p = [float((way * every >= way * every[0]).mean()) for way in (sign, -sign)]
    where = FOR if p[0] < LEVEL else AGAINST if p[1] < LEVEL else OPEN
    reach, ordered = int(np.ceil(LEVEL * len(every))) - 1, np.sort(every)
    low, high = ((every[0] - end) / scale for end in (ordered[-1 - reach], ordered[reach]))
    cell = {"label": f"{_plain(x)} and {_plain(y)}", "estimate": every[0] / scale, "low": max(low, -1.0), "high": min(high, 1.0)}
    cell |= {"n": len(data), "side": where, "p": p[0], "lower": direction == "lower"}
    notes = [f"one-sided p {p[0]:.3g}, " + ("all orders" if len(data) <= ALL else f"{SOME:,} random orders")]
    if printed_rows:
        printed = _filtered(found.table(), printed_rows, table).dropna(subset=[x, y])
        once = printed.drop_duplicates([x, y])
        cell["printed"] = spearman(once[x], once[y]) if len(once) > 1 else None
        groups = _known(printed, [printed_by], table).groupby(printed_by, sort=False) if printed_by else ()
        each = [f"{name} {spearman(group[x], group[y]):.2g} (n = {len(group)})" for name, group in groups if len(group) > 1]
        notes += [f"printed, each: {', '.join(each)}"] if each else []
    words = f"Spearman's rank correlation of {_plain(x)} and {_plain(y)} over rows, {direction} than 0"
    return Judged(words, [cell], notes=notes)


@claim("rows_ratio", needs=("table",))
def rows_ratio(
    found,
    *,
    table: Table,
    columns: tuple[str, ...],
    one: dict,
    other: dict,
    limit: float,
    models: Models,
    cells: tuple[str, ...] | None = None,
    rows: dict | None = None,
    direction: Literal["higher", "lower"] = "lower",
):
    """A measured ratio, of times or of memory: the row of `one` over the row of `other`, in each of `columns` and each cell that
    the columns `cells` make, is at most `limit` (`direction` lower) or at least that.

    Nothing is sampled: a cell is decided by the ratio's ends, which come of COLUMN_low and COLUMN_high, or low and high, the
    lowest and highest of the rounds, where the table has them.
    """
    data, judged = _known(_chosen(found, table, rows), columns, table), []
    for name, model, left, right in _cells(found, data, table, one, other, cells or (), " / "):
        for which in (left, right):
            if len(which) != 1:
                raise InputError(f"{name}: {len(which)} rows of {table} on one side of a ratio; accepted: one (see rows, cells)")
        for column in columns:
            of = f"{_plain(column)}, {name}" if len(columns) > 1 else name
            estimate, low, high = _ratio(of, left.iloc[0], right.iloc[0], column)
            if direction == "lower":
                where = FOR if high <= limit else AGAINST if low > limit else OPEN
            else:
                where = FOR if low >= limit else AGAINST if high < limit else OPEN
            cell = {"label": of, **model, "estimate": estimate, "low": low, "high": high, "side": where}
            cell |= {"n": int(left["n"].iloc[0]) if "n" in data and left["n"].notna().all() else 1}
            judged.append(cell | {"border": limit, "lower": direction == "lower"})
    what = _what(columns[0], rows) if len(columns) == 1 else ", ".join(map(_plain, columns))
    words = f"{what}, ratio, at {'most' if direction == 'lower' else 'least'} {limit:g}; measured, no sampling"
    return Judged(words, judged, overall={"estimate": float(np.mean([cell["estimate"] for cell in judged]))})


def _ratio(name: str, top: pd.Series, bottom: pd.Series, column: str) -> tuple[float, float, float]:
    """A ratio with its ends."""
    if not (top[column] > 0 and bottom[column] > 0):
        raise NotRun(f"{name}: the ratio of {top[column]} and {bottom[column]} is none of times or of memory")
    ratio = top[column] / bottom[column]
    for low, high in ((f"{column}_low", f"{column}_high"), ("low", "high")):
        if low in top and high in top and all(one > 0 for row in (top, bottom) for one in (row[low], row[high])):
            return ratio, top[low] / bottom[high], top[high] / bottom[low]
    return ratio, ratio, ratio


# --- rows and cells -----------------------------------------------------------------------------------------------------


def _known(data: pd.DataFrame, columns, table: str) -> pd.DataFrame:
    for column in columns:
        if column not in data:
            raise InputError(f"the table {table} has no column {column!r}; accepted: {', '.join(data)}")
    return data


def _filtered(data: pd.DataFrame, where: dict, table: str) -> pd.DataFrame:
    """Rows whose columns have these values, or one of them."""
    for column, wanted in where.items():
        values = _known(data, [column], table)[column]
        data = data[values.isin(wanted if isinstance(wanted, list) else [wanted])]
    return data


def _chosen(found, table: str, rows: dict | None) -> pd.DataFrame:
    """Rows that count."""
    data = _filtered(found.table(), rows or {}, table)
    if data.empty:
        raise NotRun(f"the table {table} has no such rows" + (f": {_said(rows)}" if rows else ""))
    return data


def _cells(found, data: pd.DataFrame, table: str, one: dict, other: dict, cells, between: str = " - "):
    """(name, {"model": key} where it has one, rows of one, rows of other) of each cell."""
    _known(data, cells, table)
    every = []
    for this, that in itertools.product(_each_value(one), _each_value(other)):
        left, right = _filtered(data, this, table), _filtered(data, that, table)
        if _out(found, this, left) or _out(found, that, right):
            continue
        if left.empty:
            raise NotRun(f"the table {table} has no rows with {_said(this)}")
        for place in left[list(cells)].drop_duplicates().to_dict("records") if cells else [{}]:
            every.append((place, this, that, _filtered(left, place, table), _filtered(right, place, table)))
    if not every:
        raise NotRun("; ".join(f"{label(method)} does not apply: {why}" for (_, method), why in found.not_applicable.items()))
    varying = [column for column in cells if len({place[column] for place, *_ in every}) > 1]
    for place, this, that, left, right in every:
        words = ", ".join(_word(found, column, place[column]) for column in varying)
        name = (f"{words}: " if words else "") + f"{_words(found, this)}{between}{_words(found, that)}"
        if _out(found, that, right):
            continue
        if right.empty:
            raise NotRun(f"{name}: the table {table} has no rows with {_said(that)}")
        yield name, {key: place[key] for key in ("model",) if key in place}, left, right


def _out(found, where: dict, rows: pd.DataFrame) -> bool:
    """Whether there are no such rows because their method does not apply."""
    return rows.empty and where.get("method") in {method for _, method in found.not_applicable}


def _each_value(where: dict) -> list[dict]:
    """The same with one value a column, in all combinations."""
    values = [value if isinstance(value, list) else [value] for value in where.values()]
    return [dict(zip(where, combination, strict=True)) for combination in itertools.product(*values)]


def _matched(name: str, left, right, column: str, match, table: str) -> tuple[pd.DataFrame, int]:
    """Values of `one` and `other`, a row a match, and how many more have none (a correlation with a constant)."""
    sides = []
    for which, rows in (("one", left), ("other", right)):
        groups = _known(rows, [column, *match], table).groupby(list(match))[column]
        sides.append(pd.DataFrame({which: groups.agg(lambda values: values.mean(skipna=False)), f"{which}_rows": groups.size()}))
    both = sides[0].join(sides[1], how="inner")
    uneven = both[both["one_rows"] != both["other_rows"]]
    if len(uneven):
        counts = f"{uneven['one_rows'].iloc[0]} rows and {uneven['other_rows'].iloc[0]}"
        raise NotRun(f"{name}: {counts} {_each(match)} are no means of the same; see rows and cells")
    defined = both.dropna()
    if len(defined) < 2:
        raise NotRun(f"{name}: {len(defined)} pairs of rows are too few")
    return defined, len(both) - len(defined)


def _left_out(count: int) -> list[str]:
    return [f"pairs without a value are left out: {count}, counted in every cell"] if count else []


# --- words --------------------------------------------------------------------------------------------------------------


def _plain(name) -> str:
    return str(name).replace("_", " ")


def _what(column: str, rows: dict | None) -> str:
    """What is compared: of a long table the chosen quantity, else the column."""
    quantity = (rows or {}).get("quantity")
    return _plain(quantity if isinstance(quantity, str) else column)


def _each(match, before: str = "") -> str:
    if list(match) == ["image_id"]:
        return "of images" if before else "an image"
    return f"{before or 'by'} {', '.join(map(_plain, match))}"


def _said(where: dict) -> str:
    return ", ".join(f"{column} {value}" for column, value in where.items())


def _words(found, where: dict) -> str:
    return " ".join(_word(found, column, value) for column, value in where.items())


def _word(found, column: str, value) -> str:
    """What a value of a column is called."""
    if column == "model" and value in found.models:
        return found.models[value].stands_for or value
    if column == "method":
        return label(value)
    if column == "variant":
        return VARIANTS.get(value, value)
    return _plain(value) if isinstance(value, str) else f"{_plain(column)} {value}"
