"""The profile for SLURM against the executor plugin that is installed."""

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from snakemake_executor_plugin_slurm import ExecutorSettings
from snakemake_executor_plugin_slurm.partitions import get_best_partition, read_partition_file

SLURM = Path(__file__).resolve().parents[2] / "slurm"
PROFILE = yaml.safe_load((SLURM / "config.yaml").read_text())
SETTINGS = {key.removeprefix("slurm-").replace("-", "_"): value for key, value in PROFILE.items() if key.startswith("slurm-")}
RULES = {name for path in SLURM.parent.glob("rules/*.smk") for name in re.findall(r"^rule (\w+):", path.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_plugin_has_the_setting(name):
    assert name in {field.name for field in dataclasses.fields(ExecutorSettings)}


def test_the_plugin_accepts_the_values():
    settings = ExecutorSettings(**SETTINGS)
    assert (settings.requeue, settings.efficiency_report, settings.status_command) == (True, True, "squeue")
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,50}", settings.jobname_prefix)


def test_the_groups_are_of_rules_that_exist():
    groups = dict(each.split("=") for each in PROFILE["groups"])
    assert groups.keys() <= RULES
    assert dict(each.split("=") for each in PROFILE["group-components"]).keys() <= set(groups.values())


def test_the_example_of_partitions():
    partitions = read_partition_file(SLURM / "partitions.yaml")

    def chosen(**resources):
        job = SimpleNamespace(name="a", threads=4, resources={"mem_mb": 8000, "runtime": 60, **resources})
        return get_best_partition(partitions, job, SimpleNamespace(warning=print, info=print, debug=print))

    assert chosen() == chosen(gpu=0) == "cpu"
    assert chosen(gpu=1) == "gpu"
    assert chosen(runtime=3 * 24 * 60) is None  # then the cluster's default
