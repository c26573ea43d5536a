"""What LRP and DeepLIFT do with what networks are made of besides layers: padding, means, gates, stochastic depth, views."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from pathattr import Classifier, NotApplicable, attribute
from pathattr.method.deeplift import Explained
from pathattr.method.lrp import prepared
from pathattr.model.retrace import retrace
from pathattr.model.torchvision import import_torchvision

from .helpers import assert_close

SIZE, TARGET = 12, [2, 0]
X = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(4))
torchvision = import_torchvision()


class Network(nn.Module):
    """Without biases: a convolution, something between, a convolution, the mean over the image, the classes."""

    def __init__(self, between, after=nn.ReLU):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.Conv2d(4, 6, 3, bias=False)
        self.between, self.activation, self.classes = between, after(), nn.Linear(6, 4, bias=False)

    def forward(self, x):
        x = self.activation(self.second(self.between(self.activation(self.first(x)))))
        return self.classes(x.mean([2, 3]))


class Call(nn.Module):
    """A function as a part of a network."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Padded(nn.Module):
    def forward(self, x):
        return functional.pad(x, (1, 2, 0, 1))


class Shuffled(nn.Module):
    """Channels in another order, as ShuffleNet has them."""

    def forward(self, x):
        count, channels, height, width = x.size()
        one, other = x.view(count, 2, channels // 2, height, width).permute(0, 2, 1, 3, 4).reshape(x.shape).chunk(2, 1)
        return torch.cat([other, one], 1)


class Pooled(nn.Module):
    def forward(self, x):
        return torch.mean(x, 1, keepdim=True) + x


class Scaled(nn.Module):
    """As GoogLeNet does with its input."""

    def forward(self, x):
        return x * 0.458 * 2


def gate():
    """Squeeze and excitation without its biases."""
    found = torchvision.ops.SqueezeExcitation(4, 2)
    for layer in (found.fc1, found.fc2):
        layer.bias.data.zero_()
    return found


PARTS = {
    "zero padding": Padded,
    "nn.ZeroPad2d": lambda: nn.ZeroPad2d(1),
    "channels shuffled": Shuffled,
    "mean over channels, and a sum": Pooled,
    "a number": Scaled,
    "squeeze and excitation": gate,
    "stochastic depth": lambda: torchvision.ops.StochasticDepth(0.5, "row"),
    "dropout as a function": lambda: Call(lambda x: functional.dropout(x, 0.5, training=False)),
    "identity": nn.Identity,
}
SMOOTH = {"ReLU": nn.ReLU, "Hardswish": nn.Hardswish, "SiLU": nn.SiLU, "ReLU6": nn.ReLU6}


@pytest.fixture(params=PARTS)
def part(request):
    return PARTS[request.param]


@pytest.fixture(params=SMOOTH)
def after(request):
    return SMOOTH[request.param]


def made(between, after=nn.ReLU) -> Classifier:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return Classifier(Network(between(), after), (0.5,) * 3, (0.25,) * 3, fold_batch_norm=False)


def logits(classifier, x=X):
    with torch.no_grad():
        return classifier.module(classifier.normalise(x)).gather(1, torch.tensor(TARGET)[:, None])[:, 0]


def test_the_retraced_network_is_the_same(part, after):
    classifier = made(part, after)
    for network in (retrace(classifier.module), prepared(classifier), Explained(classifier.module)):
        with torch.no_grad():
            assert_close(network(classifier.normalise(X)), classifier.module(classifier.normalise(X)), 1e-6)


def test_lrp_conserves_relevance_where_there_is_no_bias(part, after):
    classifier = made(part, after)
    found = attribute("lrp_epsilon", classifier, X, TARGET, epsilon=1e-9)["vanilla"]
    assert_close(found.double().sum((1, 2, 3)), logits(classifier), 2e-3)
    assert not torch.allclose(found, torch.zeros_like(found))


def test_deeplift_adds_up_to_the_difference(part, after):
    classifier = made(part, after)
    found = attribute("deeplift", classifier, X, TARGET, baseline=0.2)["vanilla"]
    assert_close(found.double().sum((1, 2, 3)), logits(classifier) - logits(classifier, torch.full_like(X, 0.2)), 1e-4)


def test_lrp_through_zero_padding_is_that_of_a_padded_convolution():
    """The same network, its zeros a part of the second convolution."""
    classifier = made(Padded)
    other = Network(nn.Identity())
    other.load_state_dict(classifier.module.state_dict())
    other.second.padding = (1, 1)
    assert_close(
        attribute("lrp_epsilon", Classifier(other, (0.5,) * 3, (0.25,) * 3), X, TARGET)["vanilla"],
        attribute("lrp_epsilon", made(lambda: nn.ZeroPad2d(1)), X, TARGET)["vanilla"],
        1e-4,
    )


def test_lrp_of_a_mean_is_that_of_the_pooling_layer():
    class Pool(Network):
        def forward(self, x):
            x = self.activation(self.second(self.between(self.activation(self.first(x)))))
            return self.classes(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1))

    classifier, other = made(nn.Identity), Pool(nn.Identity())
    other.load_state_dict(classifier.module.state_dict())
    for method in ("lrp_epsilon", "deeplift"):
        expected = attribute(method, Classifier(other, (0.5,) * 3, (0.25,) * 3), X, TARGET)["vanilla"]
        assert_close(attribute(method, classifier, X, TARGET)["vanilla"], expected, 1e-4)


def test_a_number_that_is_added_takes_its_share_as_a_bias_does():
    class Shifted(nn.Module):
        def forward(self, x):
            return x + 0.3

    def biased():
        layer = nn.Conv2d(4, 4, 1)
        layer.weight.data = torch.eye(4)[..., None, None]
        layer.bias.data.fill_(0.3)
        return layer

    classifier, other = made(Shifted), Network(biased())
    other.load_state_dict(classifier.module.state_dict(), strict=False)
    expected = attribute("lrp_epsilon", Classifier(other, (0.5,) * 3, (0.25,) * 3), X, TARGET)["vanilla"]
    assert_close(attribute("lrp_epsilon", classifier, X, TARGET)["vanilla"], expected, 1e-4)


def test_a_gate_gets_no_relevance_and_the_signal_all():
    """A network with a gate that is 1/2 everywhere gives relevance as one without."""

    class Half(nn.Module):
        def forward(self, x):
            return x * (x.mean([2, 3], keepdim=True) * 0.0 + 0.5)

    classifier, plain = made(Half), made(Scaled)
    classifier.module.load_state_dict(plain.module.state_dict())
    gated, one = (attribute("lrp_epsilon", each, X, TARGET, epsilon=1e-9)["vanilla"] for each in (classifier, plain))
    assert_close(gated / logits(classifier).view(-1, 1, 1, 1), one / logits(plain).view(-1, 1, 1, 1), 1e-3)


def test_layers_that_a_subclass_computes_by_functions_are_layers():
    """As timm has it, with checks of what comes in."""

    class Own(nn.BatchNorm2d):
        def forward(self, x):
            torch._assert(x.ndim == 4, "four dimensions")
            x = functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.1, self.eps)
            return functional.relu(x)

    class Dense(nn.Linear):
        def forward(self, x):
            return functional.linear(x, self.weight, self.bias)

    Own.__module__ = Dense.__module__ = "elsewhere"
    own, plain = made(lambda: Own(4, 0.1)), made(lambda: nn.Sequential(nn.BatchNorm2d(4, 0.1), nn.ReLU()))
    for one in (own, plain):
        layer = next(layer for layer in one.module.modules() if isinstance(layer, nn.BatchNorm2d))
        for values in (layer.running_mean, layer.weight.data, layer.bias.data):
            values.copy_(torch.linspace(0.5, 1.5, 4))
    own.module.first, own.module.second = plain.module.first, plain.module.second
    own.module.classes = Dense(6, 4, bias=False).requires_grad_(False)
    own.module.classes.load_state_dict(plain.module.classes.state_dict())
    for method in ("lrp_epsilon", "deeplift"):
        found, expected = (attribute(method, one, X, TARGET)["vanilla"] for one in (own, plain))
        assert_close(found, expected, 1e-5)


class Squared(nn.Module):
    def forward(self, x):
        return x * x


class Filled(nn.Module):
    def forward(self, x):
        return functional.pad(x, (1, 1, 1, 1), value=1.0)


class Chosen(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    "part, word", [(Squared, "a product of two maps"), (Filled, "no rule for pad"), (Chosen, "torch.fx cannot trace this network")]
)
def test_what_lrp_has_no_rule_for_is_told_as_such(part, word):
    with pytest.raises(NotApplicable, match=word):
        attribute("lrp_epsilon", made(part), X, TARGET)


def test_deeplift_shares_a_square_out():
    found = attribute("deeplift", made(Squared), X, TARGET)["vanilla"]
    assert_close(found.double().sum((1, 2, 3)), logits(made(Squared)) - logits(made(Squared), torch.zeros_like(X)), 1e-4)


USUAL = (
    *("mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "resnet18", "densenet121", "vgg11", "googlenet"),
    *("shufflenet_v2_x0_5", "mnasnet0_5", "squeezenet1_1", "regnet_y_400mf"),
)


@pytest.mark.real_size
@pytest.mark.parametrize("name", USUAL)
def test_lrp_and_deeplift_apply_to_torchvisions_usual_networks(name):
    more = {"init_weights": False, "transform_input": True} if name == "googlenet" else {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torchvision.models.get_model(name, weights=None, num_classes=5, **more).eval()
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):  # as if trained: what it gets it brings to variance 1
            layer.momentum = None
            layer.train()
    with torch.no_grad():
        network(torch.randn(12, 3, 64, 64, generator=torch.Generator().manual_seed(2)))
    classifier = Classifier(network, (0.5,) * 3, (0.25,) * 3, fold_batch_norm=False, classes=5)
    relevance = attribute("lrp_epsilon", classifier, x, [1])["vanilla"]
    assert torch.isfinite(relevance).all() and relevance.abs().max() > 0
    found = attribute("deeplift", classifier, x, [1])["vanilla"].double().sum()
    with torch.no_grad():
        there, black = (network(classifier.normalise(one))[0, 1].double() for one in (x, torch.zeros_like(x)))
    assert abs(found - (there - black)) <= 0.01 * abs(there - black)
