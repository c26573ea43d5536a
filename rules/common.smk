import json
import os
import sys
from pathlib import Path

# This repository, also where another workflow imports it; relative, so that a moved folder reruns nothing.
ROOT = Path(os.path.relpath(Path(str(workflow.current_basedir)).parent))
sys.path.insert(0, str(ROOT.resolve() / "scripts"))
from pathattr.config import load
from pathattr.errors import InputError
from pathattr.plan import Plan
from pathattr.run import begin

try:
    study = load(config, ROOT / "resources" / "config.schema.yaml")
except InputError as error:
    sys.exit(str(error))
# A run looks at the data outside once, and tells the processes of its jobs (which read this too) what it saw: see `onstart`.
told = {} if workflow.is_main_process else json.loads(os.environ.get("PATHATTR_STAMPS", "{}"))
plan = Plan(study, ROOT, told)


def gpu(wildcards):
    """GPUs of a job that runs the network: none where the configuration says cpu."""
    return int(config["device"] == "cuda")


def one_of(names):
    """Wildcard constraint: one of the names, or nothing where there are none."""
    return "|".join(names) or "none_here"
