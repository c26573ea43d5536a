"""The share of a run that waits for images, by hand, on a data set that lies outside:

    python tests/speed/decoding.py --train TRAIN.parquet --test TEST.parquet

EG, one reference and so one image to decode a gradient, is the worst case. A run that decodes what it needs alternates with the
same run on images that are in memory already; what it takes longer is waiting. The network is a CIFAR ResNet with random weights.
"""

import argparse
import functools
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from pathattr import Classifier
from pathattr.api import attributed
from pathattr.dataset.split import Split, open_source


class Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    def __init__(self, before: int, after: int):
        super().__init__()
        stride = after // before
        self.way = nn.Sequential(
            *(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()),
            *(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)),
        )
        self.shortcut = nn.Identity() if before == after else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x):
        return torch.relu(self.way(x) + self.shortcut(x))


def resnet(depth: int) -> nn.Module:
    """The CIFAR ResNet of 6 n + 2 layers."""
    blocks = (depth - 2) // 6
    widths = [16] + [16] * blocks + [32] * blocks + [64] * blocks
    start = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    parts = [Block(before, after) for before, after in zip(widths, widths[1:], strict=False)]
    return nn.Sequential(*start, *parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--train", required=True)
    parser.add_argument("--test", required=True)
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--references", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--depth", type=int, default=20, help="layers of the ResNet: 20, 32, 44, 56")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    splits = {}
    for name in ("train", "test"):
        origin = open_source({"dataset": "parquet", "train": given.train, "test": given.test, "size": 32}, name, 0)
        index = origin.scan()
        columns = {key: index[key].to_numpy() for key in index}
        read = lambda at, origin=origin, columns=columns: origin.read({key: values[at] for key, values in columns.items()})  # noqa: E731
        splits[name] = Split(index, read), Split(index, functools.cache(read))
    classifier = Classifier(resnet(given.depth), (0.5,) * 3, (0.25,) * 3)
    target = splits["test"][0].index["label"].to_numpy()[: given.images]

    def seconds(in_memory: bool) -> float:
        train, test = (splits[name][in_memory] for name in ("train", "test"))
        start, options = time.perf_counter(), {"references": given.references, "threads": given.threads}
        for _ in attributed("eg", classifier, test.ahead(0, given.images, given.threads), target, background=train, **options):
            pass
        return time.perf_counter() - start

    seconds(True), seconds(False)
    taken = [(seconds(False), seconds(True)) for _ in range(given.rounds)]
    shares = [1 - memory / files for files, memory in taken]
    print(f"{given.images * given.references / statistics.median(files for files, _ in taken):.0f} gradients/s with decoding")
    print(f"share of waiting: {100 * statistics.median(shares):.1f} % (rounds: {', '.join(f'{100 * one:.1f}' for one in shares)})")


if __name__ == "__main__":
    main()
