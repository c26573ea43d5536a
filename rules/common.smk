from pathattr.config import load
from pathattr.errors import InputError
from pathattr.machine import note
from pathattr.plan import Plan
from pathattr.resources import Needs
from pathattr.run import begin, jobs_take, stamps

jobs_take(ROOT.resolve() / "scripts")

try:
    study = load(config, ROOT / "resources" / "config.schema.yaml", files=workflow.configfiles)
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
