"""What config/imagenet.yaml costs, docs/full-scale.md, from the plan that Snakemake's own process makes of it."""

from pathattr.job import job

with job(snakemake):
    from pathattr.store import replacing

    with replacing(snakemake.output[0]) as temporary:
        temporary.write_text(snakemake.params.page)
