"""`make package` and `make verify-package`, on a small study whose results are made by hand: no network is trained here."""

import json
import re
import shutil
import subprocess
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import yaml

from helpers import copy_repository
from helpers import planned as jobs_of_a_dry_run
from pathattr import archive, crate, machine, package, seal
from pathattr.errors import InputError
from pathattr.plan import planned
from pathattr.verify_package import Jobs, check, differences, main

NO_OTHERS = dict.fromkeys(("methods", "lpi", "credible", "recalibration", "local_attribution", "taylor"))
DRAWN = {"models": ["m"], "images": 6, "metric": "diffid"}
SMALL = {
    "title": "a small paper",
    "models": {"m": "resnet_small"},
    "artefacts": {"curves": {"artefact": "removal_curves", "model": "m", "methods": ["ig"], "metric": "diffid", "images": 6}},
    "claims": {
        "c1": {"claim": "paired", "says": "IG leads", "where": "Fig. 1", "artefacts": ["curves"], "methods": ["ig"]}
        | {"rivals": ["random"], "scores": ["diffid_probability_auc"], **DRAWN},
    },
}
MAPS = "results/maps/digits_on_photos/resnet_small/ig/0000000-0000006.arrow"
SCORES = "results/scores/digits_on_photos/resnet_small/ig/diffid/0000000-0000006.parquet"
WEIGHTS = "results/models/digits_on_photos/resnet_small.safetensors"
MACHINE = {"system": "Linux", "processor": "Abacus", "cores": 1, "memory_gb": 0.1, "python": "3.11", "versions": {"torch": "2"}}


def git(folder, *arguments):
    author = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A clone of the repository with the whole results of a small study, each a few bytes, sealed. Read only."""
    folder = copy_repository(tmp_path_factory.mktemp("finished") / "clone")
    (folder / "config/small.yaml").write_text(yaml.safe_dump({"papers": NO_OTHERS | {"small": SMALL}}))
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all of it", "--date", "2026-01-02T03:04:05Z")
    plan = planned([folder / "config/small.yaml"], folder)
    numbers = np.random.default_rng(0)
    for file, digest in plan.results().items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(numbers.bytes(300))
        seal.seal(path, digest)
    for path in plan.made:
        for kind, end, text in (("logs", "log", "done\n"), ("benchmarks", "tsv", "s\tmax_rss\tmean_load\n2.5\t100\t-\n")):
            place = folder / crate.beside(plan, path, kind, end)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
    (folder / machine.NOTED).write_text(json.dumps([MACHINE]))
    (folder / "results/report.html").write_text("<html></html>")
    return folder


@pytest.fixture
def clone(finished, tmp_path, monkeypatch):
    """A copy of it to work in, which `package` takes for its repository."""
    folder = tmp_path / "clone"
    shutil.copytree(finished, folder)  # all files have other times
    monkeypatch.chdir(folder)
    monkeypatch.setattr(package, "ROOT", folder.resolve())
    return folder


def pack(folder, target, **how) -> Path:
    return package.package([folder / "config/small.yaml"], folder, target, **how)


@pytest.fixture(scope="module")
def packed(finished, tmp_path_factory):
    """A package. Read only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(finished)
        patch.setattr(package, "ROOT", finished.resolve())
        return pack(finished, tmp_path_factory.mktemp("packed") / "package.tar.gz")


@pytest.fixture(scope="module")
def unpacked(packed, tmp_path_factory):
    """What tar makes of it. Read only."""
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["tar", "-xzf", packed, "-C", folder], check=True)
    return folder / archive.FOLDER


def test_the_same_commit_and_results_give_the_same_bytes(packed, clone, tmp_path):
    assert pack(clone, tmp_path / "again.tar.gz").read_bytes() == packed.read_bytes()
    log = clone / "results/logs/claims.log"
    log.write_text("other\n")
    assert pack(clone, tmp_path / "other.tar.gz").read_bytes() != packed.read_bytes()


def test_what_is_in_it(packed, finished):
    with tarfile.open(packed) as tar:
        entries = {entry.name.removeprefix("pathattr/"): entry for entry in tar}
    time = int(subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=finished, capture_output=True).stdout)
    assert {(one.mtime, one.uid, one.gid, one.uname) for one in entries.values()} == {(time, 0, 0, "")}
    names = list(entries)
    assert names[0] == "SHA256SUMS" and names[1:] == sorted(names[1:])
    plan = planned([finished / "config/small.yaml"], finished)
    again = {file for file in plan.results() if plan.made.get(file) and plan.made[file].rule in package.AGAIN}
    assert MAPS in again
    results = {name for file in set(plan.results()) - again for name in (file, str(seal.place(file)))}
    committed = subprocess.run(["git", "ls-files"], cwd=finished, capture_output=True, text=True).stdout.split("\n")
    others = {"SHA256SUMS", crate.NAME, "config/packaged/01-small.yaml", "results/report.html", "results/logs/machines.json"}
    beside = {crate.beside(plan, path, *kind) for path in plan.made for kind in (("logs", "log"), ("benchmarks", "tsv"))}
    assert set(names) == results | set(filter(None, committed)) | others | beside


def test_what_tar_unpacks_is_whole_by_sha256sum(unpacked):
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=unpacked, check=True)


def test_its_weights_are_taken_as_they_are(unpacked, tmp_path):
    """`make` in the unpacked folder, wherever it lies, remakes what hangs on the weights, and neither them nor their data."""
    folder = shutil.copytree(unpacked, tmp_path / "elsewhere", copy_function=shutil.copy2)
    makefile = (folder / "Makefile").read_text()
    assert "wildcard config/packaged/*" in makefile  # so `make` there takes the same configuration
    jobs = jobs_of_a_dry_run(folder, "--configfile", *sorted((folder / "config/packaged").iterdir()))
    assert jobs == {"attribute": 2, "measure": 2, "logits": 1, "figure": 1, "judge": 1, "paper_claims": 1, "claims": 1, "all": 1}


def test_others_read_the_crate(unpacked):
    from rocrate.rocrate import ROCrate

    read = ROCrate(unpacked)
    assert "ComputationalWorkflow" in read.mainEntity.type and read.mainEntity.id == "Snakefile"
    assert all((unpacked / one.id).is_file() for one in read.data_entities)
    assert {one.id for one in read.root_dataset["conformsTo"]} == set(crate.PROFILES)
    papers = [one for one in read.root_dataset["citation"] if one.type == "ScholarlyArticle"]
    assert len(papers) == 5 and all(one["author"] and one["name"] for one in papers)
    assert read.root_dataset["license"].id == "https://spdx.org/licenses/MIT" and read.root_dataset["author"]
    job = read.dereference(f"#job/{WEIGHTS}")
    assert job["instrument"].id == "scripts/train_model.py"
    assert job["instrument"]["softwareRequirements"].id == "envs/torch.yaml"
    assert {one.id for one in job["object"]} == {
        f"results/data/digits_on_photos/{split}.{end}" for split in ("train", "test") for end in ("parquet", "arrow")
    }
    assert [one.id for one in job["result"]] == [WEIGHTS, WEIGHTS.replace("safetensors", "json")]
    assert {one["propertyID"]: one["value"] for one in job["resourceUsage"]} == {"s": "2.5", "max_rss": "100"}
    assert job["identifier"] == seal.sealed(unpacked / WEIGHTS)[0] == job["result"][0]["identifier"]
    assert {one["name"]: one["value"] for one in job["location"]["additionalProperty"]}["processor"] == "Abacus"
    assert read.dereference("results/logs/train_model/digits_on_photos/resnet_small.log")["about"].id == job.id
    assert f"#{MAPS}" in {one.id for one in read.dereference(f"#job/{SCORES}")["object"]}


def test_a_whole_package_passes(packed, tmp_path):
    count, graph = check(packed, tmp_path)
    assert count == sum(path.is_file() for path in tmp_path.rglob("*"))
    jobs = Jobs(graph)
    claim = jobs.cheapest()
    assert jobs.results(claim) == ["results/claims/small.c1.json"]
    assert {jobs.rule(one) for one in jobs.behind(claim)} >= {"judge", "measure", "attribute", "train_model", "make_dataset"}


def places(path) -> list[tuple[int, int, str]]:
    """First and last byte of every file's part of an archive, and its name, found by unpacking."""
    data, start, found = path.read_bytes(), 0, []
    names = iter([archive.SUMS])
    while start < len(data):
        inflater = zlib.decompressobj(31)
        text = inflater.decompress(data[start:])
        stop = len(data) - len(inflater.unused_data)
        name = next(names, "its end")
        if name == archive.SUMS:
            size = int(text[124:135], 8)
            names = iter(archive.sums(text[512 : 512 + size].decode()))
        found.append((start, stop, name))
        start = stop
    return found


def test_every_flipped_bit_is_found_and_its_file_named(tmp_path):
    numbers, file = np.random.default_rng(0), tmp_path / "it.tar.gz"
    sizes = {"a.csv": 0, "b/empty.log": 3, "b/long.txt": 5000, "b/noise.arrow": 5000, "c" * 150: 20}
    entries = {name: archive.Entry(numbers.bytes(size) if "noise" in name else b"x" * size) for name, size in sizes.items()}
    archive.write(file, entries, 1_700_000_000)
    whole, parts = file.read_bytes(), places(file)
    assert [name for _, _, name in parts] == [archive.SUMS, *sizes, "its end"]
    headers = [8 * start + bit for start, _, _ in parts for bit in range(0, 600, 23)]
    padding = [8 * (stop - 9) + bit for _, stop, _ in parts for bit in range(8)]  # behind the last code, before the CRC-32
    for bit in [*headers, *padding, *numbers.choice(8 * len(whole), 300, replace=False)]:
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        file.write_bytes(broken)
        (name,) = [name for start, stop, name in parts if start <= bit // 8 < stop]
        with pytest.raises(InputError) as raised:
            archive.unpack(file, tmp_path / "unpacked")
        assert f"it.tar.gz: {name}: " in str(raised.value) and "\n" not in str(raised.value), (bit, name)


def test_verify_package_names_the_file_of_a_flipped_bit(packed, tmp_path):
    start, stop = next((start, stop) for start, stop, name in places(packed) if name == WEIGHTS)
    broken = bytearray(packed.read_bytes())
    broken[(start + stop) // 2] ^= 4
    (tmp_path / "broken.tar.gz").write_bytes(broken)
    with pytest.raises(SystemExit, match=f"broken.tar.gz: {WEIGHTS}: "):
        main([str(tmp_path / "broken.tar.gz"), "--no-remake"])


def test_verify_package_says_what_it_did(packed, capsys):
    main([str(packed), "--no-remake"])
    count, none = capsys.readouterr().out.splitlines()
    assert "files, all whole; the crate is well formed: " in count and none == "no claim remade"


def test_what_is_cut_short_added_or_no_package_is_refused(packed, tmp_path):
    whole, parts, file = packed.read_bytes(), places(packed), tmp_path / "it.tar.gz"
    for text, said in (
        (whole[: parts[9][0]], f"{parts[9][2]}: missing"),
        (whole[: parts[9][0] + 20], f"{parts[9][2]}: torn"),
        (whole + whole[: parts[0][1]], "its end: more than"),
        (whole[: parts[3][0]] + whole[parts[4][0] :], f"{parts[3][2]}: another file stands in its place"),
        (b"no archive at all", "SHA256SUMS: torn"),
        (b"", "SHA256SUMS: missing"),
        (archive._member(archive.SUMS, archive.Entry(b"\xff"), b"\xff", 7), "SHA256SUMS: lists no file"),
    ):
        file.write_bytes(text)
        with pytest.raises(InputError, match=said):
            archive.unpack(file, tmp_path / "unpacked")
    with pytest.raises(InputError, match="accepted: what `make package` has written"):
        archive.unpack(tmp_path / "none.tar.gz", tmp_path / "unpacked")


def test_other_bytes_with_a_right_crc_are_found_too(tmp_path):
    archive.write(tmp_path / "it.tar.gz", {"a": archive.Entry(b"right"), "b": archive.Entry(b"b", executable=True)}, 7)
    data, (start, stop, _) = (tmp_path / "it.tar.gz").read_bytes(), places(tmp_path / "it.tar.gz")[1]
    wrong = archive._member("a", archive.Entry(b"wrong"), b"wrong", 7)
    (tmp_path / "it.tar.gz").write_bytes(data[:start] + wrong + data[stop:])
    with pytest.raises(InputError, match="a: other bytes than SHA256SUMS says"):
        archive.unpack(tmp_path / "it.tar.gz", tmp_path / "unpacked")


def test_no_file_is_unpacked_outside_of_the_folder(tmp_path):
    archive.write(tmp_path / "it.tar.gz", {"../../out": archive.Entry(b"out")}, 7)
    with pytest.raises(InputError, match="another file stands in its place"):
        archive.unpack(tmp_path / "it.tar.gz", tmp_path / "unpacked")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda graph, _: graph.append({"@id": "x", "@type": "Thing"}), "x: Thing is not in the context"),
        (lambda graph, _: graph.append(dict(graph[0])), f"{crate.NAME} twice"),
        (lambda graph, one: one["./"].update(author={"@id": "#me"}), "./: #me is not described"),
        (lambda graph, one: one["./"].pop("license"), "./: no license"),
        (lambda graph, one: one["./"]["conformsTo"].pop(2), "./: does not conform to .*provenance"),
        (lambda graph, one: one["LICENSE"].update(sha256="0" * 64), "LICENSE: another SHA-256"),
        (lambda graph, one: graph.append({"@id": "more.csv", "@type": "File"}), "more.csv: described but not packed"),
        (lambda graph, one: one["Snakefile"].update({"@type": "File"}), "Snakefile: no ComputationalWorkflow"),
        (lambda graph, one: one["Snakefile"]["hasPart"].pop(), "its tool is no part of Snakefile"),
        (lambda graph, one: one["#run"]["result"].append({"@id": "LICENSE"}), "LICENSE: no job made it"),
    ],
)
def test_a_crate_that_is_not_well_formed_is_refused(unpacked, tmp_path, broken, said):
    packed = archive.sums((unpacked / archive.SUMS).read_text())
    metadata = json.loads((unpacked / crate.NAME).read_text())
    crate.check(unpacked, packed)
    broken(metadata["@graph"], {one["@id"]: one for one in metadata["@graph"]})
    (tmp_path / crate.NAME).write_text(json.dumps(metadata))
    with pytest.raises(InputError, match=said):
        crate.check(tmp_path, packed)
    (tmp_path / crate.NAME).write_text("{")
    with pytest.raises(InputError, match="no RO-Crate"):
        crate.check(tmp_path, packed)


def test_what_is_not_committed_is_refused_unless_asked_for(clone, tmp_path):
    (clone / "own.py").write_text("mine = True\n")
    (clone / "LICENSE").unlink()
    with pytest.raises(InputError, match="^not committed: LICENSE, own.py; accepted: a clean tree, or DIRTY=1"):
        pack(clone, tmp_path / "package.tar.gz")
    assert not (tmp_path / "package.tar.gz").exists()
    with tarfile.open(pack(clone, tmp_path / "package.tar.gz", dirty=True)) as tar:
        assert tar.extractfile("pathattr/own.py").read() == b"mine = True\n" and "pathattr/LICENSE" not in tar.getnames()
        metadata = json.load(tar.extractfile(f"pathattr/{crate.NAME}"))
    assert "not committed" in metadata["@graph"][1]["description"]


def test_every_target_of_the_makefile_has_one_recipe(finished):
    said = subprocess.run(["make", "--dry-run", "clean"], cwd=finished, capture_output=True, text=True)
    assert said.returncode == 0 and said.stderr == ""  # such as: overriding recipe
    text = (finished / "Makefile").read_text()
    for target in re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split():
        assert re.search(rf"^{target}:.*\n\t|^{target}: \$\(VENV\)", text, re.MULTILINE), target


def test_no_package_without_a_repository(clone, tmp_path):
    shutil.rmtree(clone / ".git")
    with pytest.raises(InputError, match="no git repository; accepted: a clone"):
        pack(clone, tmp_path / "package.tar.gz")


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (Path.unlink, "missing"),
        (lambda path: path.write_bytes(b"other"), "torn"),
        (lambda path: seal.place(path).unlink(), "unsealed"),
        (lambda path: seal.seal(path, "0123"), "stale"),
    ],
)
def test_no_package_of_results_that_are_not_whole(clone, tmp_path, damage, word):
    damage(clone / MAPS)
    with pytest.raises(InputError, match=f"^of 2[0-9] results 1 {word} [(]{MAPS}[)]; accepted: a finished run"):
        pack(clone, tmp_path / "package.tar.gz")


def test_where_two_verdicts_differ():
    one = {"verdict": "mixed", "cells": [{"estimate": 0.5, "side": "for"}, {"estimate": None, "side": "open"}], "n": 3}
    assert not differences(one, json.loads(json.dumps(one)))
    other = {"verdict": "mixed", "cells": [{"estimate": 0.5004, "side": "for"}, {"estimate": 0.1, "side": "open"}], "n": 4}
    assert differences(one, other) == ["cells[1].estimate: None in the package, 0.1 remade", "n: 3 in the package, 4 remade"]
    assert differences([1], [1, 2]) == [": [1] in the package, [1, 2] remade"]


def test_the_claim_to_remake_is_the_cheapest_that_hangs_on_weights():
    def job(rule, name, *objects):
        action = {"@id": f"#job/{name}", "@type": "CreateAction", "instrument": {"@id": f"scripts/{rule}.py"}}
        return action | {"object": [{"@id": one} for one in objects], "result": [{"@id": name}]}

    def took(name, seconds):
        return {"@id": f"#job/{name}/s", "@type": "PropertyValue", "value": str(seconds)}

    graph = [job("train_model", "weights"), took("weights", 1000)]
    for name, seconds in (("dear", 9), ("cheap", 4)):
        graph += [job("attribute", f"#{name}.maps", "weights"), took(f"#{name}.maps", seconds)]
        graph += [job("measure", f"{name}.scores", f"#{name}.maps"), job("judge", name, f"{name}.scores", "away")]
    graph += [job("judge", "exact"), job("judge", "by_weights", "weights")]
    jobs = Jobs(graph)
    assert jobs.cheapest() == "#job/cheap"
    assert jobs.behind("#job/cheap") == {"#job/cheap", "#job/cheap.scores", "#job/#cheap.maps", "#job/weights"}
    assert Jobs(graph[-2:]).cheapest() is None


def test_a_run_notes_each_machine_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert machine.noted() == []
    machine.note()
    machine.note()
    (here,) = machine.noted()
    assert here["cores"] >= 1 and here["processor"] and here["versions"]["torch"]
    monkeypatch.setattr(machine, "machine", lambda: MACHINE)
    machine.note()
    assert machine.noted() == [here, MACHINE]
    machine.NOTED.write_text("{")
    assert machine.noted() == []
