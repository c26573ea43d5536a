from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")


configfile: f"{workflow.basedir}/config.yaml"


wildcard_constraints:
    dataset=r"[a-z0-9_]+",
    model=r"[a-z0-9_]+",
    method=r"[a-z0-9_.-]+",
    metric=r"[a-z0-9_]+",
    split=r"train|test",
    shard=r"\d+-\d+",
    part=r"\d+-of-\d+",


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/models.smk"
include: "rules/neighbourhoods.smk"
include: "rules/baselines.smk"
include: "rules/attribute.smk"
include: "rules/measure.smk"
include: "rules/benchmark.smk"
include: "rules/overview.smk"
include: "rules/docs.smk"
include: "rules/papers/lpi.smk"


report: "report/workflow.rst"


onstart:
    globals()["_lock"] = begin_run()


rule all:
    default_target: True
    input:
        rules.lpi.input,
        rules.overview.input,
