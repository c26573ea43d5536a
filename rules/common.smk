from pathattr.config import load
from pathattr.dataset.stamp import tell, told
from pathattr.errors import InputError
from pathattr.machine import note
from pathattr.plan import Plan
from pathattr.resources import Needs
from pathattr.run import begin, check_folder, jobs_take

check_folder()
jobs_take(ROOT.resolve() / "scripts")

try:
    study = load(config, ROOT / "resources" / "config.schema.yaml", files=workflow.configfiles)
except InputError as error:
    sys.exit(str(error))
for line in study.left_out() if workflow.is_main_process else ():
    print(line, file=sys.stderr)
# A run looks at the data outside once and, in `onstart`, tells the processes of its jobs, which read this too.
plan = Plan(study, ROOT, stamps={} if workflow.is_main_process else told())
needs = Needs(plan)


def gpu(wildcards):
    """GPUs of a job that runs the network: none where the configuration says cpu."""
    return int(config["device"] == "cuda")


def one_of(names):
    """Wildcard constraint: one of the names, or nothing where there are none."""
    return "|".join(names) or "none_here"
