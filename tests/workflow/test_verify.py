"""`make verify`: what is wrong with results is found, named, and mended by the next run."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from helpers import edit, planned, snakemake
from pathattr import seal
from pathattr.plan import planned as plan_of

SMOKE = ("--configfile", "config/smoke.yaml")
KINDS = {  # one file of each kind that the workflow writes
    "index": "results/data/digits_on_photos/test.parquet",
    "pixels": "results/data/digits_on_photos/test.arrow",
    "weights": "results/models/digits_on_photos/resnet_small.safetensors",
    "about": "results/models/digits_on_photos/resnet_small.json",
    "logits": "results/logits/digit_pairs_on_photos/resnet_pairs/test/0000-of-0001.arrow",
    "neighbourhoods": "results/neighbourhoods/digit_pairs_on_photos/resnet_pairs/lpi.safetensors",
    "maps": "results/maps/digit_pairs_on_photos/resnet_pairs/ig/0000000-0000008.arrow",
    "scores": "results/scores/digit_pairs_on_photos/resnet_pairs/ig/diffid/0000000-0000008.parquet",
    "table": "results/tables/lpi/table1.csv",
    "page": "results/tables/lpi/table1.html",
    "figure": "results/figures/lpi/fig3.pdf",
    "picture": "results/figures/lpi/fig3.png",
    "verdict": "results/claims/lpi.c4.json",
    "verdicts": "results/claims.csv",
}


def verify(folder, *arguments) -> tuple[int, list[str]]:
    """Status and lines of `make verify` in a folder."""
    command = [sys.executable, "-m", "pathattr.verify", "config/smoke.yaml", *arguments]
    environment = {**os.environ, "PYTHONPATH": "scripts"}
    done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout.splitlines()


def test_a_finished_run_is_whole_and_every_file_of_it_is_known(smoke):
    code, lines = verify(smoke)
    assert code == 0 and len(lines) == 1, "\n".join(lines)
    assert lines[0].endswith("results: all whole and as the configuration says")
    sealed = {str(path.relative_to(smoke)) for path in (smoke / "results").rglob(".*.sha256")}
    plan = plan_of([smoke / "config/smoke.yaml"], smoke)
    assert sealed == {str(seal.place(file)) for file in plan.results()}
    assert int(lines[0].split()[0]) == len(sealed)


@pytest.mark.parametrize("kind", KINDS)
def test_200_flipped_bits_of_each_kind_are_all_found(smoke, tmp_path, kind):
    """By what `make verify` asks of a file, and what every reader does: no bit is one that it does not see."""
    path, whole = tmp_path / Path(KINDS[kind]).name, (smoke / KINDS[kind]).read_bytes()
    shutil.copy(seal.place(smoke / KINDS[kind]), seal.place(path))
    for bit in np.random.default_rng(0).choice(8 * len(whole), 200, replace=False):
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        with pytest.raises(seal.InputError, match="torn, or changed since it was made"):
            seal.check(path)
    path.write_bytes(whole)
    assert seal.check(path)


UPSTREAM = ("index", "pixels", "weights", "about", "logits", "neighbourhoods")  # which the whole run hangs on


def test_all_kinds_of_damage_are_named_and_mended_by_a_run(workbench, smoke):
    def at(name: str) -> Path:
        return workbench / KINDS[name]

    flipped = ("index", "about", "weights", "maps", "scores", "table", "page", "figure", "verdict")
    for name in flipped:
        content = bytearray(at(name).read_bytes())
        content[len(content) // 2] ^= 1
        at(name).write_bytes(content)
    at("pixels").write_bytes(at("pixels").read_bytes()[:-100])
    shutil.copy(at("weights"), at("neighbourhoods"))
    seal.place(at("picture")).unlink()
    seal.place(at("verdicts")).write_text("")
    at("logits").unlink()
    (workbench / "results/tables/lpi/old.csv").write_text("a\n")
    (workbench / "results/maps/.part-x.arrow").write_text("half")
    wanted = {f"torn: {KINDS[name]}" for name in (*flipped, "pixels", "neighbourhoods", "verdicts")}
    wanted |= {f"unsealed: {KINDS['picture']}", f"missing: {KINDS['logits']}"}
    wanted |= {"orphaned: results/tables/lpi/old.csv", "orphaned: results/maps/.part-x.arrow"}
    code, (*lines, last) = verify(workbench)
    assert code == 1 and set(lines) == wanted
    assert sorted(last.partition(": ")[2].split(", ")) == ["1 missing", "1 unsealed", "12 torn"]
    for name in UPSTREAM:  # back, so that not all is computed again
        shutil.copy2(smoke / KINDS[name], at(name))
    code, (*lines, last) = verify(workbench, "--remove")
    assert code == 1 and last.endswith("(deleted what was not missing; run again to make them)")
    assert not at("table").exists() and not at("picture").exists() and not (workbench / "results/maps/.part-x.arrow").exists()
    snakemake(workbench, *SMOKE)
    code, lines = verify(workbench)
    assert code == 0 and lines[:-1] == ["orphaned: results/tables/lpi/old.csv"]


def test_what_another_configuration_made_is_stale(workbench):
    edit(workbench / "config/smoke.yaml", "ig: {steps: 4}", "ig: {steps: 5}")
    code, lines = verify(workbench)
    stale = [line for line in lines if line.startswith("stale: ")]
    assert code == 1 and f"stale: {KINDS['maps']}" in stale and f"stale: {KINDS['table']}" in stale
    assert f"stale: {KINDS['weights']}" not in stale


def test_an_installed_library_of_that_name_is_not_used(workbench, tmp_path):
    """Neither one that is first on the path of the interpreter, nor another version of ours."""
    foreign = tmp_path / "foreign"
    (foreign / "pathattr").mkdir(parents=True)
    (foreign / "pathattr/__init__.py").write_text("raise SystemExit('the foreign library was imported')\n")
    (workbench / KINDS["verdict"]).unlink()
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(foreign)
    try:
        snakemake(workbench, *SMOKE, "--", KINDS["verdict"])
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
    assert (workbench / KINDS["verdict"]).exists()


def test_the_splits_of_a_data_set_are_told_apart(workbench):
    for end in ("arrow", "parquet"):
        for seal_too in (lambda path: path, seal.place):
            shutil.copy2(
                seal_too(workbench / f"results/data/digits_on_photos/train.{end}"),
                seal_too(workbench / f"results/data/digits_on_photos/test.{end}"),
            )
    code, lines = verify(workbench)
    assert code == 1 and "torn: results/data/digits_on_photos/test.parquet" in lines  # its seal is of another name
    maps = next((workbench / "results/maps/digits_on_photos/resnet_small/ig").glob("*.arrow"))
    maps.unlink()
    done = snakemake(workbench, *SMOKE, "--rerun-triggers", "input", "--", maps.relative_to(workbench), check=False)
    assert done.returncode != 0 and "error: results/data/digits_on_photos/test.parquet: its seal" in done.stdout
    for end in ("arrow", "parquet"):
        seal.seal(
            workbench / f"results/data/digits_on_photos/test.{end}",
            seal.sealed(workbench / f"results/data/digits_on_photos/train.{end}")[0],
        )
    done = snakemake(workbench, *SMOKE, "--rerun-triggers", "input", "--", maps.relative_to(workbench), check=False)
    assert done.returncode != 0 and "test.parquet: made by other code or parameters" in done.stdout


def test_an_orphan_of_a_killed_run_is_ended_by_the_next(workbench):
    """Snakemake alone is killed, the job it started goes on; the next run finds a folder of its own."""
    maps = KINDS["maps"]
    (workbench / maps).unlink()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *SMOKE, "--", maps]
    run = subprocess.Popen(command, cwd=workbench, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = workbench / "results/logs/attribute/digit_pairs_on_photos/resnet_pairs/ig/0000000-0000008.log"
    log.unlink()
    while not log.exists():
        time.sleep(0.02)
    run.kill()
    run.wait()
    snakemake(workbench, *SMOKE, "--", maps)
    sealed = seal.place(workbench / maps).stat().st_mtime_ns
    time.sleep(5)
    assert seal.check(workbench / maps) and seal.place(workbench / maps).stat().st_mtime_ns == sealed
    assert planned(workbench, *SMOKE) == {}
