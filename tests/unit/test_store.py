"""Results on disk: whole or not at all, with what made them."""

import os
import stat
import weakref

import numpy as np
import pandas as pd
import pytest
import torch

from pathattr import store
from pathattr.files import File

from .helpers import refused

DIGEST = "0123456789abcdef"
METADATA = {"digest": DIGEST, "parameters": {"steps": 20, "rule": "midpoint"}, "seed": 0}
RNG = np.random.default_rng(0)
ARRAYS = {
    "image_id": ["a", "b", ""],
    "label": np.array([3, 1, 2]),
    "pixels": RNG.integers(0, 256, (3, 3, 5, 4), dtype=np.uint8),
    "logits": RNG.normal(size=(3, 10)),
    "half": RNG.normal(size=(3, 2, 2)).astype(np.float16),
}
TABLE = pd.DataFrame({"image_id": ["a", "b"], "metric": ["", ""], "x": [0.5, np.nan], "value": [1.25, -3.0]})
TENSORS = {"weight": RNG.normal(size=(4, 3)).astype(np.float32), "count": np.array(7), "empty": np.zeros((0, 2))}

# kind -> (write, read, what read gives of the content)
KINDS = {
    "arrays": (lambda path: store.write_arrays(path, ARRAYS, METADATA), store.read_arrays, ".arrow"),
    "table": (lambda path: store.write_table(path, TABLE, METADATA), store.read_table, ".parquet"),
    "tensors": (lambda path: store.write_tensors(path, TENSORS, METADATA), store.read_tensors, ".safetensors"),
    "json": (lambda path: store.write_json(path, {**METADATA, "accuracy": 0.5}), store.read_json, ".json"),
}

every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def written(kind, tmp_path):
    """(path of a file of that kind, its write, its read)."""
    write, read, ending = KINDS[kind]
    path = tmp_path / "folder" / f"result{ending}"
    write(path)
    return path, write, read


def assert_equal_columns(found: dict, expected: dict):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].tolist() == np.asarray(values).tolist()
        if isinstance(values, np.ndarray):
            assert found[name].dtype == values.dtype and found[name].shape == values.shape


def test_arrays_come_back_as_they_were(tmp_path):
    store.write_arrays(tmp_path / "a.arrow", ARRAYS, METADATA)
    columns, metadata = store.read_arrays(tmp_path / "a.arrow", DIGEST)
    assert_equal_columns(columns, ARRAYS)
    assert metadata == METADATA


def test_masks_come_back_as_bytes(tmp_path):
    masks = RNG.random((3, 5, 4)) > 0.5
    store.write_arrays(tmp_path / "a.arrow", {"masks": masks.astype("uint8")}, {})
    found = store.read_arrays(tmp_path / "a.arrow")[0]["masks"]
    assert found.dtype == np.uint8 and np.array_equal(found.astype(bool), masks)


def test_arrays_of_any_memory_layout_come_back_as_they_were(tmp_path):
    values = RNG.normal(size=(4, 5, 3)).transpose(0, 2, 1)[::2]
    store.write_arrays(tmp_path / "a.arrow", {"values": values}, {})
    assert np.array_equal(store.read_arrays(tmp_path / "a.arrow")[0]["values"], values)


def test_tables_come_back_as_they_were(tmp_path):
    store.write_table(tmp_path / "t.parquet", TABLE, METADATA)
    found, metadata = store.read_table(tmp_path / "t.parquet", DIGEST)
    pd.testing.assert_frame_equal(found, TABLE)
    assert metadata == METADATA


def test_tables_without_rows_come_back(tmp_path):
    store.write_table(tmp_path / "t.parquet", TABLE.iloc[:0], METADATA)
    found, _ = store.read_table(tmp_path / "t.parquet", DIGEST)
    assert list(found.columns) == list(TABLE.columns) and found.empty


def test_tensors_come_back_as_they_were(tmp_path):
    weight = torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last)
    store.write_tensors(tmp_path / "w.safetensors", {**TENSORS, "torch": weight}, METADATA)
    found, metadata = store.read_tensors(tmp_path / "w.safetensors", DIGEST)
    assert_equal_columns(found, {**TENSORS, "torch": weight.numpy()})
    assert metadata == METADATA


def test_json_comes_back_as_it_was_in_its_order(tmp_path):
    value = {"z": 1, "a": [1.5, None, "text"], "digest": DIGEST}
    store.write_json(tmp_path / "a.json", value)
    assert list(store.read_json(tmp_path / "a.json", DIGEST).items()) == list(value.items())


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_maps_come_back_in_float32_rounded_to_what_was_asked(tmp_path, dtype):
    index = pd.DataFrame({"image_id": ["a", "b"], "target": [4, 2]})
    scale = torch.tensor([1e-9, 1e9]).view(2, 1, 1, 1)  # both far outside the range of float16
    maps = {"vanilla": torch.randn(2, 3, 4, 4) * scale, "absolute": torch.zeros(2, 3, 4, 4)}
    store.write_maps(tmp_path / "m.arrow", index, maps, pd.DataFrame({"gradients": [20, 13]}), dtype, METADATA)
    ids, targets, counts, found = store.read_maps(tmp_path / "m.arrow", DIGEST)
    assert ids == ["a", "b"] and targets.tolist() == [4, 2] and counts["gradients"].to_dict() == {"a": 20, "b": 13}
    for variant, values in maps.items():
        assert found[variant].dtype == np.float32
        error = np.abs(found[variant] - values.numpy()).max((1, 2, 3))
        largest = np.abs(values.numpy()).max((1, 2, 3))
        assert (error <= largest * (0 if dtype == "float32" else 2**-11)).all()
        for row, name in enumerate(ids):
            one = tmp_path / "ig" / "m.arrow"
            store.write_maps(one, index, maps, pd.DataFrame({"gradients": [20, 13]}), dtype, METADATA)
            again, values = store.read_map(one, row, variant)
            assert again == name and np.array_equal(values, found[variant][row])


def test_a_map_that_is_not_there_is_refused(tmp_path):
    index = pd.DataFrame({"image_id": ["a", "b"], "target": [4, 2]})
    path = tmp_path / "m.arrow"
    store.write_maps(path, index, {"vanilla": torch.randn(2, 3, 4, 4)}, pd.DataFrame({"gradients": [1, 1]}), "float32", METADATA)
    for row, variant in ((2, "vanilla"), (-1, "vanilla"), (0, "absolute")):
        with refused("m.arrow", variant, f"image {row}"):
            store.read_map(path, row, variant)


@every_kind
def test_a_file_that_knows_its_digest_is_checked_by_it(kind, written):
    path, _, read = written
    read(File(str(path), DIGEST))
    with refused("made by other code", "expected other"):
        read(File(str(path), "other"))


@every_kind
def test_a_file_made_by_something_else_is_refused(kind, written):
    path, _, read = written
    read(path, DIGEST)
    read(path, None)
    with refused(str(path), DIGEST, "f" * 16, "delete it"):
        read(path, "f" * 16)


@every_kind
def test_a_missing_file_is_refused(kind, tmp_path):
    path = tmp_path / f"none{KINDS[kind][2]}"
    with refused(str(path), "no such file"):
        KINDS[kind][1](path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.6, 0.9, 1.0], ids=lambda share: f"{share:g}")
@every_kind
def test_a_torn_file_is_refused(kind, written, share):
    path, _, read = written
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * (len(whole) - 2))])
    with refused(str(path), "torn"):
        read(path)


@every_kind
def test_a_file_of_another_kind_is_refused(kind, written):
    path, _, read = written
    for content in (b"\x89PNG\r\n\x1a\n" + bytes(500), b"not a result\n" * 50):
        path.write_bytes(content)
        with refused(str(path)):
            read(path)


@pytest.mark.parametrize("kind", ["arrays", "table"])
def test_a_file_without_the_workflows_metadata_is_refused(kind, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / f"foreign{KINDS[kind][2]}"
    table = pa.table({"a": [1, 2]})
    if kind == "table":
        pq.write_table(table, path)
    else:
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    with refused(str(path), "not a result of this workflow"):
        KINDS[kind][1](path)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), store.replacing(path) as temporary:
        temporary.write_text("new, but not wh")
        raise RuntimeError("killed")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["result.txt"]


BROKEN_WRITES = {
    "arrays": ("pyarrow.ipc.new_file", lambda path: store.write_arrays(path, ARRAYS, {})),
    "table": ("pyarrow.parquet.write_table", lambda path: store.write_table(path, TABLE, {})),
    "tensors": ("safetensors.numpy.save_file", lambda path: store.write_tensors(path, TENSORS, {})),
}


@pytest.mark.parametrize("kind", BROKEN_WRITES)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(kind, written, monkeypatch):
    path, _, read = written

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(BROKEN_WRITES[kind][0], full)
    with refused(str(path), "cannot be written (No space left on device)"):
        BROKEN_WRITES[kind][1](path)
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


@every_kind
def test_writing_again_replaces_the_file(kind, written):
    path, write, read = written
    before = path.stat().st_ino
    write(path)
    read(path, DIGEST)
    assert path.stat().st_ino != before and os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("umask, mode", [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)], ids=oct)
@every_kind
def test_permissions_follow_the_umask(kind, tmp_path, umask, mode):
    write, _, ending = KINDS[kind]
    before = os.umask(umask)
    try:
        write(tmp_path / f"result{ending}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / f"result{ending}").stat().st_mode) == mode


def test_tables_for_people_have_six_digits(tmp_path):
    table = pd.DataFrame({"name": ["a", "b"], "value": [1 / 3, 2e-9], "n": [3, 4]})
    store.write_csv(tmp_path / "t.csv", table)
    assert (tmp_path / "t.csv").read_text() == "name,value,n\na,0.333333,3\nb,2e-09,4\n"


def test_versions_are_those_installed():
    assert store.versions("torch", "numpy") == {"torch": torch.__version__, "numpy": np.__version__}


def maps_of(count: int):
    """An index, maps (count, 2, 3, 3) of two variants, and counts."""
    index = pd.DataFrame({"image_id": [f"i{n}" for n in range(count)], "target": np.arange(count) % 3})
    maps = {
        name: torch.randn(count, 2, 3, 3, generator=torch.Generator().manual_seed(k)) for k, name in enumerate(("vanilla", "b"))
    }
    return index, maps, pd.DataFrame({"gradients": np.arange(count), "b": np.linspace(0, 1, count)})


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("count", [1, store.ROWS, 2 * store.ROWS + 5])
def test_maps_written_as_they_are_done_are_those_written_together(count, dtype, tmp_path):
    """In any order, and whichever rows are read."""
    index, maps, counts = maps_of(count)
    order = np.random.default_rng(0).permutation(count)
    done = ((n, {name: values[n] for name, values in maps.items()}, dict(counts.iloc[n])) for n in order)
    store.write_maps_done(tmp_path / "done.arrow", index, done, dtype, {"digest": "d"})
    store.write_maps(tmp_path / "whole.arrow", index, maps, counts, dtype, {"digest": "d"})
    for rows in (slice(None), slice(0, 1), slice(count - 1, count), slice(count // 3, count // 3 + store.ROWS + 2), slice(2, 2)):
        found, expected = (store.read_maps(tmp_path / f"{name}.arrow", "d", rows) for name in ("done", "whole"))
        assert found[0] == expected[0] == index["image_id"].tolist()[rows]
        assert np.array_equal(found[1], expected[1])
        pd.testing.assert_frame_equal(found[2], expected[2], check_dtype=False)
        assert found[3].keys() == maps.keys()
        for name in maps:
            assert np.array_equal(found[3][name], expected[3][name])
            assert dtype == "float16" or np.array_equal(found[3][name], maps[name].numpy()[rows])
    for row in {0, count // 2, count - 1}:
        assert np.array_equal(
            store.read_map(tmp_path / "done.arrow", row, "b")[1], store.read_map(tmp_path / "whole.arrow", row, "b")[1]
        )
    with refused("no vanilla map"):
        store.read_map(tmp_path / "done.arrow", count)


def test_maps_are_written_batch_by_batch(tmp_path):
    """As soon as a batch is there, and no more of them are kept."""
    index, maps, _ = maps_of(4 * store.ROWS)
    alive, most = weakref.WeakSet(), 0

    def done():
        nonlocal most
        for n in range(len(index)):
            values = maps["vanilla"][n].clone()
            alive.add(values)
            most = max(most, len(alive))
            yield n, {"vanilla": values}, {"gradients": 1}

    store.write_maps_done(tmp_path / "m.arrow", index, done(), "float32", {})
    assert most <= store.ROWS + 2


def test_a_run_that_ends_early_leaves_no_maps(tmp_path):
    index, maps, _ = maps_of(2 * store.ROWS)

    def done():
        for n in range(store.ROWS + 3):
            yield n, {"vanilla": maps["vanilla"][n]}, {"gradients": 1}
        raise ValueError("of the network")

    with pytest.raises(ValueError, match="of the network"):
        store.write_maps_done(tmp_path / "m.arrow", index, done(), "float32", {})
    assert list(tmp_path.iterdir()) == []
