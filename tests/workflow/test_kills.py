"""CI's share of the kills (`python tests/faults/run.py --kills 100` by hand)."""

from faults.run import Victim
from helpers import snakemake

SMOKE = ("--configfile", "config/smoke.yaml")
KILLS = 20


def test_no_kill_loses_a_result_or_changes_a_number(smoke, workbench):
    victim = Victim(workbench, "lpi", seed=0)
    expected = Victim(smoke, "lpi", seed=0).tables()
    victim.forget(0.2)
    _, lost = victim.suffer(KILLS)
    assert not lost, "\n".join(lost)
    snakemake(workbench, *SMOKE, "--", "lpi")
    assert not [path for path, word in victim.states().items() if word]
    assert victim.tables() == expected and len(expected) > 10
