"""What a paper's results hang on: its models, how well each knows its classes, and what is left out, and why."""

from pathattr.job import job

with job(snakemake) as given:
    from pathattr import summary
    from pathattr.plot.tables import write_html
    from pathattr.store import write_csv

    models, missing = summary.models(given["weights"]), summary.left_out(given.params["missing"])
    write_csv(snakemake.output.models, models)
    write_csv(snakemake.output.missing, missing)
    write_html(snakemake.output.html, models, summary.MODELS_SAY, (missing, summary.MISSING_SAY))
