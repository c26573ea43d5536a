"""Whose a folder is: one run's at a time. A job ends with its run, and writes nothing once another run is at work.

`results/.run` names the run that is at work, or was last; its jobs know it by the variable PATHATTR_RUN. No torch, and nothing but
the standard library.
"""

import contextlib
import os
import signal
import socket
import threading
import time
import uuid
from pathlib import Path

from .errors import InputError

RUN = Path("results/.run")
VARIABLE = "PATHATTR_RUN"


def begin():
    """Make this process the run at work in this folder, and end what is left of the one before. To be called under the lock."""
    with contextlib.suppress(OSError):
        _end(RUN.read_text())
    pid = os.getpid()
    os.environ[VARIABLE] = f"{uuid.uuid4()} {socket.gethostname()} {pid} {_started(pid)}"
    RUN.write_text(os.environ[VARIABLE])


def check():
    """Raise `InputError` in a job whose run is no more the one at work in this folder. Nothing outside of a run."""
    if VARIABLE in os.environ and not _at_work():
        raise InputError("another run has begun in this folder; this job's results are not written")


def _at_work() -> bool:
    try:
        return RUN.read_text() == os.environ[VARIABLE]
    except FileNotFoundError:
        return False
    except OSError:  # a file system that is away for a moment
        return True


def watch(every: float = 1.0):
    """End this process, and all others of its run on this machine, as soon as the run is over. Nothing outside of a run."""
    if VARIABLE in os.environ:
        threading.Thread(target=_watch, args=(os.environ[VARIABLE], every), daemon=True).start()


def _watch(run: str, every: float):
    _, host, pid, started = run.split(" ")
    here = host == socket.gethostname()
    while not (here and _started(int(pid)) != started) and _at_work():
        time.sleep(every)
    _end(run)
    os._exit(1)


def _started(pid: int) -> str:
    """When a process of this machine started, in ticks; "" if there is none."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[18] if state != "Z" else ""
    except OSError:
        pass
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return "" if Path("/proc/self/stat").exists() else "0"  # no /proc: only whether it is there
    return ""


def _end(run: str):
    """Kill all processes of a run on this machine but the one that calls: those which have its name in their environment."""
    wanted = f"{VARIABLE}={run}".encode()
    for place in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            pid = int(place.parent.name)
            if pid != os.getpid() and wanted in place.read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
