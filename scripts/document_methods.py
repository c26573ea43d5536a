"""The reference of all methods, docs/methods.md, from their registrations."""

from pathattr.job import job

with job(snakemake):
    from pathattr.document import methods
    from pathattr.store import replacing

    with replacing(snakemake.output[0]) as temporary:
        temporary.write_text(methods())
