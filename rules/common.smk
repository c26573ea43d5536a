import os
import sys
from pathlib import Path

# This repository, also where another workflow imports it; relative, so that a moved folder reruns nothing.
ROOT = Path(os.path.relpath(Path(str(workflow.current_basedir)).parent))
sys.path.insert(0, str(ROOT.resolve() / "scripts"))
from pathattr.config import load
from pathattr.dataset.stamp import tell, told
from pathattr.errors import InputError
from pathattr.plan import Plan
from pathattr.run import begin

try:
    study = load(config, ROOT / "resources" / "config.schema.yaml")
except InputError as error:
    sys.exit(str(error))
# A run looks at the data outside once and, in `onstart`, tells the processes of its jobs, which read this too.
plan = Plan(study, ROOT, stamps={} if workflow.is_main_process else told())


def gpu(wildcards):
    """GPUs of a job that runs the network: none where the configuration says cpu."""
    return int(config["device"] == "cuda")


def one_of(names):
    """Wildcard constraint: one of the names, or nothing where there are none."""
    return "|".join(names) or "none_here"
