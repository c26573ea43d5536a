"""Local Path Integration (Yang et al., AAAI 2023): references from the neighbourhood of the image in logit space."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..registry import method
from ..values import TrainingImages


@dataclass(frozen=True)
class Neighbourhoods:
    """The training distribution as n neighbourhoods of m representatives each.

    `centres`: (n, classes) of the first K-means. `neighbourhood`: (N,) that of each training image. `representatives`:
    (n, m) positions of training images, -1 beyond a neighbourhood's own number. `density`: (n, m), each row sums to 1:
    the share of the neighbourhood's images in the sub-cluster.
    """

    centres: np.ndarray
    neighbourhood: np.ndarray
    representatives: np.ndarray
    density: np.ndarray

    @classmethod
    def fit(cls, logits, n: int, m: int, seed: int = 0) -> "Neighbourhoods":
        """K-means (Euclidean) of training logits (N, classes) into n neighbourhoods, and of each into m sub-clusters.

        LPI paper, "Identifying the Neighborhood" and "Drawing from the Local Distribution". A sub-cluster is
        represented by the training image nearest its centroid, out of the sub-cluster's own. A neighbourhood of fewer
        than m images has one representative an image. `logits`: an array, or a function that gives its parts one after
        another, each time that it is called: all of them are in memory once, in their own precision, float32 or float64.
        Raises `InputError` for more neighbourhoods than images.
        """
        parts = logits if callable(logits) else lambda: [_floating(logits)]
        images = sum(map(len, parts()))
        if not 1 <= n <= images or m < 1:
            raise InputError(f"{n} neighbourhoods of {m} for {images} training images; accepted: 1 to {images}, m at least 1")
        centres, neighbourhood = _kmeans(_rows(parts, np.ones(images, bool)), n, seed)
        representatives = np.full((n, m), -1, np.int64)
        density = np.zeros((n, m))
        for number in range(n):
            members = np.flatnonzero(neighbourhood == number)
            if len(members) == 0:
                raise InputError(f"neighbourhood {number} of {n} is empty: too few distinct logits")
            points = _rows(parts, neighbourhood == number)
            sub_centres, sub = _kmeans(points, min(m, len(members)), seed)
            distance = np.array([((point - sub_centres[own]) ** 2).sum() for point, own in zip(points, sub, strict=True)])
            for cluster in range(len(sub_centres)):
                own = np.flatnonzero(sub == cluster)
                if len(own):
                    representatives[number, cluster] = members[own[distance[own].argmin()]]
                    density[number, cluster] = len(own) / len(members)
        return cls(centres, neighbourhood, representatives, density)

    def check(self, background: int, classes: int):
        """Raise `InputError` unless fitted on that many training images and classes."""
        if len(self.neighbourhood) != background:
            raise InputError(
                f"the neighbourhoods are of {len(self.neighbourhood)} training images; the background has {background}"
            )
        if self.centres.shape[1] != classes:
            raise InputError(f"the neighbourhoods are of {self.centres.shape[1]} classes; the classifier has {classes}")

    def locate(self, logits) -> int:
        """The neighbourhood of an image by its logits (classes,): the nearest centre."""
        return int(((self.centres - np.asarray(logits, np.float64)) ** 2).sum(1).argmin())

    def references(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions (<= m,) of a neighbourhood's representatives among the training images, and their densities."""
        real = self.representatives[number] >= 0
        return self.representatives[number][real], self.density[number][real]


def _floating(values) -> np.ndarray:
    """An array in float32 or float64, itself where it is."""
    array = np.asarray(values)
    return array.astype(np.result_type(array, np.float32), copy=False)


def _rows(parts, wanted: np.ndarray) -> np.ndarray:
    """Those rows of the parts where `wanted` (N,) is true, with no other copy of them."""
    points, stop, done = None, 0, 0
    for part in parts():
        rows = np.flatnonzero(wanted[stop : stop + len(part)])
        if points is None:
            points = np.empty((wanted.sum(), part.shape[1]), part.dtype)
        np.take(part, rows, axis=0, out=points[done : done + len(rows)], mode="clip")  # the mode that makes no copy between
        stop, done = stop + len(part), done + len(rows)
    return points


def _kmeans(points: np.ndarray, clusters: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres and labels, on the points' own memory (they come back rounded); n_init and max_iter as in the authors' code.

    Until no label changes: a tolerance would take the variance, and with it a copy. One thread: sums must not depend on the
    machine's.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        fit = KMeans(clusters, n_init=3, max_iter=600, tol=0, copy_x=False, random_state=seed).fit(points)
    return fit.cluster_centers_, fit.labels_


@method(
    "lpi",
    paper="Yang et al., AAAI 2023",
    equation="(6)",
    gradients="references * steps",
    needs=("background", "neighbourhoods", "logits"),
    fitted=("neighbourhoods", "references"),
    variants=("vanilla", "absolute", "valid_interpolations", "valid_references"),
    defaults="9 neighbourhoods (VGG-16), 20 references, one random step each: LPI paper, Comparison",
    limits="With few classes a neighbourhood is nearly one class, and its references hold the evidence itself.",
)
def lpi(image, integral, *, neighbourhoods: TrainingImages = 9, references: TrainingImages = 20, steps: int = 1):
    """Local Path Integration: A = sum over the m references x' of the image's neighbourhood of p(x') (x - x') times the
    gradient at x' + alpha (x - x'), alpha ~ U(0, 1).

    Eq. 6 of the paper, with each representative used once and weighted by its density, which sums to 1 (the authors' code
    divides by m besides, a constant). The neighbourhoods are fitted beforehand (`Neighbourhoods.fit`), `neighbourhoods` of
    them with `references` each; `steps` random alpha a reference.
    """
    import torch

    from .sampled import random_places
    from .straight import straight_lines

    chosen, density = image.neighbourhoods.references(image.neighbourhoods.locate(image.logits))
    drawn = torch.stack([image.background[int(number)] for number in chosen]).to(image.x)
    places = random_places(image, len(drawn), steps)
    yield from straight_lines(image, integral, drawn, torch.from_numpy(density).float(), places, 1 / steps)
