"""The Taylor paper's exact results: scores in float64 against hand-worked expansions, Table 1's properties, and what must fail."""

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from scipy import special
from torch import nn

from pathattr import attribute
from pathattr.claim.exact import exact
from pathattr.method.straight import quadrature
from pathattr.model.classifier import Classifier
from pathattr.paper import taylor
from pathattr.plot import style
from pathattr.registry import get

from .helpers import assert_close

X = np.array([0.9, 0.2, 0.6, 0.35])
D = taylor.VALUE - X
COUNT = 6


class Worked(nn.Module):
    """f(z) = 2 z1 - z2^2 + 3 z1 z2 + 5 z1 z3 + z1^2 z3 of four variables; patches z1 z2 and z3 z4."""

    def forward(self, images):
        z1, z2, z3, _ = taylor.as_vectors(images).T
        return (2 * z1 - z2**2 + 3 * z1 * z2 + 5 * z1 * z3 + z1**2 * z3)[:, None]


def score(method, module=None, x=X, **more):
    found = taylor.explained(method, module or Worked(), torch.from_numpy(x)[None], **taylor.SETTINGS[method] | more)
    assert found.dtype == torch.float64
    return found[0].numpy()


# --- the rule of Gauss and Legendre ------------------------------------------------------------------------------------------


def test_gauss_with_two_and_three_nodes_is_the_textbooks():
    nodes, weights = quadrature("gauss", 2)
    assert np.allclose(nodes, [0.5 - 1 / 12**0.5, 0.5 + 1 / 12**0.5], rtol=0, atol=1e-15) and np.allclose(weights, 0.5)
    nodes, weights = quadrature("gauss", 3)
    assert np.allclose(nodes, 0.5 + np.array([-1, 0, 1]) * 0.15**0.5) and np.allclose(weights, np.array([5, 8, 5]) / 18)


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_gauss_is_exact_up_to_degree_twice_the_nodes_less_one_and_no_further(steps):
    nodes, weights = quadrature("gauss", steps)
    errors = [abs(float((weights * nodes**power).sum()) - 1 / (power + 1)) for power in range(2 * steps + 1)]
    assert max(errors[:-1]) < 1e-15 and errors[-1] > 1e-6


def test_two_gauss_points_integrate_a_fourth_power_that_many_midpoints_do_not():
    """F = sum of z^4, gradient of degree 3: A_i = x_i^4 from black, to float32."""

    class Fourth(nn.Module):
        def forward(self, x):
            return (x.flatten(1) ** 4).sum(1, keepdim=True)

    x, classifier = torch.rand(2, 1, 3, 3, generator=torch.Generator().manual_seed(1)), Classifier(Fourth())
    found = attribute("ig", classifier, x, [0, 0], steps=2, rule="gauss")["vanilla"]
    assert_close(found, x.double() ** 4, 1e-6)
    midpoints = attribute("ig", classifier, x, [0, 0], steps=20)["vanilla"]
    assert np.abs(midpoints - x**4).max() > 1e-4


# --- scores worked by hand --------------------------------------------------------------------------------------------------


def test_perturbation_1_of_the_worked_function_is_the_difference_at_each_variable():
    z1, z2, z3, _ = X
    v = taylor.VALUE
    by_hand = [
        2 * (z1 - v) + (3 * z2 + 5 * z3) * (z1 - v) + z3 * (z1**2 - v**2),
        -(z2**2 - v**2) + 3 * z1 * (z2 - v),
        (5 * z1 + z1**2) * (z3 - v),
        0.0,
    ]
    assert np.abs(score("perturbation_1") - by_hand).max() < 1e-14


def test_the_expansion_of_the_worked_function_at_x_gives_every_score():
    """Terms at x: gradient (2 + 3 z2 + 5 z3 + 2 z1 z3, -2 z2 + 3 z1, 5 z1 + z1^2), curvatures 2 z3, -2 and between 1, 2: 3 and
    1, 3: 5 + 2 z1, third order between 1, 1, 3: 2. Scores are minus the sums of these terms."""
    z1, z2, z3, _ = X
    d1, d2, d3, _ = D
    first = np.array([(2 + 3 * z2 + 5 * z3 + 2 * z1 * z3) * d1, (-2 * z2 + 3 * z1) * d2, (5 * z1 + z1**2) * d3, 0])
    own = np.array([z3 * d1**2, -(d2**2), 0, 0])
    pair12, pair13, third = 3 * d1 * d2, (5 + 2 * z1) * d1 * d3, d1**2 * d3
    assert np.abs(score("perturbation_1") + first + own).max() < 1e-14
    whole = (first + own)[:2].sum() + pair12
    assert np.abs(score("perturbation_patch") + [whole, whole, first[2], first[2]]).max() < 1e-14
    shared = [pair12 / 2 + pair13 / 2 + 2 / 3 * third, pair12 / 2, pair13 / 2 + third / 3, 0]
    assert np.abs(score("ig") + first + own + shared).max() < 1e-14
    equally = [pair12 / 2 + pair13 / 2 + third / 2, pair12 / 2, pair13 / 2 + third / 2, 0]  # not k_i / k
    assert np.abs(score("ig") + first + own + equally).max() > 1e-3
    black = first / D * -X  # the baseline of Gradient x Input
    assert np.abs(score("gradient_x_input")[:3] + black[:3]).max() < 1e-14


def test_the_derivatives_and_reformulations_agree_with_the_worked_expansion():
    z1, z2, z3, _ = X
    slope, curvature, third = (part[0].numpy() for part in taylor.derivatives(Worked(), torch.from_numpy(X)[None], 3))
    assert np.allclose(slope, [2 + 3 * z2 + 5 * z3 + 2 * z1 * z3, -2 * z2 + 3 * z1, 5 * z1 + z1**2, 0], atol=1e-14)
    expected = np.zeros((4, 4))
    expected[0, 0], expected[1, 1], expected[0, 1], expected[0, 2] = 2 * z3, -2, 3, 5 + 2 * z1
    assert np.allclose(curvature, np.triu(expected) + np.triu(expected, 1).T, atol=1e-14)
    assert {tuple(place) for place in np.argwhere(third)} == {(0, 0, 2), (0, 2, 0), (2, 0, 0)} and third[0, 0, 2] == 2


def wrong(method, given, moved):
    """Formulas near the right one (slope, curvature, third order), each with one factor changed: name -> scores."""
    slope, curvature = (part.numpy() for part in given[:2])
    d = moved.numpy()
    first, own = slope * d, np.einsum("nii->ni", curvature) * d**2 / 2
    pairs = np.einsum("nij,ni,nj->ni", curvature, d, d) / 2
    right = {"perturbation_1": first + own, "ig": first + pairs}[method]
    return {
        "right": -right,
        "sign": right,
        "no half": -(right + own),
        "first order only": -first,
        "interactions twice": -(right + pairs - own),
        "interactions": -(first + {"perturbation_1": pairs, "ig": own}[method]),
    }


@pytest.mark.parametrize("method", ["perturbation_1", "ig"])
def test_formulas_with_one_wrong_factor_miss_the_scores_of_quadratics(method):
    """The right one, written here a second time in numpy, meets them to rounding; so does none of the others."""
    x = taylor.uniform(1, "x", COUNT, taylor.FEATURES)
    module = taylor.Polynomials(1, COUNT)
    given, moved = taylor.derivatives(module, x, 2), taylor.VALUE - x
    found = taylor.explained(method, module, x, **taylor.SETTINGS[method]).numpy()
    misses = {name: np.abs(found - scores).max() for name, scores in wrong(method, given, moved).items()}
    assert misses.pop("right") < 1e-13
    assert min(misses.values()) > 1e-2, misses


def test_cubics_need_their_third_order():
    x = taylor.uniform(1, "x", COUNT, taylor.FEATURES)
    module = taylor.Polynomials(1, COUNT, cubic=True)
    for method in ("perturbation_1", "perturbation_patch", "ig"):
        found = taylor.explained(method, module, x, **taylor.SETTINGS[method])
        given, moved = taylor.derivatives(module, x, 3), taylor.VALUE - x
        assert (found - taylor.reformulation(method, given, moved)).abs().max() < 1e-13
        assert (found - taylor.reformulation(method, given[:2], moved)).abs().max() > 1e-3


def test_three_gauss_points_or_midpoints_show_where_four_are_wanted():
    x = torch.tensor([taylor.PLACE], dtype=torch.float64)
    module = taylor.Monomials(x[0], torch.tensor([[9, 0, 0, 0]]))  # gradient of degree 8: one too many for four nodes
    exact = -(float(taylor.VALUE - x[0, 0]) ** 9)
    gaps = {
        (rule, steps): abs(taylor.explained("ig", module, x, baseline=taylor.VALUE, rule=rule, steps=steps)[0, 0] / exact - 1)
        for rule, steps in (("gauss", 5), ("gauss", 4), ("midpoint", 100))
    }
    assert gaps["gauss", 5] < 1e-12 < 1e-6 < gaps["gauss", 4] and gaps["midpoint", 100] > 1e-5


# --- one layer -------------------------------------------------------------------------------------------------------------


def softplus(u):
    return np.logaddexp(0, u)


def test_deeplift_of_a_softplus_layer_is_proposition_4_in_numpy():
    """a_i = F_i + z_i / sum z T, and T what the first order leaves of the change."""
    module = taylor.neurons(2, COUNT, nn.Softplus())
    x = taylor.uniform(2, "x", COUNT, taylor.FEATURES)
    found = taylor.explained("deeplift", module, x, **taylor.SETTINGS["deeplift"]).numpy()
    weight = taylor.as_vectors(module[1].weight.data.unflatten(1, (2, 1, -1))).numpy()
    bias, x = module[1].bias.data.numpy(), x.numpy()
    z, u = weight * (x - taylor.VALUE), (weight * x).sum(1) + bias
    change = softplus(u) - softplus(weight.sum(1) * taylor.VALUE + bias)
    first = special.expit(u)[:, None] * z
    high = (change - first.sum(1))[:, None]
    assert np.abs(high).min() > 1e-6  # there is something to share
    assert np.abs(found - first - z / z.sum(1, keepdims=True) * high).max() < 1e-12
    assert np.abs(found - first - high / taylor.FEATURES).max() > 1e-3  # not in equal parts
    assert np.abs(found.sum(1) - change).max() < 1e-14


@pytest.mark.parametrize("epsilon", [1e-6, 0.1])
def test_lrp_of_a_relu_layer_is_its_rule_in_numpy(epsilon):
    module = taylor.neurons(2, COUNT, nn.ReLU())
    x = taylor.uniform(2, "x", COUNT, taylor.FEATURES)
    found = taylor.explained("lrp_epsilon", module, x, epsilon=epsilon).numpy()
    weight = taylor.as_vectors(module[1].weight.data.unflatten(1, (2, 1, -1))).numpy()
    z = weight * x.numpy()
    u = z.sum(1) + module[1].bias.data.numpy()
    assert (u > 0).any() and (u < 0).any()
    assert np.abs(found - z * (np.maximum(u, 0) / (u + epsilon * np.sign(u)))[:, None]).max() < 1e-13


def test_where_a_layer_is_linear_both_rules_are_the_first_order():
    module = taylor.neurons(3, COUNT, nn.ReLU(), bias=False)
    module[1].weight.data.abs_()  # positive sums at positive x: active at x and at the baseline
    x = 0.3 + taylor.uniform(3, "x", COUNT, taylor.FEATURES)
    for method in taylor.LAYERWISE:
        parts = taylor.layer_parts(method, module, x)
        assert parts["high"].abs().max() < 1e-14
        assert (taylor.explained(method, module, x, **taylor.SETTINGS[method]) - parts["first"]).abs().max() < 1e-13


# --- the share matrix --------------------------------------------------------------------------------------------------------


def test_there_are_69_monomials_of_four_variables_up_to_degree_four():
    powers = taylor.exponents().tolist()
    assert len({tuple(one) for one in powers}) == len(powers) == 69
    assert [sum(one) for one in powers].count(4) == 35 and powers[0] == [1, 0, 0, 0]
    assert taylor.term_name((2, 0, 1, 0)) == "D1^2 D3"


def expected_shares(method):
    powers = taylor.exponents().numpy()
    alone, degree = (powers > 0).sum(1) == 1, powers.sum(1)
    if method == "gradient_x_input":
        return (powers > 0) * (degree == 1)[:, None]
    if method == "perturbation_1":
        return (powers > 0) * alone[:, None]
    if method == "ig":
        return powers / degree[:, None]
    left = (powers[:, 2:] == 0).all(1)
    right = (powers[:, :2] == 0).all(1)
    return np.stack([left, left, right, right], 1)


@pytest.mark.parametrize("method", ["gradient_x_input", "perturbation_1", "perturbation_patch", "ig"])
def test_shares_of_each_term_are_those_of_the_propositions(method):
    found = taylor.shares(method, taylor.exponents()).numpy()
    assert np.abs(found - expected_shares(method)).max() < 1e-12


def test_gaps_by_hand():
    powers = torch.tensor([[2, 0], [1, 1]])

    def gaps(*rows):
        return taylor.gaps(torch.tensor(rows, dtype=torch.float64), powers)

    assert gaps((1, 0), (0.3, 0.7)) == (0, 0, 0)
    assert gaps((1, 0), (0, 0)) == (1, 0, 1)  # Perturbation-1
    assert gaps((0.5, 0.5), (0.5, 0.5)) == (0, 0.5, 0)
    assert gaps((1, 0.25), (0.5, 0.5)) == (0.25, 0.25, 0)
    three = torch.tensor([[1, 1, 0], [0, 0, 1]])
    assert taylor.gaps(torch.tensor([[0.25, 0.25, 0.5], [0, 0, 1]]), three) == (0, 0, 0.5)  # the sum is right, the place not


# --- the table and the figure ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made():
    return get("artefact", "taylor_properties").function(SimpleNamespace(seed=0), functions=COUNT)


def judged(data, **rows):
    found = SimpleNamespace(table=lambda: data)
    options = dict(table="table1", columns=("value",), printed=("expected",), tolerance=1e-10, name=("method", "quantity"))
    return exact(found, **options, rows=rows)


@pytest.mark.parametrize(
    "methods, quantities",
    [
        (["gradient_x_input"], 2),
        (["perturbation_1"], 2),
        (["perturbation_patch"], 2),
        (["deeplift", "lrp_epsilon"], 6),
        (["ig"], 2),
    ],
)
def test_claims_p1_to_p5_hold(made, methods, quantities):
    cells = judged(made[0], check="reformulation", method=methods).cells
    assert len(cells) == quantities and all(cell["side"] == "for" for cell in cells)


def test_claim_t1_fails_in_property_2_of_patches_read_literally_alone(made):
    cells = judged(made[0], check="property").cells
    assert len(cells) == 5 * 3 + 3 + 2  # patches also as features; of epsilon-LRP properties 2 and 3
    assert [cell["label"] for cell in cells if cell["side"] != "for"] == ["perturbation_patch property 2 value"]


def test_the_error_of_the_second_order_falls_with_the_third_power(made):
    data = made[0]
    slopes = data[(data["check"] == "slope") & data["expected"].notna()].set_index("method")["value"]
    assert sorted(slopes.index) == sorted(set(taylor.SETTINGS) - {"gradient_x_input"})
    assert (slopes - 3).abs().max() < 0.2
    twice = data[(data["check"] == "as printed") & data["quantity"].str.startswith("slope")].set_index("method")["value"]
    assert sorted(twice.index) == ["deeplift", "perturbation_patch"] and (twice - 2).abs().max() < 0.2  # the second order is wrong


def test_slope_of_a_power():
    assert taylor.slope(5 * np.array(taylor.STEPS) ** 2.5, taylor.STEPS) == pytest.approx(2.5)


def test_the_table_shows_printed_beside_found(made):
    shown = made[1].set_index("method")
    assert shown["properties printed"].tolist() == ["none", "2", "2", "1", "not in the table", "1, 2, 3"]
    assert shown["found"].tolist() == ["none", "2", "none; with patches as features 2", "1", "none", "1, 2, 3"]
    assert shown.loc["Gradient x Input", "slope"] == "no error" and shown.loc["DeepLIFT", "error, quadratics"] == ""


def test_the_same_seed_gives_the_same_table():
    one, other = (pd.DataFrame(taylor._of_polynomials(4, 3)) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


def test_the_figure_shows_one_term_of_each_kind_and_its_table_all():
    with plt.rc_context():
        style.use()
        figure, data = get("artefact", "share_matrix").function(SimpleNamespace(seed=0))
        labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
        cells = [text.get_text() for text in figure.axes[3].texts]
    plt.close("all")
    assert len(data) == 4 * 69 * 4 and len(labels) == 16  # pairs of exchangeable pairs, counted by hand: 1 + 3 + 4 + 8
    assert labels[:4] == [r"$\Delta_1$", r"$\Delta_1^2$", r"$\Delta_1\Delta_2$", r"$\Delta_1\Delta_3$"]
    assert cells[10:15] == ["1/2", "1/2", "0", "0", "1"]
