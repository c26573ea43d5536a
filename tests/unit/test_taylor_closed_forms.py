"""What section 3 and Table 1 of the Taylor paper (Deng et al., 2020) state exactly, and completeness where a rule has it."""

import copy

import pytest
import torch
from torch import nn

from oracles import rules
from pathattr import Classifier, attribute
from pathattr.method.fullgrad import terms
from pathattr.model.torchvision import import_torchvision

from .helpers import Quadratic, assert_close, linear_classifier

GENERATOR = torch.Generator().manual_seed(8)
SHAPE = (2, 4, 4)
WEIGHT = torch.randn(3, *SHAPE, generator=GENERATOR)
X = torch.rand(3, *SHAPE, generator=GENERATOR)
TARGET = [2, 0, 1]
SLOPES = WEIGHT[TARGET]
VALUE = 0.3


def explained(method, classifier, **options):
    return attribute(method, classifier, X, TARGET, **options)["vanilla"]


def patches(values, size: int):
    """The sums over squares of `size` pixels and all channels, each given to all of its elements. (N, C, H, W)."""
    count, channels, height, width = values.shape
    cut = values.view(count, channels, height // size, size, width // size, size)
    return cut.sum((1, 3, 5), keepdim=True).expand_as(cut).reshape(values.shape)


@pytest.fixture
def linear():
    return linear_classifier(WEIGHT)


def test_gradient_x_input_and_fig_of_a_linear_function(linear):
    assert_close(explained("gradient_x_input", linear), SLOPES * X, 1e-6)
    assert_close(explained("fig", linear), SLOPES * X, 1e-6)


@pytest.mark.parametrize("value", [0.0, 1.0, VALUE])
@pytest.mark.parametrize("method, parameter", [("perturbation_1", "value"), ("deeplift", "baseline")])
def test_perturbation_1_and_deeplift_of_a_linear_function_are_slope_times_displacement(linear, method, parameter, value):
    assert_close(explained(method, linear, **{parameter: value}), SLOPES * (X - value), 1e-5)


@pytest.mark.parametrize("value", [0.0, VALUE])
def test_perturbation_of_a_pixel_or_a_patch_of_a_linear_function_adds_up_its_elements(linear, value):
    terms = SLOPES * (X - value)
    assert_close(explained("perturbation_1", linear, per="pixel", value=value), patches(terms, 1) / SHAPE[0], 1e-5)
    for size in (1, 2, 4):
        assert_close(explained("perturbation_patch", linear, size=size, value=value), patches(terms, size), 1e-5)


def test_lrp_of_a_linear_function_is_slope_times_normalised_image():
    """Without a bias nothing is absorbed: the relevances add up to the logit."""
    mean, std = (0.4, 0.6), (0.2, 0.3)
    module = linear_classifier(WEIGHT).module
    classifier = Classifier(module, mean, std)
    inside = (X - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)
    found = explained("lrp_epsilon", classifier)
    assert_close(found, SLOPES * inside, 1e-5)
    assert_close(found.sum((1, 2, 3)), classifier.logits(X)[range(3), TARGET], 1e-5)


def test_a_bias_absorbs_relevance_in_proportion():
    """One linear layer: R_i = w_i x_i f / (w x + b + epsilon sign), where f = w x + b."""
    epsilon = 0.5
    classifier = linear_classifier(WEIGHT)
    layer = nn.Linear(WEIGHT[0].numel(), 3)
    layer.weight.data, layer.bias.data = WEIGHT.flatten(1).clone(), torch.tensor([3.0, -4.0, 2.0])
    classifier = Classifier(nn.Sequential(nn.Flatten(), layer), (0.0, 0.0), (1.0, 1.0))
    logits = classifier.logits(X)[range(3), TARGET]
    share = logits / (logits + epsilon * logits.sign())
    assert_close(explained("lrp_epsilon", classifier, epsilon=epsilon), SLOPES * X * share.view(-1, 1, 1, 1), 1e-5)


@pytest.fixture
def quadratic():
    """A classifier with its curvature and slope at each target, and its gradient at any image, float64."""
    generator = torch.Generator().manual_seed(9)
    root = torch.randn(3, 32, 32, generator=generator)
    curvature, slope = root + root.transpose(1, 2), torch.randn(3, 32, generator=generator)
    classifier = Classifier(Quadratic(curvature, slope), (0.0, 0.0), (1.0, 1.0))
    curvature, slope = curvature[TARGET].double(), slope[TARGET].double()

    def gradient(flat):
        return torch.einsum("nij,nj->ni", curvature, flat) + slope

    return classifier, curvature, gradient


def test_gradient_x_input_of_a_quadratic_function_is_its_first_order_term(quadratic):
    """Proposition 1: a_i = F_i, the baseline being black."""
    classifier, _, gradient = quadratic
    flat = X.flatten(1).double()
    assert_close(explained("gradient_x_input", classifier).flatten(1), flat * gradient(flat))


@pytest.mark.parametrize("value", [0.0, VALUE])
def test_perturbation_1_of_a_quadratic_function_has_no_interactions(quadratic, value):
    """Proposition 2: F_i + S_i^ind at the perturbed image, which with the slope at x is F_i - S_i^ind."""
    classifier, curvature, gradient = quadratic
    flat = X.flatten(1).double()
    moved = flat - value
    independent = torch.diagonal(curvature, dim1=1, dim2=2) * moved**2 / 2
    expected = gradient(flat) * moved - independent
    perturbed_slope = gradient(flat) - torch.diagonal(curvature, dim1=1, dim2=2) * moved  # of element i where it has the value
    assert_close(expected, perturbed_slope * moved + independent, 1e-12)
    assert_close(explained("perturbation_1", classifier, value=value).flatten(1), expected, 1e-4)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_perturbation_patch_of_a_quadratic_function_has_the_interactions_within_the_patch(quadratic, size):
    """Proposition 3, with the slope at x: sum over the patch of F_i less half the curvature between all of its pairs."""
    classifier, curvature, gradient = quadratic
    flat = X.flatten(1).double()
    moved = flat - VALUE
    number = torch.arange(16).view(4, 4)
    patch = ((number // 4) // size * 4 + number % 4 // size).expand(2, 4, 4).flatten()
    together = patch[:, None] == patch[None, :]
    within = torch.einsum("nij,ij,nj->ni", curvature, together.double(), moved) * moved / 2
    expected = patches((gradient(flat) * moved - within).view(X.shape), size)
    assert_close(explained("perturbation_patch", classifier, size=size, value=VALUE), expected, 1e-4)


def test_perturbing_the_whole_image_gives_the_whole_difference(smooth):
    found = attribute("perturbation_patch", smooth.classifier, smooth.x, smooth.target, size=8, value=VALUE)["vanilla"]
    other = torch.full_like(smooth.x, VALUE)
    difference = (smooth.classifier.logits(smooth.x) - smooth.classifier.logits(other))[range(4), smooth.target]
    assert_close(found, difference.view(-1, 1, 1, 1).expand_as(found), 1e-5)


def test_elements_without_interaction_are_perturbed_one_by_one_or_together_alike():
    """F = sum of w_i x_i^3: the patch's attribution is the sum of its elements'."""

    class Cubic(nn.Module):
        def forward(self, x):
            return x.flatten(1) ** 3 @ WEIGHT.flatten(1).T

    classifier = Classifier(Cubic(), (0.0, 0.0), (1.0, 1.0))
    alone = explained("perturbation_1", classifier, value=VALUE)
    assert_close(alone, SLOPES * (X**3 - VALUE**3), 1e-4)
    assert_close(explained("perturbation_patch", classifier, size=2, value=VALUE), patches(alone.double(), 2), 1e-4)


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.Softplus(), nn.Sigmoid(), nn.Tanh()], ids=lambda layer: type(layer).__name__)
def test_deeplift_of_one_neuron_shares_the_change_by_the_linear_terms(activation):
    """Equation of Proposition 4: a_i = (z_i - z~_i) / sum of the same * (f(x) - f(x~)), whichever elements made the change."""
    layer = nn.Linear(WEIGHT[0].numel(), 3)
    layer.weight.data, layer.bias.data = WEIGHT.flatten(1).clone(), torch.tensor([0.1, 0.2, -0.3])
    head = nn.Linear(3, 3, bias=False)
    head.weight.data = torch.eye(3)  # the logits are the neurons
    classifier = Classifier(nn.Sequential(nn.Flatten(), layer, copy.deepcopy(activation), head), (0.0, 0.0), (1.0, 1.0))
    baseline = torch.full_like(X, VALUE)
    terms = SLOPES * (X - baseline)
    change = (classifier.logits(X) - classifier.logits(baseline))[range(3), TARGET]
    assert change.abs().min() > 1e-3
    expected = terms / terms.sum((1, 2, 3), keepdim=True) * change.view(-1, 1, 1, 1)
    assert_close(explained("deeplift", classifier, baseline=VALUE), expected, 1e-4)


def relu_networks():
    """Networks that are linear around an image, of the kinds that occur: plain and residual, with and without biases."""
    return {
        "plain": lambda: nn.Sequential(
            *(nn.Conv2d(2, 5, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(5, 6, 2), nn.BatchNorm2d(6), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)),
        ),
        "without biases": lambda: nn.Sequential(
            *(nn.Conv2d(2, 5, 3, padding=1, bias=False), nn.LeakyReLU(0.2), nn.AvgPool2d(2), nn.Flatten()),
            *(nn.Linear(20, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False)),
        ),
    }


@pytest.mark.parametrize("name", relu_networks())
def test_lrp_with_a_vanishing_epsilon_is_gradient_x_normalised_image_on_relu_networks(name):
    mean, std = (0.4, 0.6), (0.2, 0.3)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        module = relu_networks()[name]()
    exact = copy.deepcopy(module).double().eval()
    classifier = Classifier(module, mean, std)
    inside = ((X.double() - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)).requires_grad_()
    logits = exact(inside)[range(3), TARGET]
    logits.sum().backward()
    expected = inside * inside.grad
    assert_close(explained("lrp_epsilon", classifier, epsilon=1e-9), expected, 1e-4)
    if name == "without biases":
        assert_close(expected.sum((1, 2, 3)), logits, 1e-6)  # and then nothing is lost on the way


def test_lrp_with_a_vanishing_epsilon_is_gradient_x_normalised_image_on_the_stand_ins(standin):
    inside = ((standin.x.double() - standin.network.mean) / standin.network.std).requires_grad_()
    standin.network.module(inside)[range(3), standin.target].sum().backward()
    found = attribute("lrp_epsilon", standin.classifier, standin.x, standin.target, epsilon=1e-9)["vanilla"]
    assert_close(found, inside * inside.grad, 1e-3)  # float32 through a sum of large terms of both signs


def added_up(classifier, x, target, value):
    """Sums of DeepLIFT's maps, and the differences of the logit that they should be."""
    found = attribute("deeplift", classifier, x, target, baseline=value)["vanilla"].double().sum((1, 2, 3))
    here, there = (classifier.logits(pixels).double()[range(len(x)), target] for pixels in (x, torch.full_like(x, value)))
    return found, here - there


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_deeplift_adds_up_to_the_difference_on_the_stand_ins(standin, value):
    """Summation to delta, also through max pooling, whose windows overlap in a ResNet's stem."""
    found, difference = added_up(standin.classifier, standin.x, standin.target, value)
    assert_close(found, difference, 1e-4)


def test_deeplift_adds_up_to_the_difference_on_resnet18():
    with torch.random.fork_rng():
        torch.manual_seed(6)
        network = import_torchvision().models.resnet18(weights=None, num_classes=10)
        x = torch.rand(2, 3, 64, 64)
    classifier = Classifier(network, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    found, difference = added_up(classifier, x, [3, 7], 0.0)
    assert_close(found, difference, 1e-4)


def test_fullgrads_terms_add_up_to_the_logit(standin):
    """FullGrad (Srinivas and Fleuret, 2019), (4): input term and all bias terms, those of linear layers included."""
    logits, of_input, of_biases = terms(standin.classifier, standin.x, torch.tensor(standin.target))
    assert_close(logits, standin.network(standin.x.double())[range(3), standin.target])
    assert {type(layer) for layer, _ in of_biases} >= {nn.BatchNorm2d, nn.Linear}
    total = of_input.double().sum((1, 2, 3)) + sum(term.double().flatten(1).sum(1) for _, term in of_biases)
    assert_close(total, logits, 1e-5)
    for number, (x, target) in enumerate(zip(standin.x.double(), standin.target, strict=True)):
        input_term, bias_terms = rules.fullgrad_terms(standin.network, x, target)
        assert_close(input_term.sum() + sum(term.sum() for _, term in bias_terms), logits[number], 1e-5)
        assert_close(of_input[number], input_term, 1e-4)
        for (_, found), (_, expected) in zip(of_biases, bias_terms, strict=True):
            assert_close(found[number], expected, 1e-4)
