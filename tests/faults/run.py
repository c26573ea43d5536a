"""Kill a run at random moments, start it again, until it has ended; then everything must be there and equal.

    python tests/faults/run.py --kills 100 --seed 1

makes a paper's smoke run undisturbed in one folder, and in another one kills it that many times, by SIGKILL to Snakemake alone, to
all its processes, or to one of its jobs. After each kill every result whose job had ended must still be whole (none is "lost"); at
the end all must be whole, and the tables equal byte for byte. When a run ends before the kills are used up, some of its results are
deleted.
"""

import argparse
import base64
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from helpers import copy_repository, snakemake  # noqa: E402
from pathattr import owner, verify  # noqa: E402
from pathattr.plan import Plan, planned  # noqa: E402

SMOKE = ("--configfile", "config/smoke.yaml")
DAMAGE = ("torn", "stale", "orphaned")  # what no kill may leave; missing and unsealed results are made again


class Victim:
    """A folder whose run of one paper is killed. `results`: path -> digest."""

    def __init__(self, folder: Path, paper: str, seed: int):
        self.folder, self.paper, self.draw = Path(folder), paper, random.Random(seed)
        plan: Plan = planned([ROOT / "config/smoke.yaml"], ROOT)
        digests = plan.results()
        self.results = {file: digests[file] for file in map(str, plan.targets(paper))}
        self.jobs = {path: (plan.outputs(path), set(plan.behind([path]))) for path in plan.made if path in self.results}

    def states(self) -> dict[str, str]:
        """Result -> what is wrong with it, "" if nothing; "begun" where Snakemake has not seen its job end, and runs it again."""
        before, begun = Path.cwd(), self._begun()
        os.chdir(self.folder)
        try:
            return {path: "begun" if path in begun else verify.state(path, digest) for path, digest in self.results.items()}
        finally:
            os.chdir(before)

    def _begun(self) -> set[str]:
        """Outputs of jobs that Snakemake has begun and not seen to end: the names, in base64 and pieces, of its marker files."""
        folder = self.folder / ".snakemake/incomplete"
        names = (path.relative_to(folder).parts for path in folder.rglob("*") if path.is_file())
        return {base64.urlsafe_b64decode("".join(part.removeprefix("@") for part in parts)).decode() for parts in names}

    def run_and_kill(self) -> str | None:
        """Start the run and kill it at a random moment; how it was killed, or None if it had ended before."""
        command = [sys.executable, "-m", "snakemake", "--cores", "all", *SMOKE, "--", self.paper]
        run = subprocess.Popen(
            command, cwd=self.folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        started = time.monotonic()
        while not self._jobs() and run.poll() is None and time.monotonic() < started + 60:
            time.sleep(0.05)  # planning writes nothing
        time.sleep(self.draw.uniform(0, 6))
        how, jobs = self.draw.choice(["snakemake", "all", "one job"]), self._jobs()
        if run.poll() is not None:
            assert run.returncode == 0, f"a run ended with {run.returncode}"
            return None
        if how == "one job" and jobs:
            os.kill(self.draw.choice(jobs), signal.SIGKILL)
            time.sleep(self.draw.uniform(0, 1))
        if how == "all":
            os.killpg(run.pid, signal.SIGKILL)
        run.kill()
        run.wait()
        return how

    def _jobs(self) -> list[int]:
        """Processes of the jobs of the run at work."""
        try:
            name = f"{owner.VARIABLE}={(self.folder / 'results/.run').read_text()}".encode()
        except FileNotFoundError:
            return []
        found = []
        for place in Path("/proc").glob("[0-9]*/environ"):
            try:
                if name in place.read_bytes().split(b"\0"):
                    found.append(int(place.parent.name))
            except OSError:
                continue
        return sorted(found)

    def forget(self, share: float):
        """Delete what a share of the jobs that are quick made, and all that hangs on it: a run would make that again anyway."""
        slow = ("results/data/", "results/models/", "results/logits/")
        chosen = {path for path in self.jobs if not path.startswith(slow) and self.draw.random() < share}
        for outputs, behind in self.jobs.values():
            for path in outputs if behind & chosen else ():
                (self.folder / path).unlink(missing_ok=True)

    def suffer(self, kills: int) -> tuple[int, list[str]]:
        """Kill that many times; how many times a run ended in between, and what was lost, a line each."""
        lost, ended, done = [], 0, 0
        before = self.states()
        while done < kills:
            how = self.run_and_kill()
            after = self.states()
            done += how is not None
            lost += [
                f"kill {done} ({how}): {path} was whole, is {after[path]}" for path in before if not before[path] and after[path]
            ]
            lost += [f"kill {done} ({how}): {path} is {word}" for path, word in after.items() if word in DAMAGE]
            before = after
            if how is None:
                ended += 1
                lost += [f"a run ended, and {path} is {word}" for path, word in after.items() if word]
                self.forget(0.2)
                before = self.states()
            print(f"kill {done} ({how}): {sum(not word for word in after.values())} of {len(after)} results whole", flush=True)
        return ended, lost

    def tables(self) -> dict[str, bytes]:
        """The paper's tables."""
        return {
            path: (self.folder / path).read_bytes() for path in self.results if path.startswith(f"results/tables/{self.paper}/")
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--paper", default="lpi")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        quiet, victim = (copy_repository(Path(base, name)) for name in ("quiet", "victim"))
        snakemake(quiet, *SMOKE, "--", given.paper)
        killed = Victim(victim, given.paper, given.seed)
        ended, lost = killed.suffer(given.kills)
        snakemake(victim, *SMOKE, "--", given.paper)
        lost += [f"at the end {path} is {word}" for path, word in killed.states().items() if word]
        expected, found = Victim(quiet, given.paper, 0).tables(), killed.tables()
        unequal = [path for path in expected if found.get(path) != expected[path]]
    print(*lost, *(f"unequal: {path}" for path in unequal), sep="\n")
    print(f"{given.kills} kills, seed {given.seed}, {ended} runs ended in between: {len(lost)} lost, ", end="")
    print(f"{len(expected) - len(unequal)} of {len(expected)} tables equal")
    sys.exit(bool(lost or unequal))


if __name__ == "__main__":
    main()
