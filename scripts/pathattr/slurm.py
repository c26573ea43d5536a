"""What a killed run leaves in SLURM's queue. No torch, and nothing but the standard library."""

import os
import re
import shutil
import subprocess
import sys
import time

UUID = "-".join(f"[0-9a-f]{{{digits}}}" for digits in (8, 4, 4, 4, 12))


def orphans(folder: str) -> list[str]:
    """Queued or running SLURM jobs of this user that a Snakemake run started in the folder.

    The executor plugin starts its jobs in the run's folder and names them by the run's uuid, so other jobs of the user have
    other names or folders.
    """
    queue = subprocess.run(["squeue", "--me", "--noheader", "--format=%F|%j|%Z"], capture_output=True, text=True)
    pattern = re.compile(rf"(\d+)\|(?:[\w-]+_)?{UUID}\|{re.escape(folder)}")
    return sorted({job[1] for job in map(pattern.fullmatch, queue.stdout.splitlines()) if job}, key=int)


def cancel_orphans(patience: int = 120):
    """Cancel what a killed run in this folder left in SLURM's queue, and wait until it is gone, at most that many seconds.

    To be called while no other run can be at work in the folder and this one has submitted nothing.
    """
    if not shutil.which("squeue"):
        return
    if left := orphans(os.getcwd()):
        print(f"cancelling what a killed run left in SLURM's queue: jobs {' '.join(left)}", file=sys.stderr)
        subprocess.run(["scancel", *left], check=False)
    deadline = time.monotonic() + patience
    while left and (left := orphans(os.getcwd())):
        if time.monotonic() > deadline:
            sys.exit(f"jobs of a killed run do not leave SLURM's queue: {' '.join(left)}; start again when they are gone")
        time.sleep(1)
