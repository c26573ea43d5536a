"""K-means twice, as the LPI paper describes the neighbourhoods, by plain NumPy."""

import numpy as np


def nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Number of the nearest centre (Euclidean) of each point."""
    return np.array([min(range(len(centres)), key=lambda k: ((point - centres[k]) ** 2).sum()) for point in points])


def lloyd(points: np.ndarray, centres: np.ndarray, rounds: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Centres and assignment where Lloyd's iteration from the given centres ends."""
    for _ in range(rounds):
        own = nearest(points, centres)
        moved = np.stack([points[own == k].mean(0) if (own == k).any() else centres[k] for k in range(len(centres))])
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres, nearest(points, centres)


def representative(points: np.ndarray, members: np.ndarray) -> int:
    """The member (a position) nearest the mean of all members."""
    centroid = np.mean([points[member] for member in members], axis=0)
    return int(min(members, key=lambda member: ((points[member] - centroid) ** 2).sum()))
