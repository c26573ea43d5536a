"""Seconds of methods and of DiffID over the floor, the time of their gradients or forward passes alone; Captum beside them."""

from pathattr.job import job, use_torch

with job(snakemake):
    from pathattr.bench import overhead, run
    from pathattr.store import write_csv

    device = use_torch(snakemake)
    table = run(device)
    print(overhead().to_string(index=False))
    write_csv(snakemake.output[0], table)
    print(table.to_string(index=False))
