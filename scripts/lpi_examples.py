"""LPI, examples 1 and 2: integrated gradients of a piecewise-linear function, as printed and as computed."""

from pathattr.job import job

with job(snakemake):
    from pathattr.paper.lpi import examples
    from pathattr.plot import style, tables
    from pathattr.plot.examples import draw
    from pathattr.store import write_csv

    style.use()
    table = examples()
    write_csv(snakemake.output.table, table)
    caption = "F is x1 + 3 x2 where both are at most 1, 3 x1 + x2 where both are above 1, and 0 elsewhere (LPI paper, Eq. 3)."
    tables.write_html(snakemake.output.html, table, caption)
    style.save(draw(table), snakemake.output.pdf, snakemake.output.png)
