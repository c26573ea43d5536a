"""What a run ran on: the machine and the versions of what is installed, noted beside the results when a run begins. No torch.

`results/logs/machines.json` holds each machine that has begun a run in this folder once, in that order.
"""

import contextlib
import importlib.metadata
import json
import os
import platform
import re
from pathlib import Path

from .files import replacing

ROOT = Path(__file__).resolve().parents[2]
NOTED = Path("results/logs/machines.json")


def machine() -> dict:
    """This machine: system, processor, cores, memory, Python, and the installed versions of what requirements.txt pins."""
    versions = {}
    for package in re.findall(r"^([\w.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    """As Linux calls it, elsewhere as Python does."""
    with contextlib.suppress(OSError):
        if found := re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE):
            return found[1].strip()
    return platform.processor() or platform.machine()


def noted() -> list[dict]:
    """The machines that have begun a run in this folder; none where none was noted, or the note is torn."""
    try:
        return list(json.loads(NOTED.read_text()))
    except (OSError, ValueError):
        return []


def note():
    """Add this machine to those of this folder, where it is not among them."""
    here, before = machine(), noted()
    if here not in before:
        with replacing(NOTED) as temporary:
            temporary.write_text(json.dumps([*before, here], indent=2) + "\n")
