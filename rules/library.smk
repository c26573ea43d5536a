import os
import sys
from pathlib import Path

# This repository, also where another workflow imports it; relative, so that a moved folder reruns nothing.
ROOT = Path(os.path.relpath(Path(str(workflow.current_basedir)).parent))
sys.path.insert(0, str(ROOT.resolve() / "scripts"))
from pathattr.strict import problems_of

# Before Snakemake reads it, which would not say where in the file it stumbles.
if wrong := problems_of(ROOT / "config.yaml"):
    sys.exit("\n".join(f"config: {line}" for line in wrong))
