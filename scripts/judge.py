"""Judge one claim."""

from pathattr.job import job

with job(snakemake) as given:
    from pathattr import gaps
    from pathattr.errors import NotApplicable
    from pathattr.found import Found
    from pathattr.judging import NotRun, verdict
    from pathattr.registry import get
    from pathattr.store import write_json

    try:
        judged = gaps.claim(get("claim", given.params["function"]), Found(given), given.params["values"])
    except NotRun as reason:
        judged = reason.judged
    except NotApplicable as reason:
        judged = NotRun(f"not applicable: {reason}").judged
    found = verdict(judged, given.params)
    write_json(snakemake.output[0], found)
    print(f"{found['paper']}.{found['id']}: {found['verdict']}")
