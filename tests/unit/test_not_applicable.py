"""A method that does not apply to a network: a result without rows that says why, and figures, tables and claims of the rest."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from pathattr import Classifier, InputError, NotApplicable, attribute, gaps, registry, seal, store
from pathattr.found import Found
from pathattr.job import job
from pathattr.judging import NotRun
from pathattr.plot import style, tables
from pathattr.promise import invented
from pathattr.registry import get
from pathattr.source import LIBRARY

from .helpers import refused
from .test_comparisons import DIFFID, IMAGES, Fake, normal
from .test_found import Bench, rows

WHY, DIGEST = "lrp_epsilon does not apply to this network: no rule for einsum", "d" * 16


# --- files and jobs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["maps.arrow", "scores.parquet"])
def test_a_file_without_rows_says_why_and_readers_say_it_again(tmp_path, name):
    path = tmp_path / name
    store.write_not_applicable(path, WHY, DIGEST)
    assert store.not_applicable(path) == WHY
    readers = [store.read_maps, store.read_arrays] if name == "maps.arrow" else [store.read_table]
    for read in readers:
        with pytest.raises(NotApplicable, match=WHY):
            read(path, DIGEST)
    if name == "scores.parquet":
        with pytest.raises(NotApplicable, match=WHY):
            store.read_table(path, filters=[("metric", "in", ["diffid_auc"])])
    with refused("made by other code or parameters"):
        readers[-1](path, "another")


def test_files_with_rows_do_not(tmp_path):
    store.write_table(tmp_path / "scores.parquet", rows(["i0"]), {"digest": DIGEST})
    assert store.not_applicable(tmp_path / "scores.parquet") == ""
    with refused("no such file"):
        store.not_applicable(tmp_path / "maps.arrow")


def rule(tmp_path, output="maps.arrow"):
    """What Snakemake gives a script."""
    given = SimpleNamespace(job={"digest": DIGEST, "inputs": {}})
    paths = dict(log=[str(tmp_path / "log")], output=[str(tmp_path / output)], input=[])
    return SimpleNamespace(rule="attribute", params=given, scriptdir=str(LIBRARY.parent), **paths)


def ended(snakemake, error, **options):
    with job(snakemake, **options):
        raise error


def test_a_job_ends_well_where_its_method_does_not_apply(tmp_path):
    ended(rule(tmp_path), NotApplicable(WHY), may_not_apply=True)
    assert store.not_applicable(tmp_path / "maps.arrow") == WHY
    assert seal.sealed(tmp_path / "maps.arrow")[0] == DIGEST
    assert (tmp_path / "log").read_text() == f"not applicable: {WHY}\n"


@pytest.mark.parametrize("error, may", [(InputError("bad"), True), (MemoryError("none left"), True), (NotApplicable(WHY), False)])
def test_other_errors_and_other_jobs_end_as_before(tmp_path, error, may):
    with pytest.raises(SystemExit, match=str(error)):
        ended(rule(tmp_path), error, may_not_apply=may)
    assert not (tmp_path / "maps.arrow").exists()


class Squared(nn.Module):
    """A network that epsilon-LRP has no rule for, and that counts what it is asked."""

    def __init__(self):
        super().__init__()
        self.classes, self.rows = nn.Conv2d(3, 4, 8), 0

    def forward(self, x):
        self.rows += len(x) if torch.is_tensor(x) and type(x) is torch.Tensor else 0
        return self.classes(x * x).flatten(1)


def test_it_is_found_on_the_first_image_before_the_others_are_read():
    network, read = Squared(), []

    class Images:
        def __len__(self):
            return 500

        def __getitem__(self, number):
            read.append(number)
            return torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(number))

    with pytest.raises(NotApplicable, match="a product of two maps"):
        attribute("lrp_epsilon", Classifier(network), Images(), [0] * 500, micro_batch=16)
    assert max(read) < 32 and network.rows < 64


# --- what was found -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    bench.scores("ig", rows(["i0", "i1", "i2", "i3"]))
    bench.scores("lrp", rows(["i0", "i1"]))
    missing(bench, "lrp", start=2)
    return bench


def missing(bench, method: str, start: int = 0):
    bench.scores(method, rows(["i0", "i1"]), start=start)
    store.write_not_applicable(bench.inputs["scores"][-1], WHY, DIGEST)


def test_scores_have_nothing_of_a_method_that_any_of_its_files_says_it_of(bench):
    found = bench.found
    assert found.not_applicable == {("vgg", "lrp"): WHY}
    assert found.not_run == {"vgg": {"lrp": f"not applicable: {WHY}"}}
    assert set(found.scores(["diffid_auc"])["method"]) == {"ig"}
    assert [file.about["method"] for file in found.files("scores")] == ["ig"]
    with refused("no scores"):
        found.scores(["diffid_auc"], methods=["lrp"])


def test_a_tables_rows_that_say_so_are_no_rows_for_claims(bench, tmp_path):
    table = pd.DataFrame({"model": "vgg", "method": ["ig", "lrp"], "mean": [0.5, np.nan], "not_applicable": [None, WHY]})
    store.write_csv(tmp_path / "table.csv", table)
    bench.inputs = {"table": [str(tmp_path / "table.csv")]}
    assert bench.found.not_applicable == {("vgg", "lrp"): WHY}
    assert bench.found.table().to_dict("list") == {"model": ["vgg"], "method": ["ig"], "mean": [0.5]}


# --- figures and tables -------------------------------------------------------------------------------------------------


def without(kind: str, *pairs):
    """What a kind of artefact gives for invented results, and its `Found`, where these (position of a model, of a method) do not
    apply."""
    drawing = invented.drawing("artefact", kind)
    found = invented.Invented(drawing.plan, drawing.drawn)
    models, methods = list(drawing.drawn.models), list(drawing.drawn.forms)
    gone = {(models[model], methods[method]) for model, method in pairs}
    found.not_applicable = dict.fromkeys(gone, WHY)
    real = found.scores

    def scores(*given, **options):
        table = real(*given, **options)
        return table[[pair not in gone for pair in zip(table["model"], table["method"], strict=True)]]

    found.scores, found.files = scores, lambda role: []
    return gaps.artefact(registry.get("artefact", kind), found, drawing.drawn.values), found, gone


KINDS = ("count_curves", "gain_table", "removal_scores")


@pytest.mark.parametrize("kind", KINDS)
def test_artefacts_are_drawn_without_what_does_not_apply_and_name_it(kind, tmp_path):
    (figure, data, shown), found, gone = without(kind, (0, 1))
    ((model, method),) = gone
    if kind != "removal_scores":  # which has cells for it
        (row,) = data[data["not_applicable"] != ""].to_dict("records")
        assert (row["model"], row["method"], row["not_applicable"]) == (model, method, WHY)
    else:
        (row,) = data[data["not_run"] != ""].to_dict("records")
        assert (row["model"], row["method"], row["not_run"]) == (model, method, f"not applicable: {WHY}")
        assert f"not applicable: {WHY}" in set(shown.to_numpy().ravel())
    assert (data["method"] != method).any()
    assert "Not applicable: " in gaps.note(found) and WHY in gaps.note(found).replace("\n", " ")
    tables.write_html(tmp_path / "page.html", shown, "A caption.", note=gaps.note(found))
    assert "no rule for einsum" in (tmp_path / "page.html").read_text()


def test_a_note_stands_whole_below_a_figure(tmp_path):
    style.use()
    sizes = []
    for note in ("", "Not applicable.", "\n".join(["Not applicable."] * 9)):
        figure, _ = plt.subplots(figsize=(2, 1), layout="constrained")
        style.save(figure, tmp_path / "figure.png", note=note)
        sizes.append(plt.imread(tmp_path / "figure.png").shape[0])
    assert sizes[0] + 5 < sizes[1] < sizes[2] - 40  # and all nine lines


def test_a_figure_of_nothing_that_applies_is_a_note():
    drawing = invented.drawing("artefact", "count_curves")
    pairs = [(0, number) for number in range(len(drawing.drawn.forms))]
    (figure, data, shown), _, gone = without("count_curves", *pairs)
    assert not figure.axes and set(data["method"]) == {method for _, method in gone} and shown is data


# --- claims -------------------------------------------------------------------------------------------------------------


def faked(gone=(("a", "lrp"),)) -> Fake:
    values = {model: {name: normal(mean, key=key) for key, (name, mean) in enumerate(MEANS.items())} for model in "ab"}
    for model, method in gone:
        del values[model][method]
    found = Fake(values)
    found.not_applicable = dict.fromkeys(gone, WHY)
    found.not_run = {model: {method: f"not applicable: {WHY}"} for model, method in gone}
    return found


MEANS = {"ig": 2.0, "eg": 1.0, "lrp": 0.0}
CLAIMS = {
    "paired": (dict(methods=["ig"], rivals=["eg", "lrp"], scores=[DIFFID]), 3),
    "chain": (dict(methods=["lrp", "eg", "ig"], scores=[DIFFID]), 3),
    "mean_paired": (dict(method="ig", rivals=["eg", "lrp"], scores=[DIFFID]), 1),
    "level": (dict(methods=["ig", "eg", "lrp"], score=DIFFID, limit=-1.0), 5),
    "share": (dict(method="lrp", score=DIFFID, above=-1.0), 1),
    "equivalence": (dict(methods=["eg", "ig", "lrp"], score=DIFFID, margin=0.1), 2),
    "trend": (dict(sweep=[{"name": "lrp"}, {"name": "eg"}, {"name": "ig"}], score=DIFFID), 2),
}


def judged(name: str, found: Fake, given: dict):
    given = {"models": list(found.models), "metric": "diffid", "images": IMAGES} | given
    return gaps.claim(get("claim", name), found, given)


@pytest.mark.parametrize("name, given, cells", [(name, *one) for name, one in CLAIMS.items()], ids=CLAIMS)
def test_claims_are_judged_on_the_rest_and_say_so(name, given, cells):
    found = judged(name, faked(), given)
    assert len(found.cells) == cells and not any(np.isnan(cell["estimate"]) for cell in found.cells)
    (line,) = [note for note in found.notes if note.startswith("not applicable")]
    assert line == f"not applicable: A-16: lrp: {WHY}"


@pytest.mark.parametrize("name", ["share", "level", "mean_paired", "paired"])
def test_a_claim_of_nothing_that_applies_is_not_run(name):
    given = CLAIMS[name][0] | ({"methods": ["lrp"]} if name in ("level", "paired") else {"method": "lrp"})
    with pytest.raises((NotRun, NotApplicable), match="no rule for einsum"):
        judged(name, faked((("a", "lrp"), ("b", "lrp"))), given)


def test_claims_on_rows_leave_out_the_cells_of_the_method():
    table = pd.DataFrame(
        {
            "model": np.repeat(["a", "b"], 80),
            "method": np.tile(np.repeat(["ig", "lrp"], 40), 2),
            "image_id": np.tile([f"i{number}" for number in range(40)], 4),
            "value": np.concatenate([normal(2.0), normal(0.0, key=1)] * 2),
        }
    )
    table = table[~((table["model"] == "a") & (table["method"] == "lrp"))]
    found = faked()
    found._table = table
    given = dict(table="t", column="value", one={"method": "ig"}, other={"method": "lrp"}, cells=["model"], models=["a", "b"])
    cells = gaps.claim(get("claim", "rows_paired"), found, given)
    assert len(cells.cells) == 1 and cells.cells[0]["side"] == "for" and any(WHY in note for note in cells.notes)


def test_a_table_found_again_has_what_was_left_out(tmp_path):
    """What `figure.py` and `table.py` write is what `Found.table` and `Found.not_applicable` read."""
    (_, data, _), _, gone = without("count_curves", (0, 1))
    store.write_csv(tmp_path / "t.csv", data)
    found = Found(
        SimpleNamespace(
            inputs={"table": [str(tmp_path / "t.csv")]}, params={"seed": 0, "models": {}}, one=lambda role: tmp_path / "t.csv"
        )
    )
    assert set(found.not_applicable) == gone and len(found.table()) == len(data) - 1
