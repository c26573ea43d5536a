"""Pages, packaging, continuous integration: links lead somewhere, generated pages are current, examples run, files agree."""

import functools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import pathattr
from helpers import REPOSITORY
from pathattr import keys, pages, source
from pathattr.overlay import merged
from pathattr.strict import read_yaml

MADE = REPOSITORY / "resources" / "pages"  # with fields, not pages themselves
MARKDOWN = sorted(
    path
    for path in [
        *REPOSITORY.glob("*.md"),
        *(path for folder in ("config", "docs", "resources", "report") for path in (REPOSITORY / folder).rglob("*.md")),
    ]
    if path.parent != MADE
)
GENERATED = [
    "config/README.md",
    "ARTIFACT.md",
    "docs/index.md",
    *(f"docs/papers/{path.name}" for path in sorted((REPOSITORY / "docs/papers").iterdir())),
]
MAKEFILE = (REPOSITORY / "Makefile").read_text()
CONTRIBUTING = (REPOSITORY / "CONTRIBUTING.md").read_text()


@functools.cache
def made() -> pages.Pages:
    return pages.Pages(REPOSITORY)


@functools.cache
def texts() -> dict[str, str]:
    return made().all()


def outside_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


@functools.cache
def anchors(path: Path) -> set[str]:
    """What a link may name in a Markdown page: its headings, as GitHub has it, and anchors written out."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings} | set(re.findall(r'<a id="([^"]+)">', text))


def broken(path: Path) -> list[str]:
    """Links of a page that lead nowhere in the repository."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", outside_code(path.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (path.parent / name).resolve() if name else path
        if not place.exists() or (anchor and anchor not in anchors(place)):
            found.append(target)
    return found


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_resolve(path):
    assert broken(path) == []


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One, two\n[a](page.md) [b](#one-two) [c](gone.md) [d](page.md#three) [e](https://x.y) `[f](g)`\n")
    assert broken(page) == ["gone.md", "page.md#three"]


@pytest.mark.parametrize("name", GENERATED)
def test_generated_pages_are_up_to_date(name):
    assert (REPOSITORY / name).read_text() == texts()[name], "run: make docs"


def test_every_page_is_compared():
    """Those above are all that are made, and no page is left in docs/papers/ that nothing makes."""
    assert set(GENERATED) == set(texts())


def properties(schema: dict, path: str = ""):
    """Every key that the schema has, as the page writes it."""
    for key, part in schema.get("properties", {}).items():
        yield f"{path}{key}"
        yield from properties(part, f"{path}{key}.")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from properties(schema["additionalProperties"], f"{path}NAME.")


def test_every_key_of_the_configuration_is_described():
    page = keys.page(REPOSITORY)
    schema = read_yaml(REPOSITORY / "resources" / "config.schema.yaml")
    sections = {"datasets", "models", "methods", "metrics", "papers", "threads", "resources", "reported_as"}
    names = set(properties(schema)) - sections
    assert len(names) > 50
    assert [name for name in sorted(names) if f"| `{name}` |" not in page] == []
    assert set(keys.NAMED) == set(source.NAMES)
    described = read_yaml(REPOSITORY / "resources" / "config.schema.yaml")["$defs"]["dataset"]["properties"]
    kinds = source.registered("dataset").values()
    assert set(described) == {one.name for known in kinds for one in known.parameters} and all(described.values())
    for kind in keys.KINDS:
        for name, known in source.registered(kind).items():
            if kind == "model" and known.facts.get("published"):
                continue
            (section,) = re.findall(rf"^#### {name}(?::CLASS)?\n(.*?)(?=^##)", page + "\n##", re.DOTALL | re.MULTILINE)[:1] or [""]
            assert section.strip(), name
            for one in known.parameters if not known.open else ():
                assert f"\n| `{one.name}` | " in page, f"{name}: {one.name}"


def test_a_schema_says_nothing_by_accident():
    """A comma in a text without quotes ends it: the rest is then a key without a value."""

    def empty(value):
        if isinstance(value, dict):
            return [key for key, one in value.items() if one is None] + [key for one in value.values() for key in empty(one)]
        return []

    assert empty(read_yaml(REPOSITORY / "resources" / "config.schema.yaml")) == []


# --- what people say, and what a run says -----------------------------------------------------------------------------


def test_every_paper_is_cited_and_told():
    assert set(made().notes["papers"]) == set(made().papers)
    assert {told["cites"] for told in made().notes["papers"].values()} == set(made().cited)


def test_deviations_name_papers_that_are_there():
    rows = [line for line in (REPOSITORY / "docs" / "deviations.md").read_text().splitlines() if line.startswith("| ")][1:]
    for row in rows:
        named = row.split("|")[2].split()
        assert named and set(named) <= {*made().papers, "all"}, row
    for paper in made().papers:
        assert len(pages.deviations(REPOSITORY, paper)) > 10


def test_a_committed_run_is_shown(monkeypatch):
    """Verdict, minutes and gigabytes of each claim, from a file as results/claims.csv is, with what each took."""
    rows = {
        "lpi.e1": {
            "claim": "lpi.e1",
            "verdict": "holds",
            "estimate": "",
            "low": "",
            "high": "",
            "seconds": "12",
            "megabytes": "500",
        },
        "lpi.c1": {
            **{"claim": "lpi.c1", "verdict": "mixed", "estimate": "0.01234", "low": "-0.02", "high": "0.04"},
            **{"seconds": "1500", "megabytes": "1234"},
        },
    }
    monkeypatch.setattr(made(), "reference", rows)
    again = {"lpi.c1": {"verdict": "undecided", "estimate": "0.02", "low": "-0.03", "high": "0.05"}, "lpi.e1": {"verdict": "holds"}}
    monkeypatch.setattr(made(), "thrice", again)
    page, paper = made().artifact(), made().paper("lpi")
    assert "| mixed | 25.0 | 1.2 |" in page and "| holds | 0.2 | 0.5 |" in page and "1 holds, 1 mixed" in page
    assert "1.2 GB of memory a job" in page and "not in it" in page
    assert "**mixed**: 0.0123 [-0.02, 0.04] | **undecided**: 0.02 [-0.03, 0.05] |" in paper and "**holds** | **holds** |" in paper
    told = "1 of 2 verdicts are the same; 1 are other ones (lpi.c1), none of them the opposite"
    assert told in _words(made().luck()) and told in _words(page)
    monkeypatch.setattr(made(), "thrice", {"lpi.e1": {"verdict": "does not hold"}})
    assert "0 of 1 verdicts are the same; 1 are other ones (lpi.e1), 1 of them the opposite" in _words(made().luck())


def _words(text: str) -> str:
    return " ".join(text.split())


def test_the_readme_counts_the_verdicts_of_the_committed_run():
    readme = (REPOSITORY / "README.md").read_text()
    assert made().counts() in readme
    assert _words(made().luck()) in _words(readme)


def test_a_reference_is_read(tmp_path):
    """Verdicts as a run writes them, and what each took, from the same run's claims.json."""
    assert pages.reference(tmp_path) == {} and pages.about(tmp_path) == ""
    (tmp_path / "claims.csv").write_text('claim,verdict,estimate,says\nlpi.c1,mixed,0.1,"one, two"\nlpi.c2,mixed,,\n')
    claims = [{"paper": "lpi", "id": "c1", "jobs": 4, "seconds": 12.5, "megabytes": 700}]
    claims += [{"paper": "lpi", "id": name, "jobs": None, "seconds": None, "megabytes": None} for name in ("c2", "c3")]
    (tmp_path / "claims.json").write_text(json.dumps({"claims": claims}))
    (tmp_path / "costs.csv").write_text(pages.costs(tmp_path / "claims.json"))
    rows = pages.reference(tmp_path)
    assert set(rows) == {"lpi.c1", "lpi.c2"} and rows["lpi.c2"]["seconds"] == ""
    assert [rows["lpi.c1"][key] for key in ("says", "seconds", "megabytes")] == ["one, two", "12.5", "700"]
    machine = {"processor": "a CPU", "cores": 2, "memory_gb": 7.5, "python": "3.11.7", "versions": {"torch": "2.13.0"}}
    (tmp_path / "about.json").write_text(json.dumps({"date": "2026-11-27", "machines": [machine], "left_out": []}))
    assert pages.about(tmp_path) == "The reference run: 2026-11-27, a CPU, 2 cores, 7.5 GB, Python 3.11.7, torch 2.13.0."


def test_commands_of_claims_are_targets():
    """What the page tells to run is what the plan makes."""
    targets = re.findall(r"snakemake --cores all (results/claims/\S+\.json)", (REPOSITORY / "ARTIFACT.md").read_text())
    assert len(set(targets)) == sum(len(made().plan.claims_of(paper)) for paper in made().papers) > 80
    assert set(targets) <= {path for path, job in made().plan.made.items() if job.rule == "judge"}


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_what_make_is_told_to_do_it_does(path):
    """Every `make TARGET` on a page."""
    named = set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", path.read_text(), re.MULTILINE))
    assert named <= set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))


def test_no_target_of_make_is_there_twice():
    targets = re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.MULTILINE)
    assert len(targets) == len(set(targets))
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) == set(targets)


# --- how to add one more ----------------------------------------------------------------------------------------------


RUN = """
import json, sys
import torch
import pathattr as pa
from pathattr import registry
from pathattr.plan import planned

plan = planned(["mine.yaml"], ".")
figure, verdict = plan.artefact("mine", "fig1"), plan.judge("mine", "c1")
made = registry.get("dataset", "stripes").function("test", train=4, test=6, size=16)
network = registry.get("model", "tiny_net").function(2, 1, 16)
clf = pa.Classifier(network, mean=(0.5,), std=(0.25,))
x, y = torch.from_numpy(made.pixels / 255.0).float(), torch.from_numpy(made.index["label"].to_numpy())
maps = pa.attribute("halfway", clf, x, y, grey=0.4)["vanilla"]
point = ((x + 0.4) / 2).requires_grad_()
logits = network.eval()((point - 0.5) / 0.25)
(slope,) = torch.autograd.grad(logits[torch.arange(6), y].sum(), point)
rows = pa.measure("top_drop", clf, x, y, maps, share=0.2)
kinds = [registry.get(kind, name).name for kind, name in (("artefact", "histogram"), ("claim", "positive"))]
told = {
    "jobs": sorted({plan.made[path].rule for path in plan.behind([figure, verdict])}),
    "maps": torch.allclose(maps, (x - 0.4) * slope, atol=1e-5),
    "share": float(torch.from_numpy(made.masks).float().mean()),
    "drops": rows["value"].tolist(),
    "kinds": kinds,
    "caption": plan.caption(plan.study.drawn["mine", "artefacts", "fig1"]),
}
print(json.dumps(told))
"""


def test_the_examples_of_contributing_are_one_function_and_one_entry_each(tmp_path):
    """All six, word for word, in a copy of the library: planned together, and those run that need no finished run."""
    blocks = re.findall(r"```python\n# (scripts/pathattr/(\w+)/mine\.py)\n(.*?)```", CONTRIBUTING, re.DOTALL)
    assert {kind for _, kind, _ in blocks} == {"method", "metric", "dataset", "model", "artefact", "claim"}
    for name in ("scripts", "resources", "envs", "config"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "config.yaml", tmp_path)
    for path, _, text in blocks:
        (tmp_path / path).write_text(text)
    entries = functools.reduce(merged, map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", CONTRIBUTING, re.DOTALL)))
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(entries))
    environment = {"PYTHONPATH": "scripts", "OMP_NUM_THREADS": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", RUN], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["jobs"] == ["attribute", "figure", "judge", "make_dataset", "measure", "train_model"]
    assert told["maps"] and told["share"] == 0.25 and len(told["drops"]) == 6 and any(told["drops"])
    assert told["kinds"] == ["histogram", "positive"] and told["caption"] == "How top drop is spread over 32 images, tiny."


def test_contributing_names_every_folder_of_tests():
    folders = {path.name for path in (REPOSITORY / "tests").iterdir() if list(path.glob("*.py"))}
    assert folders == set(re.findall(r"`tests/(\w+)/`", CONTRIBUTING[CONTRIBUTING.index("## How tests") :]))


# --- containers, archives, continuous integration ---------------------------------------------------------------------


def instructions(text: str) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile, continued lines joined, comments left out."""
    joined = re.sub(r"\\\n\s*", "", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def sections(text: str) -> dict[str, str]:
    """Header and sections of an Apptainer definition."""
    parts = re.split(r"^%(\w+)\n", text, flags=re.MULTILINE)
    return {"header": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


DOCKER = instructions((REPOSITORY / "Dockerfile").read_text())
APPTAINER = sections((REPOSITORY / "pathattr.def").read_text())
KNOWN = {"FROM", "LABEL", "RUN", "WORKDIR", "COPY", "USER", "ENV", "CMD", "ENTRYPOINT"}


def test_the_dockerfile_installs_what_is_pinned_and_runs_as_nobody_special():
    words = [word for word, _ in DOCKER]
    assert set(words) <= KNOWN and words[0] == "FROM" and words[-1] == "CMD"
    copied = {
        name
        for word, rest in DOCKER[: DOCKER.index(("RUN", "make env"))]
        if word == "COPY"
        for name in rest.split()
        if "." in name or name == "Makefile"
    }
    assert {"Makefile", "requirements.txt", "requirements-lock.txt"} <= copied
    assert not [rest for word, rest in DOCKER if word == "RUN" and re.search(r"\bpip\b|conda|requirements-dev", rest)]
    users = [number for number, (word, _) in enumerate(DOCKER) if word == "USER"]
    assert users and DOCKER[users[-1]][1] not in ("root", "0") and users[-1] < DOCKER.index(("RUN", "make env"))
    assert isinstance(json.loads(DOCKER[-1][1]), list)
    for word, rest in DOCKER:
        for name in rest.split()[:-1] if word == "COPY" else ():
            assert name.startswith("--") or (REPOSITORY / name).exists(), name


def test_make_env_installs_exactly_the_requirements():
    """Which `RUN make env` stands for: requirements.txt, itself under the constraints of the lock."""
    (recipe,) = re.findall(r"^\$\(VENV\)/\.installed: (.*)\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe[0].split() == ["requirements.txt", "requirements-lock.txt"]
    assert re.findall(r"pip install (.*)", recipe[1])[0].split()[-2:] == ["-r", "requirements.txt"]
    assert "\n-c requirements-lock.txt\n" in (REPOSITORY / "requirements.txt").read_text()


def test_both_images_agree():
    image = DOCKER[0][1]
    assert f"Bootstrap: docker\nFrom: {image}\n" in APPTAINER["header"]
    python = re.match(r"python:(\d+\.\d+)", image)[1]
    for file in (REPOSITORY / "envs").glob("*.yaml"):
        assert f"python={python}" in read_yaml(file)["dependencies"]
    packages = [
        re.findall(r"apt-get install (.*?)(?: &&|$)", text, re.MULTILINE) for text in (dict(DOCKER[::-1])["RUN"], APPTAINER["post"])
    ]
    assert packages[0] == packages[1] and packages[0]
    assert {"Makefile", "requirements.txt", "requirements-lock.txt"} <= set(APPTAINER["files"].split())
    assert "make env" in APPTAINER["post"] and "pip" not in APPTAINER["post"]
    assert subprocess.run(["sh", "-n"], input=APPTAINER["post"] + APPTAINER["runscript"], text=True).returncode == 0


def test_what_is_left_out_of_the_image():
    ignored = (REPOSITORY / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".snakemake", "results"} <= set(ignored)


def test_zenodo_and_citation_say_the_same():
    zenodo, citation = json.loads((REPOSITORY / ".zenodo.json").read_text()), read_yaml(REPOSITORY / "CITATION.cff")
    assert zenodo["creators"] == [{"name": one["name"]} for one in citation["authors"]] == [{"name": "The pathattr authors"}]
    assert zenodo["upload_type"] == citation["type"] == "software"
    assert zenodo["version"] == citation["version"] == pathattr.__version__
    assert zenodo["license"].upper() == citation["license"]
    assert len(zenodo["references"]) == len(citation["references"])
    for one in citation["references"]:
        assert any(one["title"] in line and str(one["year"]) in line for line in zenodo["references"]), one["title"]


def test_the_catalogue_of_workflows_knows_how_it_is_used():
    usage = read_yaml(REPOSITORY / ".snakemake-workflow-catalog.yml")["usage"]
    assert set(usage) <= {"mandatory-flags", "software-stack-deployment"}
    assert set(usage["software-stack-deployment"]) == {"conda", "apptainer", "apptainer+conda", "report"}
    assert usage["software-stack-deployment"]["report"] and (REPOSITORY / "config" / "README.md").is_file()


WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_continuous_integration_does_what_make_does(path):
    text = path.read_text()
    flow = yaml.load(text, yaml.BaseLoader)  # `on` is a word
    assert set(flow["on"]) == {"push", "pull_request"} and flow["permissions"] == {"contents": "read"}
    assert {"lint", "tests", "report"} <= set(flow["jobs"])  # `make lint` looks at formats too
    targets = set(re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.MULTILINE))
    for name, job in flow["jobs"].items():
        assert job["runs-on"] and job["timeout-minutes"], name
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step["uses"]), step["uses"]
                assert re.search(re.escape(step["uses"]) + r"  # v\d+\.\d+\.\d+", text), f"{step['uses']} does not say its version"
            for command in step.get("run", "").splitlines():
                assert command.split()[0] == "make" and command.split()[-1] in targets, command
            python = step.get("with", {}).get("python-version")
            assert python in (None, re.match(r"python:(\d+\.\d+)", DOCKER[0][1])[1])


def test_there_is_continuous_integration():
    assert WORKFLOWS
