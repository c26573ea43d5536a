"""A new artefact or claim: of a known kind one config entry, of a new kind one function besides."""

import re

import pandas
import yaml

from helpers import REPOSITORY, edit, planned, planned_outputs, snakemake

SMOKE = ("--configfile", "config/smoke.yaml")


def examples() -> tuple[str, str, str, str]:
    """The README's files of an artefact and of a claim, each with its config entry."""
    text = (REPOSITORY / "README.md").read_text()
    blocks = {}
    for kind in ("artefact", "claim"):
        (code,) = re.findall(rf"```python\n# scripts/pathattr/{kind}/mine\.py\n(.*?)```", text, re.DOTALL)
        (entry,) = re.findall(rf"```yaml\n    {kind}s:\n(.*?)```", text, re.DOTALL)
        blocks[kind] = code, entry
    return *blocks["artefact"], *blocks["claim"]


def test_a_new_artefact_of_a_known_kind_is_one_entry(workbench):
    edit(
        workbench / "config.yaml",
        "      fig5: {artefact: gallery, model: resnet34, images: 6}",
        "      fig5: {artefact: gallery, model: resnet34, images: 6}\n"
        "      vgg_curves: {artefact: removal_curves, model: vgg16, methods: [ig, eg]}",
    )
    assert planned(workbench, *SMOKE) == {"figure": 1, "all": 1}
    snakemake(workbench, *SMOKE)
    assert (workbench / "results/figures/lpi/vgg_curves.pdf").is_file()
    assert set(pandas.read_csv(workbench / "results/tables/lpi/vgg_curves.csv")["method"]) == {"ig", "eg"}
    snakemake(workbench, *SMOKE, "--report", "report.html")
    page = (workbench / "report.html").read_text()
    assert "Vgg curves" in page and "vgg_pairs in place of VGG-16" in page


def test_new_kinds_are_one_function_and_one_entry(workbench):
    """The README's own artefact and claim."""
    artefact, artefact_entry, claim, claim_entry = examples()
    for kind, code in (("artefact", artefact), ("claim", claim)):
        (workbench / f"scripts/pathattr/{kind}/mine.py").write_text(code)
    config = workbench / "config.yaml"
    edit(config, "    artefacts:\n      fig1:", f"    artefacts:\n{artefact_entry}      fig1:")
    edit(config, "    claims:                      #", f"    claims:\n{claim_entry}      #")
    entries = yaml.safe_load(config.read_text())["papers"]["lpi"]
    assert {"spread"} == set(entries["artefacts"]) & {"spread"} and "mine" in entries["claims"]
    assert planned(workbench, *SMOKE) == {"figure": 1, "judge": 1, "paper_claims": 1, "claims": 1, "all": 1}
    made = planned_outputs(workbench, *SMOKE)
    assert "results/figures/lpi/spread.pdf" in made and "results/claims/lpi.mine.json" in made
    snakemake(workbench, *SMOKE)
    assert "lpi.mine" in (workbench / "results/claims.csv").read_text()
    assert (workbench / "results/tables/lpi/spread.csv").stat().st_size


IMPORTING = """
configfile: "{repository}/config.yaml"
configfile: "{repository}/config/smoke.yaml"


module pathattr:
    snakefile:
        "{repository}/Snakefile"
    config:
        config
{prefix}

use rule * from pathattr as pathattr_*


rule mine:
    default_target: True
    input:
        "{folder}results/figures/lpi/examples.pdf",
"""


def test_another_workflow_imports_this_one_as_a_module(tmp_path):
    """As it is, and with its results in a folder of their own."""
    for name, prefix, folder in (("plain", "", ""), ("apart", '    prefix:\n        "sub"\n', "sub/")):
        place = tmp_path / name
        place.mkdir()
        (place / "Snakefile").write_text(IMPORTING.format(repository=REPOSITORY, prefix=prefix, folder=folder))
        assert planned(place) == {"pathattr_figure": 1, "mine": 1}
        snakemake(place)
        assert (place / folder / "results/figures/lpi/examples.pdf").read_bytes().startswith(b"%PDF")
        assert sum(planned(place, "-F", "--", f"{folder}results/claims.csv").values()) > 50
