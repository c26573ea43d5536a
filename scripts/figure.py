"""Draw a figure; write the numbers behind it beside it."""

from pathattr.job import job

with job(snakemake) as given:
    from pathattr.found import Found
    from pathattr.plot import style, tables
    from pathattr.registry import get
    from pathattr.store import write_csv

    style.use()
    found = Found(given)
    figure, data = get("artefact", given.params["function"]).function(found, **given.params["values"])
    style.save(figure, snakemake.output.pdf, snakemake.output.png, note=found.note())
    write_csv(snakemake.output.table, data)
    tables.write_html(snakemake.output.html, data, given.params["caption"], found.note())
