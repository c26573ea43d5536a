"""The frame of a run: nothing to start with missing data or beside another run; one line a finished job. No torch."""

import contextlib
import fcntl
import logging
import os
import shlex
import sys
import time
from pathlib import Path

from . import owner, seal
from .cost import shares
from .errors import InputError
from .files import sweep
from .slurm import cancel_orphans

KEPT = ("--configfile", "--configfiles", "--config", "--directory", "-d", "--profile", "--workflow-profile", "--snakefile", "-s")


def jobs_take(scripts):
    """Have jobs import the library from `scripts`, whatever is installed."""
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([str(scripts), *filter(None, before)]))


def check_folder():
    """End in one line where nothing can be written in the run's folder; Snakemake itself would with a traceback."""
    if not os.access(".", os.W_OK):
        sys.exit(f"{os.getcwd()}: cannot be written; accepted: as --directory a folder that is open to us")


def again(arguments) -> str:
    """The command of a run as it is to be given once more: its configuration and its folder, nothing that it was to make."""
    kept, keeping = ["snakemake", "--cores", "all"], False
    for word in arguments:
        if word.startswith("-"):
            keeping = word.partition("=")[0] in KEPT
        if keeping:
            kept.append(word)
    return shlex.join(kept)


def begin(needs, workflow):
    """Refuse to run without the data, beside another run in this folder, or longer than the configuration allows; say what the
    dearest methods take. Dry runs do not come here.

    Returns the open results/.lock, to be held while the run lasts; the kernel frees it however the run ends.
    """
    if missing := needs.plan.study.missing(local=workflow.local_exec):
        sys.exit("\n".join(f"config: {line}" for line in missing))
    try:
        rows = needs.look(str(file) for job in workflow.dag.needrun_jobs() for file in job.output)
    except InputError as error:
        sys.exit("\n".join(f"config: {line}" for line in str(error).splitlines()))
    if rows:
        rest = len(rows) - FEW
        print(f"{shares(rows[:FEW])}\n" + f"and {rest} rows more: make cost\n" * (rest > 0), file=sys.stderr)
    handle = _taken(Path("results"))
    cancel_orphans()  # with scancel, under the lock: none of its jobs is ours yet
    os.environ[seal.AGAIN] = again(sys.argv[1:])
    _look_when_a_job_ends(workflow)
    from snakemake.logging import logger

    for stock in logger.handlers:
        if isinstance(stock, logging.StreamHandler) and not isinstance(stock, logging.FileHandler):
            stock.addFilter(quiet)
    logger.addHandler(Progress())
    return handle


def _taken(folder: Path):
    """The folder's lock, held; no job of an earlier run is left in it, nor what such a job was writing. Or the end, in one line."""
    try:
        folder.mkdir(exist_ok=True)
        handle = (folder / ".lock").open("w")
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        owner.begin()
        sweep(folder)
    except BlockingIOError:
        sys.exit("another run is at work in this folder; wait for it, or stop it first")
    except OSError as error:
        reason = f"{folder.absolute()}: cannot be written and locked ({error.strerror})"
        sys.exit(f"{reason}; accepted: a folder open to us, with room, on a file system with locks")
    return handle


def _look_when_a_job_ends(workflow):
    """Take away Snakemake's own limit of 100 jobs a second, where nobody asked for another.

    With a limit it looks at all ready jobs again a second after it has looked at them, once for every job that has ended, so that
    over a thousand jobs it takes a core for itself. Without one it looks when a job ends.
    """
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


def quiet(record) -> bool:
    """Keeps from the terminal what Snakemake says of every job, for which `Progress` has one line."""
    event = str(getattr(record, "event", "") or "")
    spoken = event.endswith(("progress", "job_finished")) or (record.msg or "").startswith(("Select jobs to", "Execute "))
    return not spoken


FEW = 5  # methods that are told of before a run
SOME = 20  # jobs done before a guess of the time left


class Progress(logging.Handler):
    """One line a finished job on the terminal: done, total, what, time left. It reads Snakemake's own events.

    The time left goes by the number of jobs in the later half of the time so far, so it is a guess.
    """

    def __init__(self):
        super().__init__()
        self.ends, self.jobs, self.last = [time.monotonic()], {}, ""

    def emit(self, record):
        """Take note of a job, or print the line."""
        event = str(getattr(record, "event", "") or "")
        if event.endswith("job_info"):
            words = " ".join(f"{value}" for value in dict(record.wildcards or {}).values())
            self.jobs[record.jobid] = f"{record.rule_name} {words}".strip()
        elif event.endswith("job_finished"):
            self.last = self.jobs.get(getattr(record, "job_id", getattr(record, "jobid", None)), "")
        elif event.endswith("progress"):
            self.ends.append(time.monotonic())
            lately = max(len(self.ends) // 2, 1)
            left = (self.ends[-1] - self.ends[-1 - lately]) / lately * (record.total - record.done)
            line = f"[{record.done}/{record.total}] {self.last}, {span(self.ends[-1] - self.ends[0])} gone"
            line += f", about {span(left)} left" * (record.done >= SOME or record.done * 5 >= record.total)
            with contextlib.suppress(OSError):
                print(line, file=sys.stderr, flush=True)


def span(seconds: float) -> str:
    """A time in words: 12 s, 3 min 20 s, 1 h 5 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
