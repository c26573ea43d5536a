"""Methods on networks of many kinds: torchvision's at their real sizes, and every method on the small ones."""

import pytest
import torch

import pathattr
from pathattr import Classifier, attribute
from pathattr.method import fullgrad
from pathattr.method.deeplift import rescale
from pathattr.method.lrp import epsilon_rule
from pathattr.model import load

from .helpers import refused
from .test_every_method import NAMED

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZES = {
    "resnet18": 224,
    "resnet34": 224,
    "vgg11_bn": 224,
    "vgg16": 224,
    "densenet121": 224,
    "inception_v3": 299,
    "maxvit_t": 224,
}
ATTENTION = {"maxvit_t"}
TERMS = 1e-3  # of the logit: what the terms of FullGrad, many and large, may miss by rounding
SMALL_SIZES = {"preact_resnet18": 16, "mnist_net": 16, "resnet_small": 32, "vgg_small": 32}


def images(count: int, size: int) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def random_classifier(architecture: str, size: int) -> Classifier:
    """Random weights; batch norms whose statistics are those of random images, so that values keep their scale."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = load.build({"architecture": architecture}, 10, 3, size)
    network.eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.train().momentum = None  # the statistics are those of the one batch that follows
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    with torch.no_grad():
        network((images(2, size) - mean) / std)
    return Classifier(network, MEAN, STD)


@pytest.fixture(scope="module", params=SIZES)
def published(request):
    """(name, classifier, two images) of an architecture of torchvision's at its real size, with random weights."""
    return request.param, random_classifier(f"torchvision.{request.param}", SIZES[request.param]), images(2, SIZES[request.param])


def explained(method: str, classifier, x, rows=(0, 1), **parameters) -> torch.Tensor:
    rows = list(rows)
    maps = attribute(method, classifier, x[rows], [3] * len(rows), ids=rows, micro_batch=16, **parameters)["vanilla"]
    assert maps.shape == x[rows].shape and maps.dtype == torch.float32
    assert torch.isfinite(maps).all() and (maps.abs().flatten(1).amax(1) > 0).all()
    return maps


def by_rule(rule, classifier, x) -> torch.Tensor:
    """What a method's own rule gives at the first image, in a batch of one: the integrator's would take 16 times as long."""
    found = rule(classifier, "logit", x[:1], torch.tensor([3]))
    assert found.shape == x[:1].shape and torch.isfinite(found).all() and (found != 0).any()
    return found


@pytest.mark.real_size
@pytest.mark.parametrize("method, parameters", [("inputgrad", {}), ("ig", {"steps": 2})], ids=["inputgrad", "ig"])
def test_gradients_at_real_size_do_not_depend_on_the_other_image(published, method, parameters):
    _, classifier, x = published
    together = explained(method, classifier, x, **parameters)
    assert torch.equal(explained(method, classifier, x, [1], **parameters), together[1:])


@pytest.mark.real_size
def test_the_terms_of_fullgrad_sum_to_the_logit(published):
    name, classifier, x = published
    if name in ATTENTION:
        pytest.skip("not a network of rectifiers")
    logits, of_input, biases = fullgrad.terms(classifier, x[:1], torch.tensor([3]))
    total = of_input.double().sum() + sum(term.double().sum() for _, term in biases)
    assert abs(float(total - logits[0])) <= TERMS * abs(float(logits[0]))
    by_rule(fullgrad.rule, classifier, x)


@pytest.mark.real_size
def test_deeplift_adds_up_to_the_difference(published):
    name, classifier, x = published
    if name in ATTENTION:
        with refused("deeplift does not apply to this network"):
            explained("deeplift", classifier, x, [0])
        return
    found = by_rule(rescale(0.0), classifier, x)
    with torch.no_grad():
        there, black = classifier(x[:1])[0, 3], classifier(torch.zeros_like(x[:1]))[0, 3]
    assert abs(float(found.double().sum() - (there - black))) <= 1e-3 * abs(float(there - black))


@pytest.mark.real_size
def test_lrp_epsilon_applies_unless_there_is_attention(published):
    name, classifier, x = published
    if name in ATTENTION:
        with refused("lrp_epsilon does not apply to this network"):
            explained("lrp_epsilon", classifier, x, [0])
    else:
        by_rule(epsilon_rule(1e-6), classifier, x)


@pytest.fixture(scope="module", params=SMALL_SIZES)
def small_network(request):
    return random_classifier(request.param, SMALL_SIZES[request.param]), images(2, SMALL_SIZES[request.param])


@pytest.fixture(scope="module")
def given(small_network):
    """What the methods may need of the user, for the two images."""
    classifier, x = small_network
    background = images(6, x.shape[-1])
    return {
        "background": background,
        "neighbourhoods": pathattr.Neighbourhoods.fit(classifier.logits(background), n=1, m=3, seed=0),
        "baselines": pathattr.baselines("constant", classifier, x, [3, 3], value=0.5)[0],
    }


@pytest.mark.parametrize("method", NAMED, ids=lambda method: method.name)
def test_every_method_runs_on_the_small_networks(method, small_network, given):
    classifier, x = small_network
    x = x[:1, :, :16, :16] if method.name == "perturbation_1" else x  # a pass a pixel; at 32 pixels the networks take any size
    needs = {need: given[need] for need in method.entry.facts["needs"] if need in given}
    options = method.parameters | {"micro_batch": 16} | needs
    for values in attribute(method.name, classifier, x, [3] * len(x), **options).values():
        assert values.shape == x.shape and torch.isfinite(values).all()
