"""The methods whose path the classifier decides, against slow versions written from their equations."""

import pytest
import torch

import pathattr
from oracles import guided, paths, straight
from pathattr import attribute
from pathattr.api import attribute_counted

from .helpers import assert_close, linear_classifier, refused
from .test_methods_against_oracles import SEED, by_library
from .test_paths_against_oracles import at_predictions, check, compare, more_images, named


@pytest.fixture
def trained(standin):
    return more_images(standin)


@pytest.fixture
def predicted(smooth):
    return at_predictions(smooth)


# Guided IG.


def gig(network, x, target, _, *, steps, fraction=0.25, max_dist=0.02, baseline=0.0, objective="logit"):
    return guided.guided(network, x, target, steps, fraction, max_dist, baseline, objective)


GIG = [
    ("gig", dict(steps=1)),
    ("gig", dict(steps=6)),
    ("gig", dict(steps=5, max_dist=0.3)),
    ("gig", dict(steps=5, max_dist=1.0, fraction=0.1, baseline=0.4)),
    ("gig", dict(steps=4, fraction=0.7, max_dist=0.1, objective="probability")),
    ("gig", dict(steps=4, fraction=1.0, baseline=1.0, objective="loss")),
    ("gig", dict(steps=4, max_dist=0.0)),
]


@pytest.mark.parametrize("method, parameters", GIG, ids=named(GIG))
def test_gig_on_the_smooth_network(smooth, method, parameters):
    compare(smooth, method, parameters, gig)


@pytest.mark.parametrize("max_dist", [0.02, 0.3])
def test_gig_on_the_stand_ins(trained, max_dist):
    compare(trained, "gig", dict(steps=3, max_dist=max_dist), gig, 1e-4, kinks=True)


@pytest.mark.parametrize("baseline", [0.0, 0.3])
@pytest.mark.parametrize("parameters", [{}, dict(steps=3, fraction=0.6, max_dist=0.5)], ids=str)
def test_gig_of_a_linear_function_is_slope_times_displacement(parameters, baseline):
    weight = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(8))
    x = torch.rand(2, 2, 4, 4, generator=torch.Generator().manual_seed(9))
    found = attribute("gig", linear_classifier(weight), x, [2, 0], baseline=baseline, **parameters)["vanilla"]
    assert_close(found, weight[[2, 0]] * (x - baseline), 1e-5)


def test_gig_bound_to_the_line_is_ig_with_gradients_at_the_left(smooth):
    def left(network, x, target, _, *, steps, max_dist):
        return sum(x / steps * straight.slope(network, x * step / steps, target) for step in range(steps))

    compare(smooth, "gig", dict(steps=5, max_dist=0.0), left)


def test_the_sum_of_gig_approaches_the_difference_of_the_function(smooth):
    there = smooth.network(smooth.x.double()) - smooth.network(torch.zeros(1, 3, 8, 8, dtype=torch.float64))
    there = there[range(4), smooth.target]
    gaps = []
    for steps in (8, 32, 128):
        found = by_library("gig", smooth, steps=steps)["vanilla"].double().sum((1, 2, 3))
        gaps.append(float((found - there).abs().max()))
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2]
    assert gaps[2] < 0.02 * float(there.abs().max())


def test_gig_gives_exactly_zero_where_image_and_baseline_agree(smooth):
    x = smooth.x.clone()
    x[:, :, :3] = 0.5
    found = attribute("gig", smooth.classifier, x, smooth.target, steps=4, baseline=0.5)["vanilla"]
    assert (found[:, :, :3] == 0).all() and (found[:, :, 3:] != 0).all()
    same = torch.full_like(x, 0.5)
    assert (attribute("gig", smooth.classifier, same, smooth.target, steps=3, baseline=0.5)["vanilla"] == 0).all()


# MFABA.


def mfaba(network, x, target, _, **parameters):
    return guided.mfaba(network, x, target, **parameters)


MFABA = [
    ("mfaba", dict(steps=1, step_size=0.001)),
    ("mfaba", dict(steps=5, step_size=0.001)),
    ("mfaba", dict(steps=12, step_size=0.02)),
    ("mfaba", dict(steps=6, step_size=0.1, norm="l2")),
    ("mfaba", dict(steps=10, step_size=0.5, norm="l2")),
    ("mfaba", dict(steps=4, step_size=0.01, objective="logit")),
]


@pytest.mark.parametrize("method, parameters", MFABA, ids=named(MFABA))
def test_mfaba_on_the_smooth_network(predicted, method, parameters):
    compare(predicted, method, parameters, mfaba, 1e-4)


@pytest.mark.parametrize("parameters", [dict(steps=3, step_size=0.001), dict(steps=3, step_size=0.1, norm="l2")], ids=str)
def test_mfaba_on_the_stand_ins(trained, parameters):
    compare(trained, "mfaba", parameters, mfaba, 1e-4, kinks=True)


def test_mfaba_is_never_negative_and_no_more_than_the_steps(predicted):
    slope = by_library("inputgrad", predicted, objective="probability")["vanilla"]
    one = by_library("mfaba", predicted, steps=1, step_size=0.01)["vanilla"]
    room = torch.where(slope > 0, predicted.x, 1 - predicted.x).clamp_max(0.01)  # where the step is clipped
    assert_close(one, room * slope.abs(), 1e-4)
    assert (by_library("mfaba", predicted, steps=20, step_size=0.05)["vanilla"] >= 0).all()


def test_mfaba_of_a_class_that_is_not_predicted_is_zero(predicted):
    target = [(label + 1) % 5 for label in predicted.target]
    found, counts = attribute_counted("mfaba", predicted.classifier, predicted.x, target, steps=3)
    assert (found["vanilla"] == 0).all() and (counts["gradients"] <= 1).all()


def test_mfaba_stops_where_the_class_is_lost(predicted):
    def run(steps):
        options = dict(ids=predicted.ids, seed=SEED, steps=steps, step_size=0.02)
        return attribute_counted("mfaba", predicted.classifier, predicted.x, predicted.target, **options)

    (maps, counts), (longer, _) = run(30), run(40)
    stopped = counts["gradients"].to_numpy() < 30
    assert stopped.any()
    assert torch.equal(maps["vanilla"][stopped], longer["vanilla"][stopped])


# AttEXplore.

ATTEXPLORE = [
    ("attexplore", dict(steps=1, samples=1)),
    ("attexplore", dict(steps=3, samples=4)),
    ("attexplore", dict(steps=2, samples=2, epsilon=0.3)),
    ("attexplore", dict(steps=2, samples=3, objective="logit")),
]


def attexplore(network, x, target, draws_of, *, steps, samples, epsilon=16 / 255, objective="loss"):
    return guided.attexplore(network, x, target, draws_of, steps, samples, epsilon, objective)


@pytest.mark.parametrize("method, parameters", ATTEXPLORE, ids=named(ATTEXPLORE))
def test_attexplore_on_the_smooth_network(smooth, method, parameters):
    compare(smooth, method, parameters, attexplore, 1e-4)


def test_attexplore_on_the_stand_ins(trained):
    """32 x 32, where copies are resized and padded in earnest."""
    compare(trained, "attexplore", dict(steps=2, samples=2), attexplore, 1e-4, kinks=True)


def test_attexplore_is_never_negative(smooth):
    found = by_library("attexplore", smooth, steps=4, samples=2)["vanilla"]
    assert (found >= 0).all() and (found > 0).any()


def test_attexplore_takes_square_images_only():
    classifier = linear_classifier(torch.ones(3, 2, 4, 6))
    with refused("attexplore", "4", "6"):
        attribute("attexplore", classifier, torch.rand(1, 2, 4, 6), [0], steps=1, samples=1)


# LA.


def la(
    network,
    x,
    target,
    draws_of,
    *,
    steps,
    targets=9,
    spatial_range=20.0,
    attack="both",
    constraint="linear",
    as_released=False,
    objective="log_probability",
):
    return guided.local(network, x, target, draws_of, steps, targets, spatial_range, attack, constraint, as_released, objective)


LA = [
    ("la", dict(steps=1, targets=1)),
    ("la", dict(steps=3, targets=4)),
    ("la", dict(steps=3, targets=2, attack="targeted", spatial_range=3.0)),
    ("la", dict(steps=3, targets=2, attack="untargeted", constraint="constant")),
    ("la", dict(steps=2, targets=2, constraint="constant", spatial_range=2.0, objective="probability")),  # clipped at both ends
    ("la", dict(steps=2, targets=3, objective="probability")),
    ("la", dict(steps=3, targets=2, as_released=True)),
    ("la", dict(steps=3, targets=3, as_released=True, attack="targeted", spatial_range=4.0)),
    ("la", dict(steps=3, targets=2, as_released=True, attack="untargeted", objective="probability")),
    ("la", dict(steps=3, targets=2, as_released=True, constraint="constant", spatial_range=3.0, objective="log_probability")),
]


@pytest.mark.parametrize("method, parameters", LA, ids=named(LA))
def test_la_on_the_smooth_network(smooth, method, parameters):
    compare(smooth, method, parameters, la, 1e-4)


@pytest.mark.parametrize("as_released", [False, True])
def test_la_on_the_stand_ins(trained, as_released):
    compare(trained, "la", dict(steps=2, targets=2, as_released=as_released), la, 1e-4, kinks=True, signs=True)


def test_la_of_one_untargeted_step_is_half_the_room_times_the_size_of_the_slope(smooth):
    x = smooth.x * 0.9  # far enough from white for no step to be clipped
    slope = attribute("inputgrad", smooth.classifier, x, smooth.target, objective="loss")["vanilla"]
    options = dict(steps=1, spatial_range=20.0, attack="untargeted")
    linear = attribute("la", smooth.classifier, x, smooth.target, **options)["vanilla"]
    assert_close(linear, x / 40 * slope.abs(), 1e-5)
    constant = attribute("la", smooth.classifier, x * 0.9 + 0.05, smooth.target, constraint="constant", **options)["vanilla"]
    slope = attribute("inputgrad", smooth.classifier, x * 0.9 + 0.05, smooth.target, objective="loss")["vanilla"]
    assert_close(constant, slope.abs() / 40, 1e-5)


def test_la_of_one_targeted_step_goes_towards_the_most_probable_other_class(smooth):
    x, logits = smooth.x * 0.9, smooth.classifier.logits(smooth.x * 0.9)
    logits[range(4), smooth.target] = -torch.inf
    towards = attribute("inputgrad", smooth.classifier, x, logits.argmax(1), objective="loss")["vanilla"]
    slope = attribute("inputgrad", smooth.classifier, x, smooth.target, objective="loss")["vanilla"]
    found = attribute("la", smooth.classifier, x, smooth.target, steps=1, targets=1, attack="targeted", spatial_range=20.0)
    assert_close(found["vanilla"], -x / 40 * towards.sign() * slope, 1e-5)


def test_la_is_the_mean_of_its_branches(smooth):
    parts = {
        (attack, targets): by_library("la", smooth, steps=2, targets=targets, attack=attack)["vanilla"]
        for attack, targets in (("both", 2), ("targeted", 2), ("untargeted", 2))
    }
    expected = (2 * parts["targeted", 2] + parts["untargeted", 2]) / 3
    assert_close(parts["both", 2], expected, 1e-5)


@pytest.mark.parametrize("as_released", [False, True])
def test_la_sees_nothing_of_black_pixels_unless_the_room_is_constant(smooth, as_released):
    x = smooth.x.clone()
    x[:, :, :3] = 0.0
    options = dict(steps=2, targets=2, as_released=as_released)
    linear = attribute("la", smooth.classifier, x, smooth.target, **options)["vanilla"]
    assert (linear[:, :, :3] == 0).all() and (linear[:, :, 3:] != 0).any()
    constant = attribute("la", smooth.classifier, x, smooth.target, constraint="constant", **options)["vanilla"]
    assert (constant[:, :, :3] != 0).any()


def test_la_attacks_all_other_classes_where_there_are_fewer(smooth):
    options = dict(ids=smooth.ids, steps=1)
    few, many = (attribute_counted("la", smooth.classifier, smooth.x, smooth.target, targets=n, **options) for n in (4, 19))
    assert (
        torch.equal(few[0]["vanilla"], many[0]["vanilla"])
        and few[1]["gradients"].tolist() == many[1]["gradients"].tolist() == [9] * 4
    )
    with refused("la", "spatial_range", "0"):
        attribute("la", smooth.classifier, smooth.x, smooth.target, spatial_range=0.0)


# Credible.


def some_baselines(case, count: int):
    """(N, count, C, H, W) of random pixels."""
    generator = torch.Generator().manual_seed(count)
    return torch.rand(len(case.x), count, *case.x.shape[1:], generator=generator)


def check_credible(case, count, steps, tolerance=1e-5, kinks=False, **options):
    baselines = some_baselines(case, count)

    def oracle(network, x, target, draws_of):
        own = baselines[[torch.equal(x.float(), other) for other in case.x].index(True)].double()
        return {"vanilla": guided.credible(network, x, target, own, draws_of("credible"), steps, **options)}

    check(case, by_library("credible", case, steps=steps, baselines=baselines, **options), oracle, tolerance, kinks)


@pytest.mark.parametrize("count, steps, objective", [(1, 1, "logit"), (1, 6, "loss"), (3, 8, "logit"), (2, 6, "probability")])
def test_credible_on_the_smooth_network(smooth, count, steps, objective):
    check_credible(smooth, count, steps, objective=objective)


def test_credible_on_the_stand_ins(trained):
    check_credible(trained, 2, 4, 1e-4, kinks=True)


@pytest.mark.parametrize("count, steps", [(1, 6), (3, 8)])
def test_credible_as_printed_on_the_smooth_network(smooth, count, steps):
    check_credible(smooth, count, steps, as_printed=True)


def test_credible_as_printed_of_a_linear_function_keeps_what_the_image_has_more_of():
    """There the sign test keeps the features above their baseline, and |x - x~| < 1 passes the test of the size."""
    weight = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(8))
    x = torch.rand(2, 2, 4, 4, generator=torch.Generator().manual_seed(9))
    baselines = torch.rand(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(10))
    found = attribute("credible", linear_classifier(weight), x, [2, 0], steps=12, baselines=baselines, as_printed=True)["vanilla"]
    assert_close(found, (weight[[2, 0]][:, None] * (x[:, None] - baselines).clamp_min(0)).mean(1), 1e-5)


def test_credible_from_the_image_itself_is_exactly_zero(smooth):
    found = by_library("credible", smooth, steps=4, baselines=smooth.x[:, None].repeat(1, 2, 1, 1, 1))["vanilla"]
    assert (found == 0).all()


# BIG and its boundary.

BOUNDARY = [
    dict(radii=(0.5,), attack_steps=3),
    dict(radii=(0.05, 0.4, 1.5, 4.0), attack_steps=6),
    dict(radii=(0.001, 0.002), attack_steps=2),  # out of reach
]


@pytest.mark.parametrize("parameters", BOUNDARY, ids=str)
def test_the_boundary_is_the_first_radius_whose_attack_succeeds(smooth, parameters):
    check_boundary(smooth, parameters)


def test_the_boundary_of_the_stand_ins(standin):
    check_boundary(standin, dict(radii=(0.1, 1.0), attack_steps=4))


def check_boundary(case, parameters):
    found, table = pathattr.baselines("boundary", case.classifier, case.x, case.target, ids=case.ids, seed=SEED, **parameters)
    assert found.shape == (len(case.x), 1, *case.x.shape[1:]) and table["image_id"].tolist() == case.ids
    for number, x in enumerate(case.x.double()):
        expected, met, _, _ = guided.boundary(case.network, x, **parameters)
        assert_close(found[number, 0] - case.x[number], expected - x, 1e-3)
        assert bool(table["met"][number]) == met
        assert table["distance"][number] == pytest.approx(float((expected - x).norm()), rel=1e-3)
        assert met == (guided.predicted(case.network, found[number, 0].double()) != guided.predicted(case.network, x))


def test_some_boundaries_are_found_and_some_are_not(smooth):
    met = [
        pathattr.baselines("boundary", smooth.classifier, smooth.x, smooth.target, ids=smooth.ids, **parameters)[1]["met"]
        for parameters in BOUNDARY[1:]
    ]
    assert met[0].any() and not met[1].any()


@pytest.mark.parametrize("steps, rule", [(4, "trapezoid"), (3, "midpoint")])
def test_big_is_ig_from_the_boundary(smooth, steps, rule):
    check_big(smooth, steps, rule)


def test_big_on_the_stand_ins(trained):
    check_big(trained, 3, "trapezoid", 1e-4, kinks=True)


def check_big(case, steps, rule, tolerance=1e-5, kinks=False):
    baselines = some_baselines(case, 1)

    def oracle(network, x, target, _):
        own = baselines[[torch.equal(x.float(), other) for other in case.x].index(True)].double()
        return {"vanilla": paths.attribution(x, straight.line(network, x, target, own[0], steps, rule))}

    check(case, by_library("big", case, steps=steps, rule=rule, baselines=baselines), oracle, tolerance, kinks)


def test_big_from_one_grey_level_is_ig(smooth):
    grey, table = pathattr.baselines("constant", smooth.classifier, smooth.x, smooth.target, ids=smooth.ids, value=0.25)
    assert table["met"].all()
    found = by_library("big", smooth, steps=4, rule="trapezoid", baselines=grey)["vanilla"]
    assert_close(found, by_library("ig", smooth, steps=4, rule="trapezoid", baseline=0.25)["vanilla"])


# ComputeBaseline.

COMPUTE = [
    dict(blurs=(1.0, 2.0, 4.0), step_size=0.01, tolerance=0.25, delta=5 / 255, iterations=8),
    dict(blurs=(0.7,), step_size=0.03, tolerance=0.001, delta=0.2, iterations=5),
    dict(blurs=(2.0, 1.0), step_size=0.01, tolerance=100.0, delta=5 / 255, iterations=3),  # met at once
]
LOSSES = [COMPUTE[0] | dict(loss=loss, tolerance=0.1) for loss in ("soft", "hard")]


def computed(case, x=None, target=None, **parameters):
    x, target = case.x if x is None else x, target or case.target
    return pathattr.baselines("compute_baseline", case.classifier, x, target, ids=case.ids, seed=SEED, **parameters)


@pytest.mark.parametrize("parameters", [*COMPUTE, *LOSSES], ids=["some", "far", "at once", "soft", "hard"])
def test_compute_baseline_is_algorithm_1(smooth, parameters):
    found, table = computed(smooth, **parameters)
    blurs, rest = parameters["blurs"], {name: value for name, value in parameters.items() if name != "blurs"}
    assert found.shape == (len(smooth.x), len(blurs), 3, 8, 8)
    rows = table.set_index(["image_id", "number"])
    for image, x in enumerate(smooth.x.double()):
        for number, sigma in enumerate(blurs):
            expected, met, iterations, distance = guided.compute_baseline(smooth.network, x, sigma, **rest)
            row = rows.loc[smooth.ids[image], number]
            assert_close(found[image, number], expected, 1e-4)
            assert (bool(row["met"]), int(row["iterations"])) == (met, iterations)
            assert row["distance"] == pytest.approx(distance, rel=1e-4)


@pytest.mark.parametrize(
    "parameters", [*COMPUTE, dict(blurs=(1.0,), delta=0.5, iterations=3)], ids=["some", "far", "at once", "half"]
)
def test_computed_baselines_differ_everywhere_and_tell_how_far_their_logits_are(standin, parameters):
    x = standin.x.contiguous().clone()
    x[:, :, :8], x[:, :, 8:12] = 0.0, 1.0  # no room on one side
    x[:, :, 12:16] = 5 / 255
    found, table = computed(standin, x, **parameters)
    assert found.min() >= 0 and found.max() <= 1
    assert (found - x[:, None]).abs().min() >= parameters["delta"] - 1e-6
    logits = standin.network(x.double())
    tolerance = parameters.get("tolerance", 0.07)
    assert table["image_id"].tolist() == [name for name in standin.ids for _ in parameters["blurs"]]
    for image in range(len(x)):
        for number in range(len(parameters["blurs"])):
            row = table[(table["image_id"] == standin.ids[image]) & (table["number"] == number)].iloc[0]
            distance = float((standin.network(found[image, number : number + 1].double())[0] - logits[image]).norm())
            distance /= float(logits[image].norm())
            assert row["distance"] == pytest.approx(distance, rel=1e-4)
            assert bool(row["met"]) == (distance <= tolerance)
            assert row["iterations"] <= parameters["iterations"]
            assert row["met"] or row["iterations"] == parameters["iterations"]


def test_some_computed_baselines_are_near_enough_and_some_are_not(smooth):
    some, far, at_once = (computed(smooth, **parameters)[1] for parameters in COMPUTE)
    assert some["met"].any() and not some["met"].all() and some.loc[some["met"], "iterations"].max() > 0
    assert not far["met"].any()
    assert at_once["met"].all() and (at_once["iterations"] == 0).all()


def test_more_iterations_come_no_farther(smooth):
    parameters = COMPUTE[0] | dict(tolerance=1e-6)
    far, near = (computed(smooth, **parameters | dict(iterations=steps))[1]["distance"] for steps in (1, 8))
    assert (near <= far).all() and (near < far).any()


def test_computed_baselines_do_not_know_the_class_explained(smooth):
    others = [(label + 1) % 5 for label in smooth.target]
    assert torch.equal(computed(smooth, **COMPUTE[0])[0], computed(smooth, target=others, **COMPUTE[0])[0])


def test_credible_from_its_own_baselines_is_the_whole_method(smooth):
    parameters = COMPUTE[0]
    blurs, rest = parameters["blurs"], {name: value for name, value in parameters.items() if name != "blurs"}

    def oracle(network, x, target, draws_of):
        own = [guided.compute_baseline(network, x, sigma, **rest)[0] for sigma in blurs]
        return {"vanilla": guided.credible(network, x, target, own, draws_of("credible"), 9)}

    check(smooth, by_library("credible", smooth, steps=9, baselines=computed(smooth, **parameters)[0]), oracle, 1e-4)
