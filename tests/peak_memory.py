"""Peak memory of the script of rule `neighbourhoods`, in a process of its own, on made-up logits that lie in parts as in a run.

python tests/peak_memory.py [IMAGES] [CLASSES] [PARTS]    by default 200 000 x 1 000 in 4 parts; Linux only.
"""

import runpy
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))


def write_parts(folder: Path, images: int, classes: int, parts: int) -> list[str]:
    """Float32 logits around 20 centres."""
    import numpy as np

    from pathattr.seal import seal
    from pathattr.store import write_arrays

    centres, paths = np.random.default_rng(0).normal(0, 3, (20, classes)).astype(np.float32), []
    for part in range(parts):
        rng, count = np.random.default_rng(part + 1), images * (part + 1) // parts - images * part // parts
        logits = rng.standard_normal((count, classes), np.float32) + centres[rng.integers(20, size=count)]
        ids = [f"n{part:02d}_{number:08d}.JPEG" for number in range(count)]
        paths.append(str(folder / f"{part}.arrow"))
        write_arrays(paths[-1], {"image_id": ids, "label": np.zeros(count, int), "logits": logits}, {"digest": "made"})
        seal(paths[-1], "made")
    return paths


def high_water() -> int:
    """The most memory that this process has held, in bytes, mapped files too. Not ru_maxrss: a child inherits its parent's."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def run_script(folder: Path, paths: list[str], n: int = 9, m: int = 20):
    """Run the rule's script as Snakemake does; print what it took beyond the libraries, in bytes."""
    import numpy  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import sklearn.cluster  # noqa: F401

    inputs = {"logits": [{"digest": "made"} for _ in paths]}
    job = {"n": n, "m": m, "seed": 0, "digest": "made", "inputs": inputs}
    given = {"input": paths, "output": [str(folder / "out.safetensors")], "log": [str(folder / "log")], "rule": "neighbourhoods"}
    before = high_water()
    told = SimpleNamespace(**given, scriptdir=SCRIPTS, params=SimpleNamespace(job=job))
    runpy.run_path(str(SCRIPTS / "neighbourhoods.py"), {"snakemake": told})
    print(high_water() - before)


def peak(images: int, classes: int, parts: int, n: int = 9, m: int = 20) -> int:
    """Bytes that the script takes beyond the libraries."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_parts(Path(folder), images, classes, parts)
        command = [sys.executable, __file__, "--run", folder, str(n), str(m), *paths]
        return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        folder, n, m, *paths = sys.argv[2:]
        run_script(Path(folder), paths, int(n), int(m))
    else:
        images, classes, parts = [*map(int, sys.argv[1:]), *(200_000, 1_000, 4)[len(sys.argv) - 1 :]]
        found, matrix = peak(images, classes, parts), 4 * images * classes
        print(f"{images} x {classes}: {found / 1e9:.2f} GB, {found / matrix:.2f} of the float32 matrix ({matrix / 1e9:.2f} GB)")
