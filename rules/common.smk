import os
import sys
from pathlib import Path

# This repository, also where another workflow imports it; relative, so that a moved folder reruns nothing.
ROOT = Path(os.path.relpath(Path(str(workflow.current_basedir)).parent))
sys.path.insert(0, str(ROOT.resolve() / "scripts"))
from pathattr.config import load
from pathattr.errors import InputError
from pathattr.plan import Plan
from pathattr.resources import Needs
from pathattr.run import begin, jobs_take, stamps

jobs_take(ROOT.resolve() / "scripts")

try:
    study = load(config, ROOT / "resources" / "config.schema.yaml")
except InputError as error:
    sys.exit(str(error))
plan = Plan(study, ROOT, stamps(workflow))
needs = Needs(plan)


def gpu(wildcards):
    """GPUs of a job that runs the network: none where the configuration says cpu."""
    return int(config["device"] == "cuda")


def one_of(names):
    """Wildcard constraint: one of the names, or nothing where there are none."""
    return "|".join(names) or "none_here"
