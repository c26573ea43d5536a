"""RISE's games against a loop over pixels, and where they are known."""

import numpy as np
import pytest
import torch

from pathattr import measure
from pathattr.blur import blur

from .helpers import linear_classifier


def table_of(case, maps, **options):
    return measure("rise", case.classifier, case.x, case.target, maps, ids=case.ids, **options)


def slow(case, number: int, attribution, steps: int, sigma: float, absolute: bool) -> dict[str, list[float]]:
    """Both games of one image, a pixel at a time, in float64."""
    x, values = case.x[number].double(), attribution.abs() if absolute else attribution
    _, height, width = x.shape
    salience = {(row, column): float(values[:, row, column].sum()) for row in range(height) for column in range(width)}
    order = sorted(salience, key=lambda place: (-salience[place], place))
    hidden, mean = blur(case.x[number], sigma).double(), case.classifier.mean.flatten().double()
    games = {"rise_insertion": [], "rise_deletion": []}
    own = int(case.network(x[None])[0].argmax())
    for step in range(steps + 1):
        within, without = hidden.clone(), x.clone()
        for row, column in order[: len(order) * step // steps]:
            within[:, row, column] = x[:, row, column]
            without[:, row, column] = mean
        for name, picture in (("rise_insertion", within), ("rise_deletion", without)):
            games[name].append(float(torch.softmax(case.network(picture[None])[0], 0)[own]))
    return games


@pytest.mark.parametrize("steps, sigma, absolute", [(4, 2.0, False), (7, 1.0, True), (1, 3.0, False)])
def test_the_games_are_those_of_a_loop_over_pixels(smooth, steps, sigma, absolute):
    maps = torch.randn(smooth.x.shape, generator=torch.Generator().manual_seed(0))
    table = table_of(smooth, maps, steps=steps, blur=sigma, absolute=absolute).set_index(["image_id", "metric"])
    for number, name in enumerate(smooth.ids):
        games = slow(smooth, number, maps[number], steps, sigma, absolute)
        for game, expected in games.items():
            found = table.loc[(name, game)]
            assert found["x"].tolist() == pytest.approx(np.arange(steps + 1) / steps)
            assert found["value"].tolist() == pytest.approx(expected, abs=1e-5)
        gap = np.subtract(games["rise_insertion"], games["rise_deletion"])
        area = sum((gap[1:] + gap[:-1]) / 2) / steps
        assert table.loc[(name, "rise_auc"), "value"].item() == pytest.approx(area, abs=1e-5)


def test_both_games_meet_in_the_image_and_end_where_they_should(smooth):
    """Insertion ends, and deletion begins, at the image; the ends do not depend on the map."""
    tables = [table_of(smooth, sign * torch.ones_like(smooth.x), steps=3) for sign in (1, -1)]
    for table in tables:
        wide = table[table["x"].isin([0.0, 1.0])].pivot(index="image_id", columns=["metric", "x"], values="value")
        assert np.array_equal(wide[("rise_insertion", 1.0)], wide[("rise_deletion", 0.0)])
    ends = [table[table["x"].isin([0.0, 1.0])]["value"].to_numpy() for table in tables]
    assert np.array_equal(*ends)


def test_the_order_that_raises_the_class_scores_above_the_reverse_and_random_lies_between():
    """A linear network of two classes, whose own map is the best order: what each pixel adds."""
    weight = torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(2))
    classifier = linear_classifier(torch.cat([weight, -weight]))
    x = torch.rand(8, 3, 6, 6, generator=torch.Generator().manual_seed(3))
    target = classifier.logits(x).argmax(1)
    own = (weight * (1 - 2 * target.view(-1, 1, 1, 1))) * x
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(4))
    found = {}
    for name, maps in (("own", own), ("noise", noise), ("reverse", -own)):
        table = measure("rise", classifier, x, target, maps, steps=6, blur=4.0)
        found[name] = table[table["metric"] == "rise_auc"]["value"].mean()
    assert found["own"] > found["noise"] + 0.1 > found["reverse"] + 0.2


def test_a_network_that_sees_nothing_gives_no_gap():
    classifier = linear_classifier(torch.zeros(3, 3, 6, 6))
    x = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(3))
    table = measure("rise", classifier, x, [0, 1], torch.randn(x.shape), steps=5)
    assert table.loc[table["metric"].str.startswith("rise_"), "value"].dropna().max() <= 1 / 3 + 1e-9
    assert (table.loc[table["metric"] == "rise_auc", "value"] == 0).all()
