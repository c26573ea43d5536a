"""What it brings that a job keeps the memory that a micro-batch has freed (`job.keep_freed_memory`), by hand:

    python tests/speed/allocator.py --rounds 3

Gradients a second, peak memory and page faults of fresh processes, in turn one that keeps it and one that does not, with one thread
as a job has.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import pandas as pd
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from pathattr.bench import floor
from pathattr.job import keep_freed_memory
from pathattr.model.classifier import Classifier
from pathattr.model.layout import seconds
from pathattr.model.load import build
from pathattr.model.torchvision import import_torchvision

NETWORKS = {"vgg_small": (64, 64, 6), "resnet_small": (64, 64, 6), "resnet18": (32, 64, 8), "resnet34": (224, 16, 1)}


def one(name: str, keep: bool) -> dict:
    """Gradients a second of a network that stands in `NETWORKS`: (pixels, micro-batch, micro-batches a round)."""
    if keep:
        keep_freed_memory()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pixels, size, batches = NETWORKS[name]
    small = name.endswith("_small")
    network = build({"architecture": name}, 10, 3, pixels) if small else getattr(import_torchvision().models, name)(weights=None)
    classifier = Classifier(network, (0.5,) * 3, (0.5,) * 3, "cpu", layout="measured")
    work = floor(classifier, (3, pixels, pixels), size, size * batches, "cpu", gradient=True)
    work()
    taken = statistics.median(seconds(work, "cpu") for _ in range(5))
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"gradients_per_s": size * batches / taken, "peak_mb": used.ru_maxrss / 1024, "page_faults": used.ru_minflt}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=2, metavar=("NETWORK", "KEEP"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        return print(json.dumps(one(given.one[0], given.one[1] == "keep")))
    rows = []
    for number in range(given.rounds):
        for name in NETWORKS:
            for memory in ("keep", "give back")[:: 1 if number % 2 else -1]:
                told = subprocess.run([sys.executable, __file__, "--one", name, memory], check=True, capture_output=True, text=True)
                rows.append({"network": name, "memory": memory} | json.loads(told.stdout.splitlines()[-1]))
    print(pd.DataFrame(rows).groupby(["network", "memory"], sort=False).median().round(1).to_string())


if __name__ == "__main__":
    main()
