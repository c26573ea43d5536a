"""The smoke run, end to end: what it leaves behind, and that results do not depend on how they were computed."""

import csv
import html
import json
import re
import shutil
import subprocess

import jsonschema
import pandas
import pytest
import yaml

from helpers import REPOSITORY, planned, snakemake
from pathattr.shards import shard_range
from pathattr.source import registered
from pathattr.store import read_arrays, read_maps, read_table

SMOKE = ("--configfile", "config/smoke.yaml")
FIGURES = ("fig1", "fig2", "fig3", "fig4", "fig5", "fig6l", "fig6r", "examples")


def test_every_artefact_is_there(smoke):
    for figure in FIGURES:
        assert (smoke / f"results/figures/lpi/{figure}.pdf").read_bytes().startswith(b"%PDF")
        assert (smoke / f"results/figures/lpi/{figure}.png").read_bytes().startswith(b"\x89PNG")
    for figure in ("gallery", "scores"):
        assert (smoke / f"results/figures/methods/{figure}.pdf").read_bytes().startswith(b"%PDF")
    for name in (*FIGURES, "table1"):
        assert "<table>" in (smoke / f"results/tables/lpi/{name}.html").read_text()
    for table in (*FIGURES, "table1"):
        rows = list(csv.DictReader((smoke / f"results/tables/lpi/{table}.csv").open()))
        assert rows and all(None not in row.values() for row in rows), table


def test_a_second_run_has_nothing_to_do(smoke):
    assert planned(smoke, *SMOKE) == {}


def test_table_1_has_reported_beside_measured(smoke):
    rows = list(csv.DictReader((smoke / "results/tables/lpi/table1.csv").open()))
    assert len(rows) == 2 * 7
    lpi = next(row for row in rows if row["model"] == "resnet34" and row["method"] == "lpi")
    assert lpi["insertion_auc_reported"] == "0.547" and lpi["deletion_auc_reported"] == "0.257"
    assert lpi["measured_on"] == "resnet_pairs, digit_pairs_on_photos" and lpi["n"] == "8"
    assert float(lpi["insertion_probability_low"]) <= float(lpi["insertion_probability_auc"])


def test_the_overview_has_every_method_and_variant(smoke):
    rows = list(csv.DictReader((smoke / "results/tables/methods/scores.csv").open()))
    found = {(row["method"], row["variant"], row["form"]) for row in rows}
    papers_own = {*registered("method")} - {"captum", "rise"}  # RISE is a metric of one of the papers, and no method of any
    assert {method for method, _, _ in found} == papers_own | {"captum:Occlusion"}
    assert {method for method, _, form in found if form == "as_released"} == {"ig", "agi", "la", "fig"}
    assert {method for method, _, form in found if form == "as_printed"} == {"credible"}
    for variant in ("valid_interpolations", "valid_references"):
        assert {method for method, other, _ in found if other == variant} == {"ig_uniform", "ig_sg", "ig_sq", "eg", "agi"}
    gallery = list(csv.DictReader((smoke / "results/tables/methods/gallery.csv").open()))
    assert len(gallery) == 2 * len(found)


def test_baselines_say_whether_they_reached_their_goal(smoke):
    paths = sorted((smoke / "results/baselines/digits_on_photos/resnet_small").rglob("*.arrow"))
    assert {"big", "credible"} <= {path.parent.name for path in paths}
    for path in paths:
        columns, _ = read_arrays(path)
        images = shard_range(path.stem)[1]
        count = {"credible": 3, "credible_step_half": 3}.get(path.parent.name, 1)
        assert len(columns["met"]) == images * count and columns["met"].dtype == bool
        assert {"iterations", "distance", "gradients", "number", "image_id"} <= set(columns)
        if path.parent.name == "credible":
            gap = columns["baseline"].reshape(images, 3, 3, 32, 32) - read_images(smoke)[:images, None]
            assert (abs(gap) >= 5 / 255 - 1e-5).all()


def read_images(folder):
    return read_arrays(folder / "results/data/digits_on_photos/test.arrow")[0]["pixels"] / 255.0


def test_scores_hold_every_image_once(smoke):
    scores = [read_table(path)[0] for path in (smoke / "results/scores").rglob("ig/**/*.parquet")]
    assert {table["image_id"].nunique() for table in scores} == {4, 8}  # the overview's, and a paper's
    for table in scores:
        assert not table.duplicated(["image_id", "metric", "variant", "x"]).any()
        assert set(table["image_id"]) == {f"test-{number:06d}" for number in range(table["image_id"].nunique())}
        assert table["value"].notna().all()


def test_scores_say_what_their_maps_took_and_which_rank_nothing(smoke):
    place = "digits_on_photos/resnet_small"
    for path in (smoke / "results/scores" / place).rglob("*.parquet"):
        table, entry, shard = read_table(path)[0], path.parts[-3], path.stem
        assert ("met" in table) == (entry.startswith("credible") or entry == "big"), path
        ids, _, counts, maps = read_maps(next((smoke / "results/maps" / place / entry).glob(f"{shard[:7]}-*.arrow")))
        for (variant, name), rows in table.groupby(["variant", "image_id"]):
            values = maps[variant][ids.index(name)]
            assert rows["flat"].eq((values == values[:, :1, :1]).all()).all()
            assert rows[["gradients", "forwards"]].drop_duplicates().to_numpy().tolist() == [
                counts.loc[name, ["gradients", "forwards"]].tolist()
            ]
    occlusion = read_table(next((smoke / "results/scores" / place / "occlusion").rglob("*.parquet")))[0]
    assert occlusion["gradients"].eq(0).all() and occlusion["forwards"].gt(0).all()


def test_random_maps_score_about_nothing_and_diffid_is_zero_at_both_ends(smoke):
    for path in (smoke / "results/scores").rglob("*.parquet"):
        table = read_table(path)[0]
        if "/diffid/" not in str(path):
            continue
        ends = table[table["metric"].str.startswith("diffid") & table["x"].isin([0.0, 1.0])]
        assert len(ends) and (ends["value"] == 0).all()


def test_every_claim_of_the_paper_has_a_verdict(smoke):
    table = pandas.read_csv(smoke / "results/claims.csv")
    wanted = yaml.safe_load((REPOSITORY / "config.yaml").read_text())["papers"]
    dropped = yaml.safe_load((REPOSITORY / "config/smoke.yaml").read_text())["papers"]
    names = [
        f"{paper}.{claim}"
        for paper, entry in wanted.items()
        for claim in entry.get("claims", {})
        if dropped[paper].get("claims", {}).get(claim, {}) is not None
    ]
    assert sorted(table["claim"]) == sorted(names)
    exact = table.set_index("claim").loc[["lpi.e1", "lpi.e2", "lpi.e3", "credible.e1", "credible.e2"], "verdict"].tolist()
    assert exact == ["holds"] * 3 + ["does not hold", "holds"]  # the credible paper's first example is misprinted
    assert table.set_index("claim").loc[["credible.p2", "recalibration.l1"], "verdict"].tolist() == ["holds"] * 2
    assert not (table["verdict"] == "not run").sum() > 4  # where so few images are too few, or no rival is as claimed
    files = [smoke / f"results/claims/{paper}.csv" for paper in wanted if "claims" in wanted[paper]]
    papers, whole = [pandas.read_csv(file, dtype=str) for file in files], pandas.read_csv(smoke / "results/claims.csv", dtype=str)
    pandas.testing.assert_frame_equal(pandas.concat(papers, ignore_index=True), whole)
    assert (smoke / "results/claims/counts.txt").read_text().startswith("LPI (AAAI 2023): 14 claims: ")


def test_verdicts_for_machines_have_their_schema(smoke):
    document = json.loads((smoke / "results/claims.json").read_text())
    schema = json.loads((REPOSITORY / document["schema"]).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    costs = {f"{one['paper']}.{one['id']}": one["seconds"] for one in document["claims"]}
    assert costs["lpi.c4"] > costs["lpi.e1"] > 0


def test_the_page_of_verdicts_stands_alone(smoke):
    page = (smoke / "results/claims.html").read_text()
    for one in json.loads((smoke / "results/claims.json").read_text())["claims"]:
        assert f'id="{one["paper"]}.{one["id"]}"' in page and html.escape(one["says"]) in page and one["command"] in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
    for link in re.findall(r'href="(.*?)"', page):
        assert (smoke / "results" / link).is_file(), link


def test_a_claim_is_remade_alone_by_its_command(workbench):
    document = json.loads((workbench / "results/claims.json").read_text())
    command = next(one["command"] for one in document["claims"] if (one["paper"], one["id"]) == ("lpi", "e1"))
    target = command.split()[-1]
    (workbench / target).unlink()
    assert planned(workbench, *SMOKE, "--", target) == {"judge": 1}


def test_one_line_a_finished_job(workbench):
    """Done, total, what, time left; and nothing of Snakemake's own on every job."""
    (workbench / "results/claims/lpi.e1.json").unlink()
    said = snakemake(workbench, *SMOKE).stdout
    lines = [line for line in said.splitlines() if re.match(r"\[\d+/\d+\] ", line)]
    assert len(lines) == 4 and lines[0].startswith("[1/4] judge lpi e1, ") and lines[-1].startswith("[4/4] all, ")
    assert all(re.search(r", .* gone, about .* left$", line) for line in lines)
    assert not re.search(r"Select jobs|Execute \d|Finished jobid|steps \(", said)


def test_logs_and_benchmarks_lie_under_the_rules_names(smoke):
    rules = ("attribute", "measure", "train_model", "neighbourhoods", "logits", "make_dataset", "figure", "judge")
    for rule in (*rules, "probe", "retrain", "randomise_model"):
        assert list((smoke / "results/logs" / rule).rglob("*.log")), rule
        assert list((smoke / "results/benchmarks" / rule).rglob("*.tsv")), rule


def test_nothing_temporary_is_left(smoke):
    hidden = [path for path in (smoke / "results").rglob(".*") if path.name not in (".gitkeep", ".lock", ".run")]
    assert not [path for path in hidden if not (path.name.endswith(".sha256") and path.with_name(path.name[1:-7]).exists())]


def test_numbers_do_not_depend_on_how_they_are_computed(smoke, workbench):
    """Half of the images a shard, another micro-batch, training logits in four parts, jobs of two threads, one at a time: byte for
    byte the same. A resumed run's are compared in test_kills.py, those of SLURM by `make cluster-test`."""
    tables = ["results/tables/lpi/fig3.csv", "results/tables/lpi/fig1.csv", "results/claims/lpi.c4.json"]
    shutil.rmtree(workbench / "results/maps")
    shutil.rmtree(workbench / "results/scores")
    changed = ("--config", "images_per_shard=4", "micro_batch=64", "training_shards=4")
    with (workbench / "config/smoke.yaml").open("a") as overlay:
        overlay.write("threads: {compute: 2}\n")
    snakemake(workbench, *SMOKE, *changed, "--forcerun", "logits", "--", *tables)
    assert len(list((workbench / "results/maps").rglob("lpi/*.arrow"))) == 4  # 2 shards of 2 models
    for table in tables[:2]:
        assert (workbench / table).read_bytes() == (smoke / table).read_bytes(), table
    verdicts = [json.loads((folder / tables[2]).read_text()) for folder in (workbench, smoke)]
    for verdict in verdicts:
        del verdict["digest"]  # it names the files
    assert verdicts[0] == verdicts[1]
    whole = read_maps(next((smoke / "results/maps").rglob("resnet_pairs/lpi/0000000-0000008.arrow")))
    parts = [read_maps(path) for path in sorted((workbench / "results/maps").rglob("resnet_pairs/lpi/*.arrow"))]
    assert [name for part in parts for name in part[0]] == whole[0]
    assert b"".join(part[3]["vanilla"].tobytes() for part in parts) == whole[3]["vanilla"].tobytes()


LABELS = ("Fig. 1", "Fig. 2", "Fig. 3", "Fig. 4", "Fig. 5", "Fig. 6 left", "Fig. 6 right", "Table 1", "Examples 1 and 2")
LABELS += ("Gallery", "Scores", "Verdicts", "Axioms and baselines", "Time and memory", "Fig. 9", "Figs 14 to 17")
OPEN_RESULTS = """<script>
const press = name => [...document.querySelectorAll("a")].filter(part => part.textContent.trim() === name)
    .at(-1)?.dispatchEvent(new MouseEvent("click", {bubbles: true}));
const seen = [];
const look = () => seen.push(document.body.innerText.replace(/\\s+/g, " "));
const chapters = ["LPI (AAAI 2023)", "Credible (ICML 2023)", "Re-calibration (ICLR 2023)", "All methods", "Claims"];
chapters.forEach((chapter, place) => {
    setTimeout(() => press(chapter), 6000 + 8000 * place);
    setTimeout(() => { look(); press("Results") }, 10000 + 8000 * place);
});
setTimeout(() => { document.title = "shown: " + seen.join(" ") }, 50000);
</script></body>"""


@pytest.fixture(scope="module")
def report(smoke, tmp_path_factory):
    page = tmp_path_factory.mktemp("report") / "report.html"
    snakemake(smoke, *SMOKE, "--report", page)
    return page


def test_report_has_no_markup_error(report):
    assert "System Message" not in report.read_text()


def test_report_shows_every_artefact_in_a_browser(report, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("no chromium here to open the report with")
    page = tmp_path / "report.html"
    page.write_text(OPEN_RESULTS.join(report.read_text().rsplit("</body>", 1)))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=56000", "--dump-dom", page.as_uri()]
    for _ in range(3):  # a browser on a busy machine may be late with the page
        shown = subprocess.run([browser, *options], capture_output=True, text=True, timeout=120).stdout
        title = "".join(re.findall(r"<title>shown: (.*?)</title>", shown, re.DOTALL))
        if all(label in title for label in LABELS):
            return
    pytest.fail(f"the report shows: {title or 'nothing'}")
