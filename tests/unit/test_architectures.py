"""Methods on networks of many kinds: torchvision's at their real sizes, the stand-ins, and every method on small ones."""

import re

import pytest
import torch
from torch import nn

import pathattr
from pathattr import Classifier, attribute
from pathattr.method import fullgrad
from pathattr.method.deeplift import rescale
from pathattr.method.lrp import epsilon_rule
from pathattr.model import load
from pathattr.model.torchvision import import_torchvision
from pathattr.promise.method import subjects
from pathattr.registry import entries

from .helpers import every_promise, refused

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
ATTENTION = {"torchvision.maxvit_t", "maxvit_small"}
OWN = {entry.name: entry for entry in entries("model") if not entry.facts["published"]}
NEW = ("resnet18_small", "resnet50_small", "densenet_small", "inception_small", "maxvit_small")  # for 32 pixels or more
FOLDED = {  # batch norms that are left where all that follow a convolution are merged into it; those that precede one stay
    "vgg_small": 0,
    "resnet_small": 0,
    "resnet18_small": 0,
    "resnet50_small": 0,
    "inception_small": 0,
    "densenet_small": 12,  # the first of each layer, of each transition, and the last
    "preact_small": 5,  # the first of each block, and the last
    "preact_resnet18": 9,
    "maxvit_small": 3,  # the first of each block
}
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


REAL = [pytest.param((f"torchvision.{name}", SIZES[name]), id=name, marks=pytest.mark.real_size) for name in SIZES]


@pytest.fixture(scope="module", params=REAL + [pytest.param((name, 32), id=name) for name in NEW])
def families(request):
    """(name, classifier, two images) of an architecture of torchvision's at its real size, or of one in little; random weights."""
    name, size = request.param
    return name, random_classifier(name, size), images(2, size)


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


@pytest.mark.parametrize("method, parameters", [("inputgrad", {}), ("ig", {"steps": 2})], ids=["inputgrad", "ig"])
def test_gradients_do_not_depend_on_the_other_image(families, method, parameters):
    _, classifier, x = families
    together = explained(method, classifier, x, **parameters)
    assert torch.equal(explained(method, classifier, x, [1], **parameters), together[1:])


def test_the_terms_of_fullgrad_sum_to_the_logit(families):
    name, classifier, x = families
    if name in ATTENTION:
        pytest.skip("not a network of rectifiers")
    logits, of_input, biases = fullgrad.terms(classifier, x[:1], torch.tensor([3]))
    total = of_input.double().sum() + sum(term.double().sum() for _, term in biases)
    assert abs(float(total - logits[0])) <= TERMS * abs(float(logits[0]))
    by_rule(fullgrad.rule, classifier, x)


def test_deeplift_adds_up_to_the_difference(families):
    name, classifier, x = families
    if name in ATTENTION:
        with refused("deeplift does not apply to this network"):
            explained("deeplift", classifier, x, [0])
        return
    found = by_rule(rescale(0.0), classifier, x)
    with torch.no_grad():
        there, black = classifier(x[:1])[0, 3], classifier(torch.zeros_like(x[:1]))[0, 3]
    assert abs(float(found.double().sum() - (there - black))) <= 1e-3 * abs(float(there - black))


def test_lrp_epsilon_applies_unless_there_is_attention(families):
    name, classifier, x = families
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


@pytest.mark.parametrize("method", subjects(), ids=lambda method: method.name)
def test_every_method_runs_on_the_small_networks(method, small_network, given):
    classifier, x = small_network
    x = x[:1, :, :16, :16] if method.name == "perturbation_1" else x  # a pass a pixel; at 32 pixels the networks take any size
    needs = {need: given[need] for need in method.entry.facts["needs"] if need in given}
    options = method.parameters | {"micro_batch": 16} | needs
    for values in attribute(method.name, classifier, x, [3] * len(x), **options).values():
        assert values.shape == x.shape and torch.isfinite(values).all()


@pytest.fixture(scope="module", params=OWN)
def own(request) -> str:
    """Name of an architecture that the library brings along."""
    return request.param


def built(name: str, channels: int = 3, size: int = 32, classes: int = 10) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return load.build({"architecture": name}, classes, channels, size)


def test_parameters_are_as_many_as_the_docstring_says(own):
    (millions,) = re.findall(r"([\d.]+) million parameters", OWN[own].function.__doc__)
    network = built(own, 1, 28) if own == "mnist_net" else built(own)
    count = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    assert round(count, len(millions.partition(".")[2])) == float(millions)


@every_promise("model", {name: name for name in OWN})
def test_every_architecture_keeps_its_promises(promise, subject, case):
    promise.keep(subject)


def test_batch_norms_that_follow_a_convolution_are_folded(own):
    """All of them, by torch.fx; that the logits stay is a promise of every architecture."""
    classifier = random_classifier(own, 32)
    with torch.no_grad():
        classifier(images(1, 32))  # folds them
    left = sum(isinstance(module, nn.BatchNorm2d) for module in classifier._network.modules())
    assert left == FOLDED.get(own, 0)
    assert own == "mnist_net" or classifier._network is not classifier.module


@pytest.mark.parametrize("size", [32, 64])
def test_every_architecture_takes_images_of_32_and_64_pixels(own, size):
    with torch.no_grad():
        assert torch.isfinite(built(own, 1, size).eval()(torch.rand(1, 1, size, size))).all()


def test_sizes_that_an_architecture_cannot_take_are_refused():
    for size in (0, 16, 40, 61):
        with refused("maxvit_small", f"{size} pixels", "a multiple of 16"):
            built("maxvit_small", 3, size)
    for name in ("densenet_small", "inception_small"):
        with refused(name, "31 pixels", "at least 32"):
            built(name, 3, 31)


@pytest.mark.parametrize("name", [name for name in OWN if name not in ("mnist_net", "maxvit_small")])
def test_images_need_not_be_square(name):
    """The size that a network is built for is the height. The pools at its end see the width too."""
    with torch.no_grad():
        narrow, wide = images(1, 64)[:, :, :32, :32], images(1, 64)[:, :, :32]
        network = built(name).eval()
        assert wide.shape == (1, 3, 32, 64) and network(wide).shape == (1, 10)
        assert not torch.equal(network(wide), network(narrow))


@pytest.mark.parametrize("height, width", [(8, 16), (8, 8)])
def test_preact_small_halves_the_image_three_times(height, width):
    network, shapes = built("preact_small", 1, height, 100).eval(), []
    for block in network[1:5]:
        block.register_forward_hook(lambda _, __, output: shapes.append(tuple(output.shape[1:])))
    x = torch.rand(2, 1, height, width, requires_grad=True)
    logits = network(x)
    assert logits.shape == (2, 100)
    assert shapes == [(16 << stage, height >> stage, width >> stage) for stage in range(4)]
    (gradient,) = torch.autograd.grad(logits[:, 7].sum(), x)
    assert torch.isfinite(gradient).all() and (gradient != 0).float().mean() > 0.9


def weights(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def test_resnet18_small_is_resnet_small_at_half_width():
    half, whole = weights(built("resnet18_small")), weights(built("resnet_small"))
    fixed = {"conv1.weight": (32, 3, 7, 7), "fc.weight": (10, 256), "fc.bias": (10,)}  # colours and classes do not halve
    assert half == {name: fixed.get(name, tuple(n // 2 if n > 7 else n for n in shape)) for name, shape in whole.items()}


@pytest.mark.parametrize("channels", [1, 3])
def test_resnet50_small_is_the_first_block_of_each_stage_of_resnet50(channels):
    with torch.device("meta"):
        whole = weights(import_torchvision().models.resnet50(num_classes=10))
    expected = {name: shape for name, shape in whole.items() if not re.match(r"layer\d\.[1-9]", name)}
    assert weights(built("resnet50_small", channels)) == expected | {"conv1.weight": (64, channels, 7, 7)}


def test_densenet_small_has_the_layers_of_densenet_and_grows_by_12():
    with torch.device("meta"):
        whole = weights(import_torchvision().models.densenet121())
    own = weights(built("densenet_small"))
    assert set(own) == {name for name in whole if not re.search(r"denselayer([3-9]|\d\d)\.", name)}
    assert {shape[0] for name, shape in own.items() if name.endswith("conv2.weight")} == {12}
    channels = 24
    for block in (1, 2, 3):
        channels = (channels + 2 * 12) // 2
        assert own[f"features.transition{block}.conv.weight"] == (channels, 2 * channels, 1, 1)
    assert own["features.conv0.weight"] == (24, 3, 7, 7) and own["classifier.weight"] == (10, channels + 2 * 12)


def test_inception_small_is_torchvisions_blocks_at_an_eighth_of_their_width():
    inception, network = import_torchvision().models.inception, built("inception_small", 1, 64)
    whole = {"A2": inception.InceptionA(256, 64), "C": inception.InceptionC(288, 128), "E": inception.InceptionE(768)}
    assert type(network.A1) is inception.InceptionA
    for name, block in whole.items():
        assert type(getattr(network, name)) is type(block)
        shapes = {part: tuple(n // 8 if n > 7 else n for n in shape) for part, shape in weights(block).items()}
        assert weights(getattr(network, name)) == shapes


def test_a_cascade_over_inception_small_goes_from_its_classes_to_its_stem():
    network = built("inception_small")
    learned = [name for name, child in network.named_children() if list(child.parameters())]
    assert learned[::-1] == ["fc", "E", "C", "A2", "A1", "stem"]
    assert type(network.stem) is nn.Sequential and len(list(network.stem)) == 4
    used = []
    for name, child in network.named_children():
        child.register_forward_hook(lambda *_, name=name: used.append(name))
    network(torch.rand(2, 3, 64, 64))
    assert used == [name for name, _ in network.named_children()]


def test_maxvit_small_does_not_drop_blocks_while_it_is_trained():
    network = built("maxvit_small").train()
    modules = list(network.modules())
    depths = [module.p for module in modules if type(module).__name__ == "StochasticDepth"]
    assert depths and not any(depths)
    assert not any(module.p for module in modules if isinstance(module, nn.Dropout))
    assert OWN["maxvit_small"].facts["attention"]
