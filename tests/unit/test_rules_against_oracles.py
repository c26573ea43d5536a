"""Perturbation, FullGrad, DeepLIFT, epsilon-LRP and Captum's classes against slow versions and against other libraries."""

import copy
from dataclasses import dataclass

import captum.attr
import pytest
import torch
from torch import nn
from torch.nn import functional

from oracles import rules
from pathattr import Classifier, attribute
from pathattr.integrate import draws
from pathattr.model.torchvision import import_torchvision
from pathattr.registry import get

from .helpers import assert_close, assert_same_maps, refused

import_torchvision()  # before zennit, which imports it
from zennit.attribution import Gradient  # noqa: E402
from zennit.composites import LayerMapComposite  # noqa: E402
from zennit.layer import Sum as ZennitSum  # noqa: E402
from zennit.rules import Epsilon, Norm, Pass  # noqa: E402
from zennit.types import Activation, AvgPool, BatchNorm, Linear  # noqa: E402

OBJECTIVES = ["logit", "probability", "log_probability", "loss"]
SEED = 3
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
SHAPE = torch.Size([3, 6, 6])


@dataclass(frozen=True)
class Made:
    """A small network, as the library gets it and in float64 on normalised images, with images."""

    classifier: Classifier
    module: nn.Module
    x: torch.Tensor
    target: list[int]
    ids: list[str]

    mean = torch.tensor(MEAN, dtype=torch.float64).view(-1, 1, 1)
    std = torch.tensor(STD, dtype=torch.float64).view(-1, 1, 1)

    def inside(self, pixels):
        """Normalised images, float64."""
        return (pixels.double() - self.mean) / self.std

    def network(self, pixels):
        return self.module(self.inside(pixels))


class Residual(nn.Module):
    """body(x) + shortcut(x); the empty shortcut is x itself."""

    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


def plain():
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 5, 3, stride=2), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(20, 12), nn.ReLU(), nn.Linear(12, 4)),
    )


def without_biases():
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(54, 10, bias=False), nn.ReLU(), nn.Linear(10, 4, bias=False)),
    )


def pooled():
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 2), nn.ReLU(), nn.Dropout()),
        *(nn.Flatten(), nn.Linear(20, 4)),
    )


def overlapping():
    """Windows of the max pooling share units, as in a ResNet's stem."""
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Flatten(), nn.Linear(36, 4))


def normalised():
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3, stride=2, bias=False)),
        *(nn.BatchNorm2d(5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)),
    )


def residual():
    def body(inward, outward):
        return nn.Sequential(
            *(nn.Conv2d(inward, outward, 3, padding=1, bias=False), nn.BatchNorm2d(outward), nn.ReLU()),
            *(nn.Conv2d(outward, outward, 3, padding=1, bias=False), nn.BatchNorm2d(outward)),
        )

    projection = nn.Sequential(nn.Conv2d(4, 6, 1, bias=False), nn.BatchNorm2d(6))
    return nn.Sequential(
        *(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU(), Residual(body(4, 4), nn.Sequential()), nn.ReLU()),
        *(Residual(body(4, 6), projection), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)),
    )


class Functional(nn.Module):
    """`residual` as people write networks: one ReLU used again and again, in place, functions, and sums in place."""

    def __init__(self, layers):
        super().__init__()
        self.stem, self.first, self.second, self.head = layers[0], layers[2], layers[4], layers[8]
        self.relu = nn.ReLU(inplace=True)

    def block(self, residual, x):
        body = residual.body
        y = body[1](body[0](x))
        y = body[4](body[3](self.relu(y)))
        y += residual.shortcut(x)
        return functional.relu(y, inplace=True)

    def forward(self, x):
        x = self.second_half(self.relu(self.stem(x)))
        return self.head(torch.flatten(functional.adaptive_avg_pool2d(x, (1, 1)), 1))

    def second_half(self, x):
        return self.block(self.second, self.block(self.first, x))


SEQUENTIAL = [plain, without_biases, pooled]  # what Captum's LRP and DeepLIFT take as it is
NETWORKS = SEQUENTIAL + [overlapping, normalised, residual]


def made(build) -> Made:
    """The network with random weights, biases and running statistics, trained images never seen."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        module = build().eval()
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.3)
                layer.running_var.uniform_(0.3, 2)
                layer.weight.data.uniform_(0.5, 1.5)
                layer.bias.data.normal_(0, 0.3)
            elif getattr(layer, "bias", None) is not None:
                layer.bias.data.normal_(0, 0.2)
        x = torch.rand(3, *SHAPE)
    exact = copy.deepcopy(module).double().requires_grad_(False)
    return Made(Classifier(module, MEAN, STD), exact, x, [1, 0, 3], ["a", "b", "c"])


@pytest.fixture(params=NETWORKS, ids=lambda build: build.__name__)
def network(request) -> Made:
    return made(request.param)


def by_library(method, case, /, **options):
    return attribute(method, case.classifier, case.x, case.target, ids=case.ids, seed=SEED, **options)["vanilla"]


def by_oracle(case, oracle):
    """`oracle(x, target)` of each image in float64, stacked."""
    return torch.stack([oracle(x.double(), target) for x, target in zip(case.x, case.target, strict=True)])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_gradient_x_input_is_equation_7(smooth, objective):
    found = by_library("gradient_x_input", smooth, objective=objective)
    assert_close(found, by_oracle(smooth, lambda x, y: rules.gradient_x_input(smooth.network, x, y, objective)))


@pytest.mark.parametrize("as_released", [False, True])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_fig_is_the_image_times_the_gradient_and_as_released_that_of_the_loss(smooth, objective, as_released):
    found = by_library("fig", smooth, objective=objective, as_released=as_released)
    assert_close(found, by_oracle(smooth, lambda x, y: rules.fig(smooth.network, x, y, as_released, objective)))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("per", ["element", "pixel"])
@pytest.mark.parametrize("value", [0.0, 0.7])
def test_perturbation_1_is_what_the_objective_loses(smooth, per, value, objective):
    found = by_library("perturbation_1", smooth, per=per, value=value, objective=objective)
    expected = by_oracle(smooth, lambda x, y: rules.perturbation_1(smooth.network, x, y, value, per, objective))
    assert_close(found, expected, 1e-4)  # differences of nearly equal numbers in float32


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("value", [0.0, 0.7])
@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_perturbation_patch_is_what_the_objective_loses(smooth, size, value, objective):
    """Also where patches do not fit: three patches of 3 pixels along a side of 8."""
    found = by_library("perturbation_patch", smooth, size=size, value=value, objective=objective)
    expected = by_oracle(smooth, lambda x, y: rules.perturbation_patch(smooth.network, x, y, size, value, objective))
    assert_close(found, expected, 1e-4)


def test_perturbation_refuses_what_it_cannot_do(smooth):
    with refused("perturbation_1", "per", "'channel'"):
        by_library("perturbation_1", smooth, per="channel")
    with refused("size", "0"):
        by_library("perturbation_patch", smooth, size=0)
    with refused("size", "9", "8"):
        by_library("perturbation_patch", smooth, size=9)


def spread(case, maps):
    """Maps (N, H, W) evenly over the channels."""
    return (maps / 3)[:, None].expand(-1, 3, -1, -1)


def test_fullgrad_of_the_small_networks(network):
    """Linear biases stay out, batch norm has its effective bias; `without_biases` has the input term only."""
    expected = by_oracle(network, lambda x, y: rules.fullgrad(network, x, y))
    assert_close(by_library("fullgrad", network), spread(network, expected), 1e-4)


def test_fullgrad_of_smooth_activations(smooth):
    expected = by_oracle(smooth, lambda x, y: rules.fullgrad(smooth.network, x, y))
    assert_close(by_library("fullgrad", smooth), spread(smooth, expected), 1e-4)


def test_fullgrad_of_the_stand_ins(standin):
    expected = by_oracle(standin, lambda x, y: rules.fullgrad(standin.network, x, y))
    found = by_library("fullgrad", standin)
    assert_close(found, spread(standin, expected), 1e-4)
    assert found.min() >= 0


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_deeplift_is_rescale_layer_by_layer(network, value):
    steps, _ = rules.written_out(network.module, SHAPE)

    def oracle(x, target):
        return rules.deeplift(steps, network.inside(x), network.inside(torch.full_like(x, value)), target)

    assert_close(by_library("deeplift", network, baseline=value), by_oracle(network, oracle), 1e-4)


@pytest.mark.parametrize("epsilon", [1e-6, 0.1])
def test_lrp_epsilon_is_the_rule_layer_by_layer(network, epsilon):
    """At convolutions, linear layers, batch norms, averages, and the sums of a residual network, which share by the terms."""
    steps, _ = rules.written_out(network.module, SHAPE)
    expected = by_oracle(network, lambda x, y: rules.lrp_epsilon(steps, network.inside(x), y, epsilon))
    assert_close(by_library("lrp_epsilon", network, epsilon=epsilon), expected, 1e-4)


def test_the_oracles_forward_pass_is_the_network(network):
    steps, shape = rules.written_out(network.module, SHAPE)
    assert shape == (4,)
    logits = [rules.forward(steps, network.inside(x).flatten())[-1] for x in network.x]
    assert_close(torch.stack(logits), network.network(network.x), 1e-12)


def test_epsilon_matters(network):
    maps = [by_library("lrp_epsilon", network, epsilon=epsilon) for epsilon in (1e-6, 0.1)]
    assert (maps[0] - maps[1]).abs().max() > 1e-3 * maps[0].abs().max()


@pytest.mark.parametrize("method", ["deeplift", "lrp_epsilon", "fullgrad"])
def test_the_way_a_network_is_written_does_not_matter(method):
    """Modules used twice, functions and sums in place are what layer-wise rules usually stumble over."""
    modular = made(residual)
    layers = copy.deepcopy(modular.module).float()
    classifier = Classifier(Functional(layers).eval(), MEAN, STD)
    assert_close(classifier.logits(modular.x), modular.classifier.logits(modular.x))
    options = dict(ids=modular.ids, seed=SEED)
    found = attribute(method, classifier, modular.x, modular.target, **options)["vanilla"]
    assert_close(found, by_library(method, modular), 1e-4)


@pytest.mark.parametrize("method", ["deeplift", "lrp_epsilon", "fullgrad"])
def test_batch_norm_folded_or_not_makes_no_difference(method):
    case = made(normalised)
    module = copy.deepcopy(case.module).float()
    apart = Classifier(module, MEAN, STD, fold_batch_norm=False)
    found = attribute(method, apart, case.x, case.target, ids=case.ids, seed=SEED)["vanilla"]
    assert_close(found, by_library(method, case), 1e-4)


@pytest.mark.parametrize("method", ["deeplift", "lrp_epsilon", "fullgrad"])
def test_the_classifier_stays_as_it_was(method, standin):
    """No hook is left behind: what is computed afterwards is what was computed before."""
    before = by_library("inputgrad", standin)
    by_library(method, standin)
    assert torch.equal(by_library("inputgrad", standin), before)


REFUSED = [("fullgrad", name) for name in OBJECTIVES[1:]] + [("lrp_epsilon", name) for name in OBJECTIVES[1:]]
REFUSED += [("deeplift", name) for name in OBJECTIVES if name not in get("method", "deeplift").facts["objectives"]]


@pytest.mark.parametrize("method, objective", REFUSED)
def test_objectives_that_do_not_apply_are_refused(smooth, method, objective):
    with refused(method, "logit", objective):
        by_library(method, smooth, objective=objective)


@pytest.mark.parametrize("objective", get("method", "deeplift").facts["objectives"])
def test_deeplift_adds_up_for_every_objective_that_it_accepts(network, objective):
    found = by_library("deeplift", network, objective=objective).double().sum((1, 2, 3))

    def oracle(x, target):
        return sum(sign * rules.objective(network.network, at, target, objective) for sign, at in ((1, x), (-1, 0 * x)))

    assert_close(found, by_oracle(network, oracle), 1e-4)


# --- Captum ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=SEQUENTIAL, ids=lambda build: build.__name__)
def sequential(request) -> Made:
    return made(request.param)


def test_inputgrad_is_captums_saliency(sequential):
    explainer = captum.attr.Saliency(sequential.network)
    expected = explainer.attribute(sequential.x.double().requires_grad_(), target=sequential.target, abs=False)
    assert_close(by_library("inputgrad", sequential), expected)


def test_gradient_x_input_is_captums_input_x_gradient(sequential):
    explainer = captum.attr.InputXGradient(sequential.network)
    expected = explainer.attribute(sequential.x.double().requires_grad_(), target=sequential.target)
    assert_close(by_library("gradient_x_input", sequential), expected)
    assert_close(by_library("fig", sequential), expected)


@pytest.mark.parametrize("relative", [True, False])
def test_smoothgrad_is_captums_noise_tunnel_with_the_same_draws(smooth, monkeypatch, relative):
    samples, level = 6, 0.2
    explainer = captum.attr.NoiseTunnel(captum.attr.Saliency(smooth.network))
    expected = []
    for x, target, name in zip(smooth.x, smooth.target, smooth.ids, strict=True):
        noise = draws(SEED, "smoothgrad", name)("noise").standard_normal((samples, *x.shape), dtype="float32")
        noise = torch.from_numpy(noise).double()
        monkeypatch.setattr(torch, "normal", lambda mean, std, noise=noise: mean + std * noise)
        sigma = level * float(x.max() - x.min()) if relative else level
        options = dict(nt_type="smoothgrad", nt_samples=samples, stdevs=sigma, target=target, abs=False)
        expected.append(explainer.attribute(x[None].double(), **options)[0])
    monkeypatch.undo()
    found = by_library("smoothgrad", smooth, samples=samples, noise=level, relative=relative)
    assert_close(found, torch.stack(expected))


class Copy(nn.Module):
    """x in a new tensor."""

    def forward(self, x):
        return x.clone()


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_deeplift_is_captums(sequential, value):
    """Captum 0.9 leaves the pooling's rule out where an activation gives it its input: both hook that tensor. So a copy between.

    Where windows overlap Captum counts a unit that wins twice once (`max_unpool2d` assigns), and its maps do not add up to the
    difference; such networks are only compared with the oracle.
    """
    separated = (layer for part in sequential.module for layer in ((Copy(), part) if isinstance(part, nn.MaxPool2d) else (part,)))
    explainer = captum.attr.DeepLift(nn.Sequential(*separated))
    inside = sequential.inside(sequential.x).requires_grad_()
    reference = sequential.inside(torch.full_like(sequential.x, value))
    expected = explainer.attribute(inside, baselines=reference, target=sequential.target)
    assert_close(by_library("deeplift", sequential, baseline=value), expected, 1e-4)


class FlattenedInForward(nn.Module):
    """A sequence of layers without its `Flatten`, for which Captum's LRP has no rule."""

    def __init__(self, layers):
        super().__init__()
        place = [isinstance(layer, nn.Flatten) for layer in layers].index(True)
        self.features, self.classifier = layers[:place], layers[place + 1 :]

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


@pytest.mark.parametrize("build", [plain, without_biases])  # Captum's LRP shares a max pooling out otherwise
def test_lrp_epsilon_is_captums(build):
    case = made(build)
    explainer = captum.attr.LRP(FlattenedInForward(copy.deepcopy(case.module)))

    def oracle(x, target):
        for layer in explainer.model.modules():
            if isinstance(layer, rules.LINEAR):
                layer.rule = captum.attr._utils.lrp_rules.EpsilonRule(1e-2)  # removed after every call
        return explainer.attribute(case.inside(x)[None].requires_grad_(), target=target)[0].detach()

    assert_close(by_library("lrp_epsilon", case, epsilon=1e-2), by_oracle(case, oracle), 1e-4)


def test_captum_saliency_is_inputgrad(smooth):
    found, expected = by_library("captum:Saliency", smooth, abs=False), by_library("inputgrad", smooth)
    assert_close(found, expected, 1e-5)
    assert_close(by_library("captum:Saliency", smooth), expected.abs(), 1e-5)  # Captum's default


@pytest.mark.parametrize("rule, captums", [("midpoint", "riemann_middle"), ("right", "riemann_right")])
def test_captum_integrated_gradients_is_ig(smooth, rule, captums):
    found = by_library("captum:IntegratedGradients", smooth, n_steps=7, method=captums)
    assert_close(found, by_library("ig", smooth, steps=7, rule=rule))


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_captum_takes_a_baseline(smooth, value):
    found = by_library("captum:IntegratedGradients", smooth, n_steps=7, method="riemann_middle", baselines=value)
    assert_close(found, by_library("ig", smooth, steps=7, baseline=value))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_captum_explains_the_objective(smooth, objective):
    found = by_library("captum:Saliency", smooth, abs=False, objective=objective)
    assert_close(found, by_library("inputgrad", smooth, objective=objective))


def test_captum_occlusion_of_each_patch_is_perturbation_patch(smooth):
    options = dict(sliding_window_shapes=[3, 4, 4], strides=[3, 4, 4])
    found = by_library("captum:Occlusion", smooth, **options)
    assert_close(found, by_library("perturbation_patch", smooth, size=4), 1e-4)
    sliding = by_library("captum:Occlusion", smooth, sliding_window_shapes=[3, 4, 4])
    assert torch.isfinite(sliding).all() and not torch.equal(sliding, found)


def test_captum_feature_ablation_is_perturbation_1(smooth):
    assert_close(by_library("captum:FeatureAblation", smooth), by_library("perturbation_1", smooth), 1e-4)


@pytest.mark.parametrize("build", [plain, without_biases])
def test_captum_deeplift_is_deeplift(build):
    case = made(build)
    assert_close(by_library("captum:DeepLift", case), by_library("deeplift", case), 1e-4)


RANDOM = {
    "captum:GradientShap": dict(n_samples=4, baselines=0.5),
    "captum:ShapleyValueSampling": dict(n_samples=1),
}


@pytest.mark.parametrize("name, options", RANDOM.items(), ids=RANDOM)
def test_captums_random_classes_depend_on_seed_and_id_only(smooth, name, options):
    def maps(rows, seed=SEED):
        return attribute(name, smooth.classifier, **smooth.part(rows), seed=seed, **options)

    count = len(smooth.x)
    whole = maps(list(range(count)))
    torch.manual_seed(99)
    for row in range(count):
        assert_same_maps(maps([row]), {variant: values[[row]] for variant, values in whole.items()})
    assert not torch.equal(maps([0], seed=SEED + 1)["vanilla"], whole["vanilla"][:1])


def test_what_captum_does_not_have_is_refused(smooth):
    with refused("captum", "Nonsense"):
        by_library("captum:Nonsense", smooth)
    with refused("nonsense"):
        by_library("captum:Saliency", smooth, nonsense=1)


# --- zennit ------------------------------------------------------------------------------------------------------------------

EPSILONS = [1e-6, 1e-2]


def by_zennit(module, inside, target, epsilon):
    """Epsilon at every layer that is linear, activations and maxima passed through; the relevance at the output is the logit."""
    rules_of = [(Activation, Pass()), ((ZennitSum, AvgPool), Norm(epsilon)), ((Linear, BatchNorm), Epsilon(epsilon))]

    def logit_of_target(output):
        return output * functional.one_hot(torch.tensor([target]), output.shape[1])

    with Gradient(model=module, composite=LayerMapComposite(rules_of)) as explainer:
        return explainer(inside[None].clone().requires_grad_(), logit_of_target)[1][0].detach()


class Block(nn.Module):
    """A torchvision basic block with an activation for each place and its sum as a layer."""

    def __init__(self, block):
        super().__init__()
        self.body = nn.Sequential(block.conv1, block.bn1, nn.ReLU(), block.conv2, block.bn2)
        self.shortcut, self.sum, self.relu = block.downsample or nn.Identity(), ZennitSum(), nn.ReLU()

    def forward(self, x):
        return self.relu(self.sum(torch.stack([self.shortcut(x), self.body(x)], -1)))


def for_zennit(module):
    """The network with nothing in place and no module used twice, which zennit's hooks need.

    Contiguous weights: batch norm of a single image in channels_last goes wrong there.
    """
    module = copy.deepcopy(module)
    for name, part in list(module.named_modules()):
        if isinstance(part, nn.ReLU):
            part.inplace = False
        elif type(part).__name__ == "BasicBlock":
            module.set_submodule(name, Block(part))
    return module.to(memory_format=torch.contiguous_format)


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_lrp_epsilon_is_zennits_on_the_small_networks(sequential, epsilon):
    def oracle(x, target):
        return by_zennit(sequential.module, sequential.inside(x), target, epsilon)

    assert_close(by_library("lrp_epsilon", sequential, epsilon=epsilon), by_oracle(sequential, oracle), 1e-4)


def agrees_with_zennit(case, epsilon):
    module = for_zennit(case.network.module)
    assert_close(module(case.x.double()), case.network.module(case.x.double()), 1e-12)

    def oracle(x, target):
        return by_zennit(module, ((x[None] - case.network.mean) / case.network.std)[0], target, epsilon)

    assert_close(
        by_library("lrp_epsilon", case, epsilon=epsilon), by_oracle(case, oracle), 5e-4
    )  # sums of branches near zero magnify float32's rounding


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_lrp_epsilon_passes_smooth_activations_as_zennit_does(smooth, epsilon):
    agrees_with_zennit(smooth, epsilon)


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_lrp_epsilon_is_zennits_on_the_stand_ins(standin, epsilon):
    agrees_with_zennit(standin, epsilon)
