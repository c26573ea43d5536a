"""Shards: contiguous ranges of a split's index, the unit of work of a job. They change no result."""


def shards(images: int, per_shard: int) -> list[str]:
    """Names of the shards of the first images, START-STOP, the stop excluded."""
    return [f"{start:07d}-{min(start + per_shard, images):07d}" for start in range(0, images, per_shard)]


def shard_range(shard: str) -> tuple[int, int]:
    """Start and stop of a shard's name."""
    start, stop = shard.split("-")
    return int(start), int(stop)
