"""Draw a figure; write the numbers behind it beside it."""

from pathattr.job import job

with job(snakemake) as given:
    from pathattr import gaps
    from pathattr.found import Found
    from pathattr.plot import style, tables
    from pathattr.registry import get
    from pathattr.store import write_csv

    style.use()
    found = Found(given)
    figure, data, shown = gaps.artefact(get("artefact", given.params["function"]), found, given.params["values"])
    note = gaps.note(found)
    style.save(figure, snakemake.output.pdf, snakemake.output.png, note=note)
    write_csv(snakemake.output.table, data)
    tables.write_html(snakemake.output.html, shown, given.params["caption"], note=note)
