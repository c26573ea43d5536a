"""Captum's classes that look at a layer: which layer, how its map becomes the image's, and whose fault an error is."""

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from pathattr import Classifier, InputError, NotApplicable, attribute
from pathattr.method.captum import last_convolution

from .helpers import assert_close, refused

X, TARGET = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(4)), [2, 0]
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


class Squeezed(nn.Module):
    """A convolution after the image is one pixel, and one that is never run, as in MobileNet v3 and GoogLeNet."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(inplace=True)
        )
        self.head, self.aside, self.classes = nn.Conv2d(6, 8, 1), nn.Conv2d(8, 8, 1), nn.Linear(8, 4)

    def forward(self, x):
        return self.classes(self.head(self.body(x).mean((2, 3), keepdim=True)).flatten(1))


def made(build=Squeezed) -> Classifier:
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return Classifier(build(), MEAN, STD)


def explained(name: str, classifier=None, **options):
    return attribute(f"captum:{name}", classifier or made(), X, TARGET, **options)["vanilla"]


def grad_cam(classifier, layer: nn.Module):
    """Selvaraju et al.: the layer's channels weighted by their mean gradients, (N, h, w)."""
    kept = {}
    hook = layer.register_forward_hook(lambda _, __, output: kept.update(output=output) or output.clone())
    logits = classifier.module(classifier.normalise(X).requires_grad_())
    hook.remove()
    score = logits[torch.arange(len(X)), torch.tensor(TARGET)].sum()
    (gradient,) = torch.autograd.grad(score, kept["output"])
    return (gradient.mean((2, 3), keepdim=True) * kept["output"]).sum(1).detach()


@pytest.mark.parametrize("layer", [None, "body.0", "body.1", "body.4"])
def test_grad_cam_is_that_of_the_layer_enlarged_and_spread_over_the_channels(layer):
    classifier = made()
    expected = grad_cam(classifier, classifier.module.get_submodule(layer or "body.2"))
    for options, one in (({}, expected), ({"relu_attributions": True}, expected.relu())):
        found = explained("LayerGradCam", classifier, **options | ({"layer": layer} if layer else {}))
        whole = interpolate(one[:, None], (12, 12), mode="bilinear", align_corners=False)
        assert_close(found, whole.expand_as(X) / 3, 1e-4)
        assert_close(found.sum(1), whole[:, 0], 1e-4)


def test_the_last_convolution_is_the_last_that_runs_on_rows_and_columns():
    classifier = made()
    assert last_convolution(classifier, X[:1]) is classifier.module.body[2]
    only = made(lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 4, 1), nn.Flatten()))
    assert last_convolution(only, X[:1]) is only.module[1]


LAYERS = {
    "LayerActivation": {},
    "LayerGradientXActivation": {},
    "LayerIntegratedGradients": {"n_steps": 3},
    "LayerConductance": {"n_steps": 3},
    "InternalInfluence": {"n_steps": 3},
    "LayerGradientShap": {"baselines": 0.0, "n_samples": 2},
    "LayerDeepLift": {"baselines": 0.0},
    "GuidedGradCam": {},
    "NeuronGradient": {"neuron_selector": [1, 2, 2]},
}


@pytest.mark.parametrize("name, options", LAYERS.items(), ids=LAYERS)
def test_other_classes_of_layers_give_maps_of_the_image(name, options):
    found = explained(name, **options)
    assert found.shape == X.shape and torch.isfinite(found).all() and found.abs().max() > 0
    if name.startswith("Layer"):
        assert_close(found[:, 0], found[:, 1], 1e-5)


def test_an_unknown_layer_is_refused_with_the_one_meant():
    with refused("captum:LayerGradCam: layer is 'bodi.0'", "did you mean body.0?"):
        explained("LayerGradCam", layer="bodi.0")
    with refused("captum:Saliency", "layer"):
        explained("Saliency", layer="body.0")


def test_a_layer_without_rows_and_columns_is_refused():
    with refused("captum:LayerActivation gives (1, 4)", "a layer that has rows and columns"):
        explained("LayerActivation", layer="classes")


def dense():
    return nn.Sequential(nn.Flatten(), nn.Linear(432, 4))


class Own(nn.Module):
    """A layer that Captum's LRP has no rule for."""

    def forward(self, x):
        return x.abs()


def test_a_network_that_a_class_does_not_take_is_no_mistake_of_the_users():
    with pytest.raises(NotApplicable, match="captum:LayerGradCam: the network has no convolution; accepted: layer: NAME"):
        explained("LayerGradCam", made(dense))
    with pytest.raises(NotApplicable, match="captum:LRP: Module of type .*Own.* has no rule"):
        explained("LRP", made(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), Own(), nn.AdaptiveAvgPool2d(1), nn.Flatten())))


@pytest.mark.parametrize("name, options", [("IntegratedGradients", {"n_steps": "many"}), ("LayerGradCam", {"nonsense": 1})])
def test_bad_arguments_are_the_users_whatever_the_network(name, options):
    with pytest.raises(InputError) as caught:
        explained(name, **options)
    assert not isinstance(caught.value, NotApplicable)
