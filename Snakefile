from snakemake.utils import min_version

min_version("9.27")


include: "rules/library.smk"


configfile: f"{workflow.current_basedir}/config.yaml"


wildcard_constraints:
    dataset=r"[a-z0-9_]+",
    model=r"[a-z0-9_]+(-\d+)?",
    method=r"[a-z0-9_.-]+",
    metric=r"[a-z0-9_]+",
    paper=r"[a-z0-9_]+",
    artefact=r"[a-z0-9_]+",
    claim=r"[a-z0-9_]+",
    split=r"train|test",
    shard=r"(train-)?\d+-\d+",
    part=r"\d+-of-\d+",


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/models.smk"
include: "rules/attribute.smk"
include: "rules/measure.smk"
include: "rules/artefacts.smk"
include: "rules/claims.smk"
include: "rules/benchmark.smk"
include: "rules/docs.smk"


report: "report/workflow.rst"


onstart:
    globals()["_run"] = begin(needs, workflow)
    tell(plan.stamps)
    note()


rule all:
    default_target: True
    input:
        [plan.targets(paper) for paper in config["papers"]],
        plan.everything(),
