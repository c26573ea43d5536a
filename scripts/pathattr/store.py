"""How results are written and read: whole or not at all, with what made them, and refused when torn or stale.

Arrays are Arrow files of fixed-shape tensors, one row an image; tables are Parquet; sets of arrays are safetensors. Each
carries the digest of the code and parameters that made it, which a reader compares with the one it expects: a file left
over from another configuration is never taken for a result, even where Snakemake has lost its memory. A file that has a seal
(see `seal`) is read only if not a byte of it has changed.
"""

import contextlib
import importlib.metadata
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from . import seal
from .errors import InputError, NotApplicable
from .files import replacing

KEY = b"pathattr"
ROWS = 32  # images of a batch of maps


def write_arrays(path, columns: dict, metadata: dict):
    """Write columns of equal length: NumPy arrays (N, ...) as fixed-shape tensors, lists or (N,) arrays as they are."""
    write_batches(path, [columns], metadata)


def write_batches(path, batches: Iterable[dict], metadata: dict):
    """As `write_arrays`, some rows after the other: of the same columns, all in one file. Memory holds one batch."""
    with replacing(path) as temporary, pa.OSFile(str(temporary), "wb") as sink, contextlib.ExitStack() as stack:
        writer = None
        for columns in batches:
            table = _table(columns).replace_schema_metadata({KEY: json.dumps(metadata, sort_keys=True)})
            writer = writer or stack.enter_context(pa.ipc.new_file(sink, table.schema))
            writer.write_table(table)


def _table(columns: dict) -> pa.Table:
    arrays = {}
    for name, values in columns.items():
        if isinstance(values, np.ndarray) and values.ndim > 1:
            arrays[name] = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(values))
        else:
            arrays[name] = pa.array(values)
    return pa.table(arrays)


def read_arrays(path, digest: str | None = None, rows: slice = slice(None)) -> tuple[dict, dict]:
    """Columns (NumPy arrays), of some rows, and metadata. What lies in one batch is mapped from the file, not copied. Raises
    `InputError` if torn or stale."""
    with _reading(path) as is_sealed:
        file = pa.ipc.open_file(pa.memory_map(str(path)))
        metadata = json.loads(file.schema.metadata[KEY])
        check_digest(path, metadata, digest)
        _check_applied(metadata)
        table = _rows(file, rows)
        if not is_sealed:
            table.validate(full=True)
        columns = {}
        for name in table.column_names:
            column = table.column(name).combine_chunks()
            if isinstance(column, pa.ChunkedArray):
                column = column.chunk(0)
            is_tensor = isinstance(column.type, pa.FixedShapeTensorType)
            columns[name] = column.to_numpy_ndarray() if is_tensor else column.to_numpy(zero_copy_only=False)
    return columns, metadata


def _rows(file, rows: slice) -> pa.Table:
    """Some rows of an Arrow file, of whose batches no other is read."""
    batches = [file.get_batch(number) for number in range(file.num_record_batches)]
    start, stop, _ = rows.indices(sum(batch.num_rows for batch in batches))
    kept, first = [], 0
    for batch in batches:
        low, high = max(start - first, 0), min(stop - first, batch.num_rows)
        kept += [batch.slice(low, high - low)] if high > low else []
        first += batch.num_rows
    return pa.Table.from_batches(kept or [batches[0].slice(0, 0)], file.schema)


def write_maps(path, index: pd.DataFrame, maps: dict, counts: pd.DataFrame, dtype: str, metadata: dict):
    """Write attribution maps, one row an image: `image_id` and `target` of the index, the columns of `counts` (`gradients` that it
    took, ...), one tensor column (C, H, W) of `dtype` a variant. In float16 a map is divided by its largest absolute value, which
    stands in a column `scale_<variant>`: small attributions would vanish, and large ones overflow, in its narrow range."""
    write_arrays(path, _columns(index, maps, counts, dtype), metadata)


def write_maps_done(path, index: pd.DataFrame, done: Iterable, dtype: str, metadata: dict):
    """As `write_maps`, of images as they are done: (position, variant -> (C, H, W), counts), in any order. Memory holds a batch of
    them and those that are done before their turn."""
    ordered = _in_order(done)

    def batch(start: int) -> dict:
        rows = list(itertools.islice(ordered, ROWS))
        maps = {variant: np.stack([one[variant] for one, _ in rows]) for variant in rows[0][0]}
        return _columns(index.iloc[start : start + ROWS], maps, pd.DataFrame([counts for _, counts in rows]), dtype)

    write_batches(path, map(batch, range(0, len(index), ROWS)), metadata)


def write_baselines(path, done: Iterable, metadata: dict) -> pd.DataFrame:
    """Write the baselines of images as they are done, (position, (B, C, H, W), rows of a table), in any order: the table's columns
    and `baseline`, one row a baseline in the images' order. Memory holds a batch and those done before their turn. The table."""
    ordered, tables = _in_order(done), []

    def batches():
        while rows := list(itertools.islice(ordered, ROWS)):
            tables.extend(table for _, table in rows)
            table = pd.concat(tables[-len(rows) :], ignore_index=True)
            yield {name: table[name].to_numpy() for name in table} | {"baseline": np.concatenate([pixels for pixels, _ in rows])}

    write_batches(path, batches(), metadata)
    return pd.concat(tables, ignore_index=True)


def _in_order(done: Iterable) -> Iterator[tuple]:
    """What is done, (position, ...), from position 0 on."""
    waiting, position = {}, 0
    for number, *what in done:
        waiting[number] = what
        while position in waiting:
            yield waiting.pop(position)
            position += 1


def _columns(index: pd.DataFrame, maps: dict, counts: pd.DataFrame, dtype: str) -> dict:
    columns = {"image_id": index["image_id"].tolist(), "target": index["target"].tolist()}
    columns |= {f"count_{name}": counts[name].to_numpy() for name in counts}
    for variant, values in maps.items():
        values = np.asarray(values)
        if dtype == "float16":
            largest = np.abs(values).max((1, 2, 3), keepdims=True)
            scale = np.where(largest > 0, largest, 1).astype(np.float32)
            columns[f"scale_{variant}"], values = scale.reshape(-1), values / scale
        columns[f"map_{variant}"] = values.astype(dtype, copy=False)
    return columns


def read_maps(path, digest: str | None = None, rows: slice = slice(None)) -> tuple[list, np.ndarray, pd.DataFrame, dict]:
    """Of all or some rows: image ids, targets, what each took by image id (`gradients`, ...), variant -> float32 (N, C, H, W)."""
    columns, _ = read_arrays(path, digest, rows)
    ids = columns["image_id"].tolist()
    maps = {name[4:]: _map(columns, name[4:], slice(None)) for name in columns if name.startswith("map_")}
    counts = pd.DataFrame({name[6:]: values for name, values in columns.items() if name.startswith("count_")}, index=ids)
    return ids, columns["target"], counts, maps


def _map(columns: dict, variant: str, rows) -> np.ndarray:
    """Maps of some rows as float32, a scale put back."""
    maps = columns[f"map_{variant}"][rows].astype(np.float32)
    scale = columns.get(f"scale_{variant}")
    return maps if scale is None else maps * np.asarray(scale[rows])[..., None, None, None]


def read_map(path, row: int, variant: str = "vanilla") -> tuple[str, np.ndarray]:
    """Image id and map (C, H, W) of one row of a maps file."""
    columns, _ = read_arrays(path, rows=slice(max(0, row), max(0, row + 1)))
    if f"map_{variant}" not in columns or not len(columns["image_id"]):
        raise InputError(f"{path}: no {variant} map of its image {row}")
    return str(columns["image_id"][0]), _map(columns, variant, 0)


def write_table(path, table: pd.DataFrame, metadata: dict):
    """Write a tidy table as Parquet."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), KEY: json.dumps(metadata, sort_keys=True)})
    with replacing(path) as temporary:
        pq.write_table(arrow, temporary, compression="zstd")


def read_table(path, digest: str | None = None, filters=None) -> tuple[pd.DataFrame, dict]:
    """Table, or those of its rows that pyarrow's `filters` let through, and metadata. Raises `InputError` if torn or stale."""
    with _reading(path):
        metadata = json.loads(pq.read_schema(path).metadata[KEY])
        check_digest(path, metadata, digest)
        _check_applied(metadata)
        table = pq.read_table(path, filters=filters).to_pandas()
    return table, metadata


def write_not_applicable(path, reason: str, digest: str):
    """Write, in the place of baselines, maps or scores, a file without rows that says why there are none."""
    metadata = {"digest": digest, "not_applicable": reason}
    if Path(path).suffix == ".parquet":
        write_table(path, pd.DataFrame({"image_id": []}), metadata)
    else:
        write_arrays(path, {"image_id": []}, metadata)


def not_applicable(path) -> str:
    """Why a file of baselines, maps or scores has no rows: its method does not apply. "" where it has some."""
    with _reading(path):
        schema = pq.read_schema(path) if Path(path).suffix == ".parquet" else pa.ipc.open_file(pa.memory_map(str(path))).schema
        reason = json.loads(schema.metadata[KEY]).get("not_applicable", "")
    return reason


def _check_applied(metadata: dict):
    """Raise `NotApplicable` for the metadata of a file that has no rows for that reason."""
    if "not_applicable" in metadata:
        raise NotApplicable(metadata["not_applicable"])


def write_tensors(path, tensors: dict, metadata: dict):
    """Write named NumPy arrays or torch tensors of any shapes as safetensors."""
    arrays = {name: np.array(getattr(values, "numpy", lambda v=values: v)(), order="C") for name, values in tensors.items()}
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    with replacing(path) as temporary:
        try:
            save_file(arrays, temporary, metadata={KEY.decode(): json.dumps(metadata, sort_keys=True)})
        except SafetensorError as error:  # so it calls a full disk
            raise OSError(str(error)) from None


def read_tensors(path, digest: str | None = None) -> tuple[dict, dict]:
    """Named NumPy arrays and metadata ({} for a file of another origin). Raises `InputError` if torn or stale."""
    from safetensors import safe_open

    with _reading(path), safe_open(str(path), framework="numpy") as file:
        names = file.keys()
        tensors = {name: file.get_tensor(name) for name in names}
        metadata = json.loads((file.metadata() or {}).get(KEY.decode(), "{}"))
        check_digest(path, metadata, digest)
    return tensors, metadata


def write_json(path, value: dict):
    """Write JSON, indented, keys in the order given."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n")


def read_json(path, digest: str | None = None) -> dict:
    """Read JSON. Raises `InputError` if torn or stale."""
    with _reading(path):
        value = json.loads(Path(path).read_text())
        check_digest(path, value, digest)
    return value


def write_csv(path, table: pd.DataFrame):
    """Write a table for people: numbers to 6 significant digits, so that it reads the same wherever it was made."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")


def read_csv(path) -> pd.DataFrame:
    """Read a table for people. Raises `InputError` if torn."""
    with _reading(path):
        table = pd.read_csv(path)
    return table


def versions(*packages: str) -> dict[str, str]:
    """Versions of installed packages, for metadata."""
    return {package: importlib.metadata.version(package) for package in packages}


def check_digest(path, metadata: dict, digest: str | None):
    """Refuse a file made by other code or parameters than `digest` stands for; by default that of a `File`, else anything goes."""
    found = metadata.get("digest")
    digest = digest if digest is not None else getattr(path, "digest", None)
    if digest is not None and found != digest:
        raise InputError(seal.stale(path, found, digest))


@contextlib.contextmanager
def _reading(path):
    """Yield whether the file has a seal; turn what a missing, changed or torn file raises into one line."""
    try:
        yield seal.check(path)
    except (InputError, MemoryError):
        raise
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception as error:  # readers of bytes that are not theirs raise anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: torn or not a result of this workflow ({reason}); {seal.remake()}") from None
