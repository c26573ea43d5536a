"""Claims without sampling: numbers of a table that shall equal others."""

import numpy as np

from ..judging import AGAINST, FOR, Judged, NotRun
from ..registry import Table, claim
from ..values import NonNegative


@claim("exact", needs=("table",))
def exact(
    found,
    *,
    table: Table,
    columns: tuple[str, ...],
    rows: dict | None = None,
    printed: tuple[str, ...] | None = None,
    value: float | None = None,
    tolerance: NonNegative = 1e-4,
    name: tuple[str, ...] | None = None,
):
    """Numbers of an artefact's table equal the printed ones beside them (columns `printed`, or one `value`), within `tolerance` in
    absolute terms.

    `rows`: column -> the value or values of the rows meant. `name`: columns that name a row.
    """
    data, cells = found.table(), []
    for column, wanted in (rows or {}).items():
        data = data[data[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    if data.empty:
        raise NotRun(f"the table {table} has no such rows")
    for _, row in data.iterrows():
        for number, column in enumerate(columns):
            expected = row[printed[number]] if printed else value
            if np.isnan(expected):
                continue
            gap = abs(row[column] - expected)
            cell = {
                "label": " ".join([*(str(row[one]) for one in name or ()), column]),
                "estimate": row[column],
                "printed": expected,
            }
            cells.append(cell | {"low": row[column], "high": row[column], "side": FOR if gap <= tolerance else AGAINST})
    if not cells:
        raise NotRun(f"nothing is printed for these rows of {table}")
    return Judged(f"computed beside printed, within {tolerance:g}", cells, exact=True)
