import os
import sys

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))
from pathattr.config import load, shown
from pathattr.errors import InputError
from pathattr.plan import Plan
from pathattr.slurm import cancel_orphans

try:
    study = load(config, Path(workflow.basedir) / "resources" / "config.schema.yaml")
except InputError as error:
    sys.exit(str(error))
plan = Plan(study, workflow.basedir)


def gpu(wildcards):
    """GPUs of a job that runs the network: none where the configuration says cpu."""
    return int(config["device"] == "cuda")


def beside_snakefile(path):
    """A file of the repository, relative to where results go, so that a moved folder reruns nothing."""
    return os.path.relpath(Path(workflow.basedir) / path)


def digests(files):
    """Path -> digest that a script expects of each of its inputs."""
    return {str(file): file.digest for file in files}


def begin_run():
    """Refuse to run without the data, or beside another run in this folder. Dry runs do not come here.

    Returns the open results/.lock, to be held while the run lasts; the kernel frees it however the run ends.
    """
    import fcntl

    if study.missing():
        sys.exit("\n".join(f"config: {line}" for line in study.missing()))
    Path("results").mkdir(exist_ok=True)
    handle = open("results/.lock", "w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("another run is at work in this folder; wait for it, or stop it first")
    cancel_orphans()  # with scancel, under the lock: none of its jobs is ours yet
    return handle
