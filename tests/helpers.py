"""What the workflow's tests share: a copy of the repository, and Snakemake run in it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DISTRIBUTIONS = {"PIL": "pillow", "sklearn": "scikit-learn", "umap": "umap-learn", "yaml": "pyyaml"}  # of imports


def copy_repository(target: Path) -> Path:
    """Everything of the working tree that git does not ignore, so also what is not committed yet."""
    if (REPOSITORY / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout.decode().split("\0")
        files = [REPOSITORY / name for name in listed if name]
    else:  # an unpacked archive
        outside = {".venv", ".snakemake", "results"}
        files = [path for path in REPOSITORY.rglob("*") if path.is_file() and not outside & set(path.relative_to(REPOSITORY).parts)]
    for file in files:
        if file.is_file():
            place = target / file.relative_to(REPOSITORY)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, place)
    return target


def snakemake(folder: Path, *arguments, check: bool = True) -> subprocess.CompletedProcess:
    """Run Snakemake in a folder; its output, both streams together, is `.stdout`."""
    command = [sys.executable, "-m", "snakemake", "--cores", "all", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert not check or done.returncode == 0, done.stdout
    return done


def planned(folder: Path, *arguments) -> dict[str, int]:
    """Rule -> number of jobs that a dry run lists; empty when nothing is to be done."""
    output = snakemake(folder, "-n", *arguments).stdout
    table = re.findall(r"^job +count\n-+ +-+\n((?:\w+ +\d+\n)+)", output, re.MULTILINE)
    if not table:
        assert "Nothing to be done" in output, output
        return {}
    jobs = {name: int(count) for name, count in re.findall(r"(\w+) +(\d+)", table[-1])}
    jobs.pop("total")
    return jobs


def planned_outputs(folder: Path, *arguments) -> list[str]:
    """Output files that a dry run would write."""
    output = snakemake(folder, "-n", "--quiet", "host", *arguments).stdout
    lines = re.findall(r"^    output: (.+)$", output, re.MULTILINE)
    return sorted(name.strip() for line in lines for name in re.sub(r" \(.*?\)", "", line).split(","))


def edit(path: Path, old: str, new: str):
    """Replace the first `old` in a file, which must be there."""
    text = path.read_text()
    assert old in text, f"{path.name} has no {old!r}"
    path.write_text(text.replace(old, new, 1))
