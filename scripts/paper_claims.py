"""All verdicts of a paper, one row a claim."""

from pathattr.job import job

with job(snakemake) as given:
    from pathattr.judging import table
    from pathattr.store import read_json, write_csv

    write_csv(snakemake.output[0], table([read_json(file) for file in given["verdicts"]]))
