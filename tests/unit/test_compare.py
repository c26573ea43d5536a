"""`make compare`: a run beside a reference, on tables made by hand."""

import json
import math
import shutil

import pandas as pd
import pytest

from pathattr import compare, machine, seal, store
from pathattr.errors import InputError

CURVES = """method,metric,delta,mean,low,high,n,auc
IG,output,0,0.5,0.4,0.6,8,0.25
IG,output,1,0.7,0.6,0.8,8,0.25
EG,output,0,0.3,0.2,0.4,8,0.125
EG,output,1,0.1,0,0.2,8,0.125
"""
SCORES = """model,method,accuracy,in_words_auc,in_words_low,in_words_high,gain_over_vanilla,gain_low,gain_high,best
vgg,IG,0.9,0.5,0.4,0.6,,,,True
vgg,random,0.9,0.01,-0.1,0.1,-0.5,-0.6,-0.4,False
"""
CLAIMS = """claim,verdict,estimate
lpi.c1,reproduced,0.1
lpi.c2,undecided,0.01
lpi.c3,holds,
lpi.c4,reversed,-0.2
"""
ABOUT = {"system": "Linux", "processor": "Abacus", "cores": 1, "memory_gb": 0.1, "python": "3.11", "versions": {"torch": "2"}}


def results(folder, **texts):
    """Results of a run: claims and tables by the name of their file, sealed."""
    files = {"claims.csv": CLAIMS, "tables/lpi/fig3.csv": CURVES, "tables/lpi/table1.csv": SCORES, **texts}
    for name, text in files.items():
        if text is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            seal.seal(path, "0123")
    return folder


@pytest.fixture
def reference(tmp_path):
    folder = tmp_path / "reference"
    compare.write(folder, results(tmp_path / "reference_run"))
    return folder


def cells(found: pd.DataFrame) -> dict[str, list[str]]:
    """What was found -> the numbers of which it was found."""
    return {word: [f"{row.row} {row.column}" for row in part.itertuples()] for word, part in found.groupby("found")}


def compared(text: str, other: str) -> dict[str, list[str]]:
    from io import StringIO

    return cells(compare.table(pd.read_csv(StringIO(text)), pd.read_csv(StringIO(other))))


def test_equal_tables(tmp_path, reference):
    tables, claims = compare.compare(reference, results(tmp_path / "run"))
    assert set(tables) == {"lpi/fig3", "lpi/table1"} and set(claims["found"]) == {"same"}
    assert all(set(one["found"]) == {"equal"} for one in tables.values())
    assert len(tables["lpi/fig3"]) == 4 * 4 and len(tables["lpi/table1"]) == 7  # not the bounds, nor what neither has


@pytest.mark.parametrize(
    ("here", "found"),
    [("0.5004", "equal"), ("0.4996", "equal"), ("0.506", "within"), ("0.41", "within"), ("0.61", "different"), ("", "different")],
)
def test_a_mean_is_equal_within_its_interval_or_different(here, found):
    now = compared(CURVES, CURVES.replace("IG,output,0,0.5,", f"IG,output,0,{here},"))
    if found == "equal":
        assert set(now) == {"equal"}
    else:
        assert now[found] == ["IG output 0 mean"]


def test_very_small_numbers_are_equal_to_a_millionth():
    assert compare.close(0, 1e-7) and compare.close(-1e-7, 1e-7) and not compare.close(0, 1e-5) and not compare.close(math.nan, 1)


def test_an_interval_belongs_to_the_longest_beginning_of_a_name():
    now = compared(SCORES, SCORES.replace("0.9,0.5,", "0.8,0.55,").replace(",-0.5,", ",-0.45,").replace(",True", ",False"))
    assert now["within"] == ["vgg IG 0 in_words_auc", "vgg random 0 gain_over_vanilla"]
    assert now["different"] == ["vgg IG 0 accuracy", "vgg IG 0 best"]  # no interval


def test_rows_are_matched_by_their_words_not_their_places():
    lines = CURVES.splitlines(keepends=True)
    assert set(compared(CURVES, "".join([lines[0], *lines[3:], *lines[1:3]]))) == {"equal"}


def test_rows_and_tables_of_one_side_are_different(tmp_path, reference):
    fewer = "".join(CURVES.splitlines(keepends=True)[:-1])
    assert compared(CURVES, fewer)["different"] == [f"EG output 1 {name}" for name in ("delta", "mean", "n", "auc")]
    assert compared(fewer, CURVES)["different"] == [f"EG output 1 {name}" for name in ("delta", "mean", "n", "auc")]
    tables, _ = compare.compare(reference, results(tmp_path / "run", **{"tables/lpi/table1.csv": None}))
    assert set(tables["lpi/table1"]["found"]) == {"different"} and len(tables["lpi/table1"]) == 7
    more = results(tmp_path / "more", **{"tables/own/table.csv": SCORES})
    assert "own/table" not in compare.compare(reference, more)[0]  # the reference says nothing of it


def test_the_summary_names_what_is_farthest_off(tmp_path, reference):
    run = results(tmp_path / "run", **{"tables/lpi/fig3.csv": CURVES.replace("0.7,", "0.9,").replace("0.3,", "0.9,")})
    shown = compare.summary(compare.compare(reference, run)[0]).set_index("table")
    assert shown.loc["lpi/fig3", ["numbers", "equal", "within", "different"]].tolist() == [16, 14, 0, 2]
    assert shown.loc["lpi/fig3"].iloc[-1] == "EG output 0 mean: 0.3 -> 0.9" and shown.loc["lpi/table1"].iloc[-1] == ""


@pytest.mark.parametrize(
    ("there", "here", "found"),
    [
        ("reproduced", "reproduced", "same"),
        ("reproduced", "mixed", "changed"),
        ("undecided", "reversed", "changed"),
        ("reproduced", "reversed", "reversed"),
        ("reversed", "reproduced", "reversed"),
        ("holds", "does not hold", "reversed"),
        ("not run", "holds", "changed"),
    ],
)
def test_a_verdict_is_the_same_changed_or_reversed(there, here, found):
    one, other = (pd.DataFrame([{"claim": "lpi.c1", "verdict": word, "estimate": 0.1}]) for word in (there, here))
    assert compare.verdicts(one, other)["found"].tolist() == [found]


def run(monkeypatch, folder, *arguments) -> int:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as ended:
        compare.main(list(map(str, arguments)))
    return ended.value.code


def test_the_command_ends_with_1_where_a_verdict_is_reversed(tmp_path, reference, monkeypatch, capsys):
    results(tmp_path / "run" / "results", **{"claims.csv": CLAIMS.replace("c2,undecided", "c2,reversed")})
    assert run(monkeypatch, tmp_path / "run", "--reference", reference) == 0
    said = capsys.readouterr().out
    assert "23 numbers: 23 equal, 0 within, 0 different\n4 verdicts: 3 same, 1 changed" in said and "lpi.c3" in said
    fewer = CLAIMS.replace("c1,reproduced", "c1,reversed").replace("lpi.c4,reversed,-0.2\n", "")
    results(
        tmp_path / "run" / "results",
        **{"claims.csv": fewer, "tables/lpi/fig3.csv": CURVES.replace("IG,output,0,0.5", "IG,output,0,0.58")},
    )
    assert run(monkeypatch, tmp_path, "--directory", "run", "--reference", reference, "--cells") == 1
    said = capsys.readouterr().out
    assert "4 verdicts: 2 same, 1 reversed, 1 missing" in said and "22 equal, 1 within" in said
    assert "IG output 0" in said.split("\n\n")[0] and "lpi/fig3" in said.split("\n")[0]  # every number that is not equal


def test_what_cannot_be_compared_is_said_in_one_line(tmp_path, reference, monkeypatch):
    assert "results has no claims.csv; accepted: the results of a" in run(monkeypatch, tmp_path, "--reference", reference)
    results(tmp_path / "results")
    assert "none has no claims.csv; accepted: a reference" in run(monkeypatch, tmp_path, "--reference", tmp_path / "none")
    (tmp_path / "results/tables/lpi/fig3.csv").write_text(CURVES + "\n")
    assert "fig3.csv: torn, or changed since it was made" in run(monkeypatch, tmp_path, "--reference", reference)


def test_a_reference_has_machine_versions_and_date_and_no_large_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    results(tmp_path / "results", **{"tables/taylor/shares.csv": "name,share\n" + "a,0.5\n" * 40_000})
    (tmp_path / "reference/tables/old").mkdir(parents=True)
    (tmp_path / "reference/tables/old/gone.csv").write_text(SCORES)
    compare.main(["--write", "--reference", "reference"])
    assert "too large for it: tables/taylor/shares.csv" in capsys.readouterr().out
    written = {str(path.relative_to(tmp_path / "reference")) for path in (tmp_path / "reference").rglob("*") if path.is_file()}
    assert written == {"about.json", "claims.csv", "tables/lpi/fig3.csv", "tables/lpi/table1.csv"}
    about = json.loads((tmp_path / "reference/about.json").read_text())
    assert (
        about["machines"] == [machine.machine()] and about["left_out"] == ["tables/taylor/shares.csv"] and len(about["date"]) == 10
    )
    machine.NOTED.parent.mkdir(parents=True)
    machine.NOTED.write_text(json.dumps([ABOUT]))
    compare.main(["--write", "--reference", "reference", "--only-claims"])
    assert json.loads((tmp_path / "reference/about.json").read_text())["machines"] == [ABOUT]
    assert not (tmp_path / "reference/tables").exists() and compare.compare("reference", "results")[0] == {}


def test_a_reference_is_made_of_whole_results_only(tmp_path):
    run = results(tmp_path / "results")
    seal.place(run / "tables/lpi/fig3.csv").unlink()
    with pytest.raises(InputError, match="fig3.csv: missing or without a seal"):
        compare.write(tmp_path / "reference", run)
    shutil.rmtree(run)
    with pytest.raises(InputError, match="claims.csv: missing or"):
        compare.write(tmp_path / "reference", run)
    results(run)
    (run / "claims.csv").write_text(CLAIMS + "\n")
    with pytest.raises(InputError, match="claims.csv: torn"):
        compare.write(tmp_path / "reference", run)
    assert not (tmp_path / "reference").exists()


def test_the_committed_reference_is_readable():
    for path in sorted(compare.REFERENCE.rglob("*.csv")):
        assert len(store.read_csv(path)) and path.stat().st_size <= compare.LARGEST
