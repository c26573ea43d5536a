"""LPI's neighbourhoods against K-means by plain NumPy."""

from pathlib import Path

import numpy as np
import pytest

import peak_memory
from oracles import neighbourhoods as oracle
from pathattr import Neighbourhoods
from pathattr.method import lpi

from .helpers import refused


def blobs(sizes, classes: int = 5, seed: int = 0) -> np.ndarray:
    """Training logits: well separated clouds of these sizes."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(rng.normal(0, 12, classes), 1.0, (size, classes)) for size in sizes])


@pytest.fixture(params=[0, 1], ids=["separated", "one cloud"])
def logits(request):
    return blobs([30, 22, 41]) if request.param == 0 else np.random.default_rng(1).normal(size=(120, 6))


@pytest.fixture
def clusterings(monkeypatch):
    """Every K-means of a fit as (points, centres, own centre of each point), the first over all images."""
    made = []

    def noted(points, clusters, seed):
        made.append((points.copy(), *kmeans(points, clusters, seed)))  # which works in them
        return made[-1][1:]

    kmeans = lpi._kmeans
    monkeypatch.setattr(lpi, "_kmeans", noted)
    return made


@pytest.fixture
def fitted(logits, clusterings):
    return Neighbourhoods.fit(logits, n=3, m=4, seed=0)


def test_all_centres_are_where_lloyds_iteration_ends(fitted, clusterings):
    assert len(clusterings) == 1 + 3
    for points, centres, own in clusterings:
        ended, nearest = oracle.lloyd(points, centres)
        np.testing.assert_allclose(ended, centres, atol=1e-9)
        np.testing.assert_array_equal(nearest, own)


def test_every_image_belongs_to_its_nearest_centre(logits, fitted):
    np.testing.assert_array_equal(oracle.nearest(logits, fitted.centres), fitted.neighbourhood)


def test_representatives_are_images_of_their_own_neighbourhood_each_once(logits, fitted):
    for number in range(3):
        chosen = fitted.representatives[number].tolist()
        assert len(set(chosen)) == 4
        assert (fitted.neighbourhood[chosen] == number).all()


def test_a_representative_is_the_member_nearest_its_sub_centroid_and_its_density_their_share(logits, fitted, clusterings):
    for number, (points, centres, _) in enumerate(clusterings[1:]):
        members = np.flatnonzero(fitted.neighbourhood == number)
        np.testing.assert_array_equal(points, logits[members])
        own = oracle.nearest(points, centres)
        for cluster in range(4):
            inside = members[own == cluster]
            assert fitted.representatives[number, cluster] == oracle.representative(logits, inside)
            assert fitted.density[number, cluster] == pytest.approx(len(inside) / len(members))
    np.testing.assert_allclose(fitted.density.sum(1), 1.0, rtol=1e-12)


def test_separated_sub_clusters_are_found_exactly():
    """Two far neighbourhoods, each of three tight groups: every number is known."""
    rng = np.random.default_rng(3)
    groups, sizes = [], [5, 3, 4, 8, 1, 6]
    for number, size in enumerate(sizes):
        centre = np.array([1000.0 * (number // 3), 20.0 * (number % 3)])
        groups.append(centre + rng.normal(0, 0.5, (size, 2)))
    logits, owner = np.concatenate(groups), np.repeat(np.arange(6), sizes)
    hoods = Neighbourhoods.fit(logits, n=2, m=3)
    for number in range(2):
        first = int(owner[hoods.neighbourhood == number].min())
        rows, density = hoods.references(number)
        assert sorted(owner[rows].tolist()) == [first, first + 1, first + 2]
        total = sum(sizes[first : first + 3])
        for row, share in zip(rows.tolist(), density.tolist(), strict=True):
            members = np.flatnonzero(owner == owner[row])
            assert share == pytest.approx(len(members) / total)
            assert row == oracle.representative(logits, members)


def test_locate_is_the_nearest_centre(logits, fitted):
    new = np.random.default_rng(7).normal(0, 8, (50, logits.shape[1]))
    assert [fitted.locate(point) for point in new] == oracle.nearest(new, fitted.centres).tolist()


def test_a_neighbourhood_smaller_than_m_has_one_representative_an_image():
    logits = blobs([3, 40])
    hoods = Neighbourhoods.fit(logits, n=2, m=5)
    few = int(hoods.neighbourhood[0])
    rows, density = hoods.references(few)
    assert sorted(rows.tolist()) == [0, 1, 2] and density.tolist() == [1 / 3] * 3
    assert (hoods.representatives[few] == -1).sum() == 2
    assert len(hoods.references(1 - few)[0]) == 5


def test_equal_images_share_a_sub_cluster():
    """Fewer distinct logits than m: the empty sub-clusters have no representative, and densities still sum to 1."""
    logits = np.repeat(np.array([[0.0, 0.0], [50.0, 0.0], [50.0, 3.0]]), [6, 4, 2], axis=0)
    with pytest.warns(match="distinct clusters"):
        hoods = Neighbourhoods.fit(logits, n=2, m=3)
    for number in range(2):
        rows, density = hoods.references(number)
        assert len(rows) == len(np.unique(logits[hoods.neighbourhood == number], axis=0))
        assert density.sum() == pytest.approx(1)


def test_one_neighbourhood_of_one_is_the_image_nearest_the_mean(logits):
    hoods = Neighbourhoods.fit(logits, n=1, m=1)
    assert hoods.references(0)[0].tolist() == [oracle.representative(logits, np.arange(len(logits)))]
    assert hoods.density.tolist() == [[1.0]]


def test_the_same_seed_gives_the_same_neighbourhoods(logits, threads):
    first = Neighbourhoods.fit(logits, n=3, m=4, seed=5)
    threads(1)
    second = Neighbourhoods.fit(logits, n=3, m=4, seed=5)
    for name in ("centres", "neighbourhood", "representatives", "density"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_in_parts_give_what_they_give_in_one_array(logits, dtype):
    """The array itself stays as it was, and the fit is in its precision."""
    logits = logits.astype(dtype)
    before, cuts = logits.copy(), (0, 7, 50, len(logits))
    whole = Neighbourhoods.fit(logits, n=3, m=4)
    parts = Neighbourhoods.fit(lambda: (logits[a:b] for a, b in zip(cuts, cuts[1:], strict=False)), n=3, m=4)
    assert whole.centres.dtype == dtype
    for name in ("centres", "neighbourhood", "representatives", "density"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
    np.testing.assert_array_equal(logits, before)


def test_whole_numbers_are_logits_too():
    logits = np.random.default_rng(0).integers(0, 30, (40, 3))
    found, same = Neighbourhoods.fit(logits, n=2, m=3), Neighbourhoods.fit(logits.astype(float).tolist(), n=2, m=3)
    np.testing.assert_array_equal(found.representatives, same.representatives)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux has it")
@pytest.mark.parametrize("n, m", [(5, 4), (1, 1)], ids=["five", "one of all"])
def test_the_rules_script_holds_the_logits_once(n, m):
    """One float32 matrix, the mapped part of eight that is being read, and a little beside."""
    images, classes, parts = 40_000, 500, 8
    matrix = 4 * images * classes
    assert matrix < peak_memory.peak(images, classes, parts, n, m) < (1 + 1 / parts) * matrix + 80e6


@pytest.mark.parametrize("n, m", [(121, 2), (0, 2), (-1, 2), (3, 0)])
def test_impossible_numbers_are_refused(n, m):
    with refused(f"{n} neighbourhoods of {m}", "120 training images", "1 to 120"):
        Neighbourhoods.fit(np.random.default_rng(1).normal(size=(120, 6)), n, m)


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_too_few_distinct_logits_are_refused():
    with refused("too few distinct logits"):
        Neighbourhoods.fit(np.zeros((10, 4)), n=3, m=2)
