"""What a job imports before it begins: nothing that takes long and is not used."""

import subprocess
import sys

import pytest

from .test_config import ROOT

COMPILER = {"torch._dynamo", "torch._inductor", "sympy"}  # a second
HEAVY = COMPILER | {"scipy", "sklearn", "matplotlib", "seaborn", "captum", "zennit"}
CODE = """
import sys, types
from pathattr.job import use_torch
{lines}
if {torch}:
    use_torch(types.SimpleNamespace(config={{"device": "cpu"}}, threads=1))
    import torch
    assert torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
print(*sys.modules)
"""


def imported(script: str) -> set[str]:
    """Modules that are there once a script's own imports are made, and torch, where it is used, is set up."""
    text = (ROOT / "scripts" / f"{script}.py").read_text()
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith(("import ", "from "))]
    code = CODE.format(lines="\n".join(lines), torch="use_torch(snakemake)" in text)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("script", ["attribute", "baselines", "probe", "measure", "logits"])
def test_a_job_that_runs_a_network_imports_nothing_heavy_but_torch(script):
    assert not imported(script) & HEAVY


@pytest.mark.parametrize("script", ["judge", "make_dataset", "index_dataset", "paper_claims", "claims", "summary"])
def test_a_job_without_a_network_imports_no_torch(script):
    assert not imported(script) & (HEAVY | {"torch"})
