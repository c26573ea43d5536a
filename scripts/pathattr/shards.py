"""Shards: contiguous ranges of a split's index, the unit of work of a job. They change no result."""


def cover(wanted, per_shard: int, images: int | None = None) -> list[str]:
    """Names START-STOP (the stop excluded) of the shards that hold all wanted (start, stop) ranges of a split.

    Shards begin and end at multiples of `per_shard`, whatever is wanted, but for the ends of what is wanted within one; `images`
    is how many there are, where that is known.
    """
    ends: dict[int, tuple[int, int]] = {}
    for start, stop in wanted:
        stop = stop if images is None else min(stop, images)
        for block in range(start // per_shard, -(-stop // per_shard)):
            low, high = max(start, block * per_shard), min(stop, (block + 1) * per_shard)
            before = ends.get(block, (low, high))
            ends[block] = min(low, before[0]), max(high, before[1])
    return [f"{low:07d}-{high:07d}" for _, (low, high) in sorted(ends.items())]


def shard_range(shard: str) -> tuple[int, int]:
    """Start and stop of a shard's name."""
    start, stop = shard.split("-")[-2:]
    return int(start), int(stop)


def shard_split(shard: str) -> str:
    """The split that a shard is of: train-START-STOP is of the training images, START-STOP of the test images."""
    return "train" if shard.startswith("train-") else "test"
