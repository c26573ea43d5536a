"""All verdicts: as a table, for machines, as a page for people, and counted for the terminal."""

from pathattr.job import job

with job(snakemake) as given:
    from pathattr.judging import counts, document, table
    from pathattr.plot.verdicts import write_page
    from pathattr.store import read_json, replacing, write_csv, write_json

    told = given.params
    verdicts = [read_json(file) for file in given["verdicts"]]
    machine = document(verdicts, told, "results/benchmarks")
    write_csv(snakemake.output.table, table(verdicts))
    write_json(snakemake.output.json, machine)
    write_page(snakemake.output.html, machine, told["titles"], told["shown"])
    with replacing(snakemake.output.counts) as temporary:
        temporary.write_text(counts(verdicts, told["titles"]))
