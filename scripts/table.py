"""Write a table: its numbers, and a page that shows them."""

from pathattr.job import job

with job(snakemake) as given:
    from pathattr.found import Found
    from pathattr.plot import tables
    from pathattr.registry import get
    from pathattr.store import write_csv

    found = Found(given)
    data, shown = get("artefact", given.params["function"]).function(found, **given.params["values"])
    write_csv(snakemake.output.table, data)
    tables.write_html(snakemake.output.html, shown, given.params["caption"], found.note())
