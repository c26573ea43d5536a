"""What only the Local Attribution paper shows: its theorems by closed forms, its gains as printed, its attacks by a plain loop."""

import json
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from oracles import judging as oracle
from pathattr import Classifier
from pathattr.artefact import local_attribution as shown
from pathattr.found import Found
from pathattr.job import Given
from pathattr.judging import NotRun, verdict
from pathattr.objective import log_probability
from pathattr.paper import local_attribution as stated
from pathattr.plot import style
from pathattr.registry import get

from .helpers import refused
from .test_comparisons import ABOUT, IMAGES, SEED, Fake, compare, limits, normal
from .test_recalibration_artefacts import Bench

UP, DOWN = "la_insertion_auc", "la_deletion_auc"
FAILS = (  # what the paper states and what is not so
    "samples of section 3.4, untargeted",
    "f = x_1 at a black x_1",
    "f = min(x_1, 1/2) at 0.9",
    "printed Deletion: the right order has the lower score",
)


@pytest.fixture(autouse=True)
def plain():
    """The style of figures, none left open, and one thread as in a job."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with plt.rc_context():
        style.use()
        yield
    plt.close("all")
    torch.set_num_threads(threads)


def word(judged) -> str:
    """The verdict, and that it can be written."""
    found = verdict(judged, ABOUT)
    json.dumps(found, allow_nan=False)
    return found["verdict"]


def of_table(claim: str, table: pd.DataFrame, folder, **options):
    """The verdict of a claim about a table, which is read back from text as from a file."""
    table.to_csv(folder / "table.csv", index=False)
    models = {key: SimpleNamespace(model=f"{key}_small", stands_for=key) for key in ("inception", "vgg")}
    found = SimpleNamespace(seed=SEED, models=models, table=lambda: pd.read_csv(folder / "table.csv"))
    return get("claim", claim).function(found, table="table", **options)


# --- section 3 ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def axioms() -> pd.DataFrame:
    threads = torch.get_num_threads()
    data, _ = get("artefact", "la_axioms").function(SimpleNamespace(seed=SEED))
    torch.set_num_threads(threads)
    return data


def value(axioms, part: str) -> float:
    (row,) = axioms[axioms["quantity"].str.contains(part, regex=False)].itertuples()
    return row.value


def test_what_the_paper_proves_holds_and_nothing_else_fails(axioms):
    judged = axioms.dropna(subset=["expected"])
    fails = judged[(judged["value"] - judged["expected"]).abs() > 1e-4]["quantity"].tolist()
    assert len(fails) == 5 and all(sum(part in text for part in FAILS) == 1 for text in fails), fails
    assert not axioms.duplicated(["where", "check", "quantity"]).any() and len(judged) == 22


def test_the_claim_counts_what_holds_and_what_does_not(axioms, tmp_path):
    judged = of_table("exact", axioms, tmp_path, columns=["value"], printed=["expected"], name=["where", "quantity"])
    sides = [cell["side"] for cell in judged.cells]
    assert word(judged) == "does not hold" and (sides.count("for"), sides.count("against")) == (17, 5)
    local = of_table(
        "exact", axioms, tmp_path, columns=["value"], printed=["expected"], rows={"check": ["local space", "exploration"]}
    )
    assert word(local) == "holds" and len(local.cells) == 3


def test_of_samples_that_follow_the_gradient_la_is_half_the_change_of_the_loss(axioms):
    """T untargeted samples: the first explores from x, epsilon / 2 up, the others from epsilon / 2 up to epsilon. LA counts
    epsilon / 2 of each, which is T of 2 T - 1 halves, and T - 1 halves are of the term that Eq. 5 drops.
    """
    steps = stated.STEPS
    assert value(axioms, "change of the loss: samples of section 3.4") == pytest.approx(steps / (2 * steps - 1), abs=1e-3)
    assert value(axioms, "first-order term (x~ - x) dL/dx") == pytest.approx((steps - 1) / steps, abs=1e-3)


def test_released_samples_leave_the_half_space_by_as_much_again(axioms):
    assert value(axioms, "sample as released") == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("attack", ["both", "untargeted", "targeted"])
def test_what_is_looked_at_is_what_a_plain_loop_visits(attack):
    """Section 3.4 in float64, a branch at a time: x~_{j+1} = clip(x + epsilon/2 d(x~_j)), x^ = clip(x~ + epsilon/2 d(x~))."""
    network, x = stated.smooth_network(SEED, 0), stated.images(SEED, 0)[:2]
    classifier = Classifier(stated.smooth_network(SEED, 0))
    logits = network(x).detach()
    target = logits.argmax(1).tolist()
    found = stated.explored(classifier, x, target, SEED, steps=4, targets=2, spatial_range=5.0, attack=attack)
    network = network.double()
    for one, label, scores, (near, far, slopes) in zip(x.double(), target, logits, found, strict=True):
        others = [int(c) for c in np.argsort(-scores.numpy()) if c != label][:2]
        branches = [(c, 1) for c in others] * (attack != "untargeted") + [(label, -1)] * (attack != "targeted")
        for branch, (c, way) in enumerate(branches):
            at = one
            for step in range(4):
                points = at[None].clone().requires_grad_(True)
                scored = [torch.log_softmax(network(points), 1)[0, k] for k in (c, label)]
                up, own = (torch.autograd.grad(score, points, retain_graph=True)[0][0] for score in scored)
                move = one / 10 * way * up.sign()
                assert torch.allclose(near[step, branch].double(), at, atol=1e-6)
                assert torch.allclose(far[step, branch].double(), (at + move).clamp(0, 1), atol=1e-6)
                assert torch.allclose(slopes[step, branch].double(), -own, rtol=1e-4, atol=1e-6)
                at = (one + move).clamp(0, 1)


@pytest.mark.parametrize(("change", "part"), [(4.0, "sample x~"), (1.2, "exploration x^")])
def test_a_method_that_leaves_its_local_space_is_seen(monkeypatch, change, part):
    """Steps that are longer than epsilon / 2."""
    real = stated.la
    monkeypatch.setattr(stated, "la", lambda *given, **own: real(*given, **own | {"spatial_range": own["spatial_range"] / change}))
    rows = stated.local_space(SEED, 0, stated.images(SEED, 0)[:2])
    assert max(row[3] for row in rows if part in row[2]) > 1e-3


def test_the_networks_of_invariance_differ_and_have_no_batch_norm_left():
    network = stated.normalised_network(SEED, 0)
    folded = stated.fuse(network)
    norms = [sum(isinstance(part, nn.BatchNorm2d) for part in one.modules()) for one in (network, folded)]
    assert norms == [2, 0]
    x = stated.images(SEED, 0)
    assert torch.allclose(network(x), folded(x), atol=1e-5) and float(network(x).std(0).min()) > 1e-3


# --- section 4.3 ----------------------------------------------------------------------------------------------------------


def test_printed_scores_in_plain_numbers():
    p = torch.tensor([0.1, 0.4, 0.9])
    assert stated.printed_insertion(p) == pytest.approx((0.3 + 0.8) / 2)
    assert stated.printed_deletion(p.flip(0)) == pytest.approx((0.5 + 0.8) / 2)


def test_pixels_come_and_go_in_the_order_of_the_map():
    x, order = torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 3), torch.tensor([2, 0, 1])
    assert stated.built_up(x, order).flatten(1).tolist() == [[0, 0, 0], [0, 0, 3], [1, 0, 3], [1, 2, 3]]
    assert stated.taken_away(x, order).flatten(1).tolist() == [[1, 2, 3], [1, 2, 0], [0, 2, 0], [0, 0, 0]]


# --- printed gains --------------------------------------------------------------------------------------------------------


@pytest.fixture
def printed() -> Found:
    """The paper's numbers, two methods going by the names of their entries."""
    names = {"sg": "la_smoothgrad", "agi": "la_agi"}
    reported = {"file": "local-attribution-mm2024.csv", "names": names}
    return Found(Given({}, {"seed": SEED, "models": {}, "reported": reported}))


def test_the_texts_numbers_follow_from_table_1(printed, tmp_path):
    """Section 4.5's ten, but for the rounding of the cells; the abstract's two against AGI and AttEXplore, as means of ratios."""
    data, seen = get("artefact", "la_gains").function(printed, reported="table1", latest=("la_agi", "attexplore"))
    options = {"columns": ["computed"], "printed": ["printed"]}
    section = of_table("exact", data, tmp_path, rows={"where": "section4.5"}, tolerance=1e-5, **options)
    assert word(section) == "holds" and len(section.cells) == 10
    two = {"where": "abstract", "against": "AGI and AttEXplore", "summary": "mean of ratios"}
    abstract = of_table("exact", data, tmp_path, rows=two, tolerance=0.005, **options)
    assert word(abstract) == "holds" and [cell["printed"] for cell in abstract.cells] == [38.21, 11.52]
    rest = of_table("exact", data, tmp_path, rows={"where": "abstract"}, tolerance=0.005, **options)
    assert [cell["side"] for cell in rest.cells].count("against") == 6
    assert len(seen) == len(data) and seen["printed"].tolist().count("38.21") == 4


def test_gains_of_a_table_in_plain_numbers():
    cells = [("a", "la", 0.6, 0.1), ("a", "agi", 0.4, 0.2), ("a", "sm", 0.2, 0.05)]
    cells += [("b", "la", 0.5, 0.3), ("b", "agi", 0.5, 0.4), ("b", "sm", 0.4, 0.3)]
    games = ("insertion_score", "deletion_score")
    rows = [(model, method, game, one) for model, method, *two in cells for game, one in zip(games, two, strict=True)]
    table = pd.DataFrame(rows, columns=["model", "method", "metric", "value"])
    found = shown.mean_gains(table, "la", ["agi"]).set_index(["quantity", "model", "against", "summary"])["computed"]
    expected = {
        ("mean_insertion_gain", "a", "all", "mean"): (0.2 + 0.4) / 2,
        ("mean_insertion_gain", "", "all", "mean"): (0.2 + 0.4 + 0.0 + 0.1) / 4,
        ("mean_deletion_reduction", "b", "all", "mean"): (0.1 + 0.0) / 2,
        ("insertion_gain_percent", "", "AGI", "mean of ratios"): 100 * (0.2 / 0.4 + 0.0) / 2,
        ("insertion_gain_percent", "", "all", "mean of ratios"): 100 * (0.5 + 2.0 + 0.0 + 0.25) / 4,
        ("insertion_gain_percent", "", "all", "ratio of means"): 100 * (1.1 / 2 - 1.5 / 4) / (1.5 / 4),
        ("deletion_reduction_percent", "", "AGI", "ratio of means"): 100 * (0.3 - 0.2) / 0.3,
        ("deletion_reduction_percent", "", "all", "mean of ratios"): 100 * (0.5 - 1.0 + 0.25 + 0.0) / 4,
    }
    for key, one in expected.items():
        assert found[key] == pytest.approx(one), key
    with refused("no printed numbers of lime", "la, agi, sm"):
        shown.mean_gains(table, "la", ["lime"])


# --- Fig. 2 ---------------------------------------------------------------------------------------------------------------

SIZES = {"agi": 0.05, "la": lambda image: image / 20, "mfaba": 0.001}


def test_walks_are_those_of_a_plain_loop():
    network, x = stated.smooth_network(SEED, 1), stated.images(SEED, 1)
    found = stated.survival(Classifier(stated.smooth_network(SEED, 1)), x, SIZES, 6)
    assert found.shape == (len(x), 3, 7) and found[:, :, 0].all() and 0 < found[:, :2, 1:].mean() < 1
    for image, walks in zip(x, found, strict=True):
        predicted = network(image[None]).argmax(1)
        for step, walk in zip((torch.tensor(0.05), image / 20, torch.tensor(0.001)), walks, strict=True):
            at, kept = image.clone(), []
            for _ in range(7):
                points = at[None].requires_grad_(True)
                logits = network(points)
                kept.append(bool(logits.argmax(1) == predicted))
                slope = torch.autograd.grad(log_probability(logits, predicted).sum(), points)[0][0]
                at = torch.clip(at - step * slope.sign(), 0, 1).detach()
            assert walk.tolist() == kept


def test_an_images_walk_does_not_depend_on_the_others():
    classifier, x = Classifier(stated.smooth_network(SEED, 2)), torch.cat([stated.images(SEED, number) for number in range(6)])
    every = stated.survival(classifier, x, SIZES, 4, micro_batch=16)
    alone = [stated.survival(classifier, x[place : place + 1], SIZES, 4)[0] for place in (0, 11, 23)]
    assert (every[[0, 11, 23]] == np.stack(alone)).all()


class Wave(nn.Module):
    """Logit cos(20 pi x) of class 0 beside 0: (N, 1, 1, 1) -> (N, 2)."""

    def forward(self, x):
        one = torch.cos(20 * torch.pi * x.flatten(1)[:, 0])
        return torch.stack([one, torch.zeros_like(one)], 1)


def test_a_walk_goes_on_after_its_first_loss():
    """From just beside a crest into the trough and back, for ever."""
    kept = stated.survival(Classifier(Wave()), torch.full((1, 1, 1, 1), 0.502), {"agi": 0.05}, 5)
    assert kept.tolist() == [[[True, False, True, False, True, False]]]


@pytest.fixture
def walked(tmp_path):
    """Six real images on two linear networks, whose class is lost when |x| has moved enough: (figure, data)."""
    bench, rng = Bench(tmp_path, "inception", "vgg"), np.random.default_rng(0)
    for model in ("inception", "vgg"):
        bench.linear(model, torch.from_numpy(rng.normal(0, 0.05, (4, *bench.shape)).astype("float32")))
    options = {"models": ["inception", "vgg"], "images": 5, "iterations": 4, "spatial_range": 2.0}
    return bench, get("artefact", "attack_survival").function(bench.found, **options)


def test_shares_are_of_the_images_with_wilsons_interval(walked):
    bench, (figure, data) = walked
    assert len(data) == 2 * 3 * 5 * 5 and set(data["image_id"]) == set(bench.index["image_id"][:5]) and (data["n"] == 5).all()
    for _, part in data.groupby(["model", "step", "iteration"]):
        hits = part["keeps_class"].sum()
        assert (part["share"] == hits / 5).all()
        assert part["low"].iloc[0] <= hits / 5 <= part["high"].iloc[0]
    known = shown.survival_table(np.arange(100).reshape(100, 1, 1) < 50, [str(one) for one in range(100)], ["agi"])
    assert known[["low", "high"]].iloc[0].tolist() == pytest.approx([0.4038, 0.5962], abs=1e-4)  # Wilson, 50 of 100
    figure.canvas.draw()
    assert [axis.get_title() for axis in figure.axes] == [f"{key}_small\nin place of {key}-1" for key in ("inception", "vgg")]
    for axis, (_, mine) in zip(figure.axes, data.groupby("model"), strict=True):
        for line, step in zip(axis.lines, ("agi", "la", "mfaba"), strict=False):
            expected = mine[mine["step"] == step].groupby("iteration")["keeps_class"].mean()
            assert line.get_ydata() == pytest.approx(expected.to_numpy())


def table(lost: dict) -> pd.DataFrame:
    """Of each model and step, of 100 images so many that have lost their class at iteration 2."""
    parts = []
    for (model, step), count in lost.items():
        kept = np.ones((100, 1, 3), bool)
        kept[:count, :, 2] = False
        parts.append(shown.survival_table(kept, [f"i{one}" for one in range(100)], [step]).assign(model=model))
    return pd.concat(parts)


KEEPS = dict(
    models=["inception", "vgg"],
    column="keeps_class",
    one={"iteration": 2},
    other={"iteration": 0},
    rows={"step": "agi"},
    cells=["model"],
    beside={"step": ["la", "mfaba"]},
)


def test_most_have_lost_their_class_is_judged_on_one_step_and_told_of_the_others(tmp_path):
    lost = {("inception", "agi"): 80, ("vgg", "agi"): 70, ("inception", "la"): 55, ("vgg", "la"): 20}
    lost |= {("inception", "mfaba"): 0, ("vgg", "mfaba"): 1}
    judged = of_table("rows_share", table(lost), tmp_path, **KEEPS)
    assert word(judged) == "reproduced" and [cell["estimate"] for cell in judged.cells] == [0.8, 0.7]
    without = of_table("rows_share", table(lost), tmp_path, **KEEPS | {"beside": None})
    assert judged.cells == without.cells
    notes = [note for note in judged.notes if note.startswith("beside")]
    assert [note.partition(":")[0] for note in notes] == ["beside it, la", "beside it, mfaba"]
    assert " 0.55 [" in notes[0] and " 0.20 [" in notes[0] and " 0.01 [" in notes[1]


@pytest.mark.parametrize(("counts", "expected"), [((80, 55), "mixed"), ((55, 45), "undecided"), ((20, 30), "reversed")])
def test_a_share_near_a_half_is_open(tmp_path, counts, expected):
    lost = {("inception", "agi"): counts[0], ("vgg", "agi"): counts[1]}
    assert word(of_table("rows_share", table(lost), tmp_path, **KEEPS | {"beside": None})) == expected


# --- Figs 8 and 9 ---------------------------------------------------------------------------------------------------------


def curve(score: str, *means, spread: float = 0.05, key: int = 0) -> dict:
    """Forms whose mean scores are these, with noise of their own around what an image scores everywhere."""
    common = 0.3 * normal(0.0, key=900 + key)
    return {f"la-s{place}": {score: common + mean + spread * normal(0.0, key=10 * key + place)} for place, mean in enumerate(means)}


def both(up: tuple, down: tuple, **options) -> dict:
    """Insertion and deletion scores of the same forms."""
    one, other = curve(UP, *up, **options), curve(DOWN, *down, key=5, **options)
    return {name: {**one[name], **other[name]} for name in one}


def follow(name: str, values: dict, at=(5, 10, 20, 40), **options):
    sweep = [{"name": f"la-s{place}", "series": "la", "values": {"spatial_range": s, "steps": 20}} for place, s in enumerate(at)]
    return compare(name, Fake(values), sweep=sweep, **options)


def slopes(means, at=(5, 10, 20, 40)) -> list[float]:
    steps = range(len(means) - 1)
    return [(means[i + 1] - means[i]) / (np.log(at[i + 1]) - np.log(at[i])) for i in steps]


SHAPES = {
    "peak": lambda means: max(means[1:-1]) - max(means[0], means[-1]),
    "concave": lambda means: min(one - other for one, other in zip(slopes(means), slopes(means)[1:], strict=False)),
}


@pytest.mark.parametrize(
    ("means", "shape", "estimate", "expected"),
    [
        ((0.1, 0.5, 0.4, 0.2), "peak", 0.3, "reproduced"),
        ((0.1, 0.2, 0.3, 0.5), "peak", -0.2, "reversed"),
        ((0.5, 0.3, 0.2, 0.1), "peak", -0.2, "reversed"),
        ((0.1, 0.5, 0.4, 0.4999), "peak", 0.0001, "undecided"),
        ((0.1, 0.5, 0.7, 0.8), "concave", 0.1 / np.log(2), "reproduced"),
        ((0.1, 0.2, 0.4, 0.8), "concave", -0.2 / np.log(2), "reversed"),
        ((0.1, 0.4, 0.7, 0.71), "concave", 0.0, "undecided"),
    ],
)
def test_peaks_and_bends_of_the_mean_curve(means, shape, estimate, expected):
    values = curve(UP, *means)
    judged = follow("trend", {"inception": values}, score=UP, statistic=shape)
    (cell,) = judged.cells
    drawn = oracle.weights(IMAGES, SEED)
    curves = zip(*(oracle.means(one[UP].tolist(), drawn) for one in values.values()), strict=True)
    draws = [SHAPES[shape](one) for one in curves]
    assert cell["estimate"] == pytest.approx(estimate, abs=1e-9) and word(judged) == expected
    assert limits(cell) == pytest.approx((oracle.quantile(draws, 0.025), oracle.quantile(draws, 0.975)), abs=1e-9)


def test_a_bend_is_measured_against_the_logarithm_of_the_parameter():
    """s = 1, 10, 1000: a straight line in log s has means in proportion to 0, 1, 3."""
    judged = follow("trend", {"inception": curve(UP, 0.0, 1.0, 3.0)}, at=(1, 10, 1000), score=UP, statistic="concave")
    assert judged.cells[0]["estimate"] == pytest.approx(0.0, abs=1e-9)


def test_a_peak_tells_where_it_is_in_how_many_draws():
    values = curve(UP, 0.1, 0.5, 0.495, 0.1)
    judged = follow("trend", {"inception": values}, score=UP, statistic="peak")
    drawn = oracle.weights(IMAGES, SEED)
    first, second = (oracle.means(values[f"la-s{place}"][UP].tolist(), drawn) for place in (1, 2))
    share = 100 * sum(one > other for one, other in zip(first, second, strict=True)) / len(drawn)
    assert 1 < share < 99
    assert judged.notes == [
        f"INCEPTION-16: of the bootstrap draws the mean is largest at spatial range 10 in {share:.1f} %, 20 in {100 - share:.1f} %"
    ]


FIG9 = {UP: ["peak"], DOWN: ["rank", "concave"]}
FIG8 = {UP: ["rise", "levelling"], DOWN: "rank"}


@pytest.mark.parametrize(
    ("up", "down", "shapes", "expected"),
    [
        ((0.1, 0.5, 0.4, 0.2), (0.1, 0.3, 0.4, 0.45), FIG9, ["for", "for", "for"]),
        ((0.1, 0.2, 0.4, 0.6), (0.1, 0.3, 0.4, 0.45), FIG9, ["against", "for", "for"]),
        ((0.1, 0.5, 0.4, 0.2), (0.1, 0.2, 0.4, 0.8), FIG9, ["for", "for", "against"]),
        ((0.1, 0.5, 0.4, 0.2), (0.8, 0.4, 0.2, 0.1), FIG9, ["for", "against", "against"]),
        ((0.1, 0.5, 0.7, 0.75), (0.1, 0.2, 0.4, 0.8), FIG8, ["for", "for", "for"]),
        ((0.1, 0.2, 0.4, 0.8), (0.1, 0.2, 0.4, 0.8), FIG8, ["for", "against", "for"]),
        ((0.7, 0.5, 0.4, 0.3), (0.1, 0.2, 0.4, 0.8), FIG8, ["against", "open", "for"]),
    ],
)
def test_a_figure_is_as_the_paper_says_where_all_its_curves_are(up, down, shapes, expected):
    judged = follow("trends", {"inception": both(up, down)}, scores=[UP, DOWN], shapes=shapes)
    assert [cell["side"] for cell in judged.cells] == expected
    assert word(judged) == ("reproduced" if set(expected) == {"for"} else "mixed")


def test_cells_of_all_scores_shapes_and_models_hold_together():
    values = {
        "inception": both((0.1, 0.5, 0.4, 0.2), (0.1, 0.3, 0.4, 0.45)),
        "vgg": both((0.1, 0.2, 0.3, 0.2), (0.4, 0.3, 0.2, 0.1)),
    }
    judged = follow("trends", values, scores=[UP, DOWN], shapes=FIG9)
    assert len(judged.cells) == 6 and len({cell["label"] for cell in judged.cells}) == 6
    drawn = oracle.weights(IMAGES, SEED)
    curves = zip(*(oracle.means(one[UP].tolist(), drawn) for one in values["vgg"].values()), strict=True)
    draws = [SHAPES["peak"](one) for one in curves]
    expected = oracle.quantile(draws, 0.025 / 6), oracle.quantile(draws, 1 - 0.025 / 6)
    assert limits(judged.cells[3]) == pytest.approx(expected, abs=1e-9)
    alone = follow("trend", values, score=UP, statistic="peak").cells
    assert [cell["estimate"] for cell in alone] == [judged.cells[place]["estimate"] for place in (0, 3)]


def test_a_parameter_without_any_effect_has_no_shape():
    values = {f"la-s{place}": {UP: normal(0.3), DOWN: normal(0.2)} for place in range(4)}
    shapes = {UP: ["peak", "rise", "levelling", "rank"], DOWN: ["peak", "rank", "levelling"]}
    assert word(follow("trends", {"inception": values}, scores=[UP, DOWN], shapes=shapes)) == "undecided"


def test_what_cannot_be_judged_is_said():
    values = {"inception": both((0.1, 0.5), (0.1, 0.3))}
    with pytest.raises(NotRun, match="2 points"):
        follow("trend", values, at=(5, 10), score=UP, statistic="peak")
    four = {"inception": both((0.1, 0.5, 0.4, 0.2), (0.1, 0.3, 0.4, 0.45))}
    with pytest.raises(NotRun, match="one parameter above 0"):
        follow("trend", four, at=(0, 1, 2, 3), score=UP, statistic="concave")
    with refused("trends", "shapes are of la_insertion_auc", "each of la_insertion_auc, la_deletion_auc"):
        follow("trends", four, scores=[UP, DOWN], shapes={UP: "peak"})
    with refused("trends", "the shape of la_insertion_auc is 'round'", "rank, rise, levelling, peak, concave"):
        follow("trends", four, scores=[UP], shapes={UP: "round"})
