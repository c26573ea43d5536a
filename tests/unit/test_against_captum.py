"""Agreement with an independent implementation."""

import numpy as np
import pytest
import torch
from captum.attr import GradientShap, IntegratedGradients, Saliency

from pathattr import attribute
from pathattr.api import attribute_counted
from pathattr.integrate import draws
from pathattr.method.sampled import choose

from .helpers import assert_close

STEPS = 7


def test_inputgrad_is_captums_saliency(smooth):
    expected = Saliency(smooth.network).attribute(smooth.x.double().requires_grad_(), target=smooth.target, abs=False)
    assert_close(attribute("inputgrad", smooth.classifier, smooth.x, smooth.target)["vanilla"], expected)


@pytest.mark.parametrize(
    "rule, captums, factor",
    [
        ("midpoint", "riemann_middle", 1.0),
        ("right", "riemann_right", 1.0),
        ("trapezoid", "riemann_trapezoid", STEPS / (STEPS - 1)),  # captum's weights sum to (steps - 1) / steps
    ],
)
def test_ig_is_captums_integrated_gradients(smooth, rule, captums, factor):
    options = dict(baselines=0.1, target=smooth.target, n_steps=STEPS, method=captums)
    expected = factor * IntegratedGradients(smooth.network).attribute(smooth.x.double(), **options)
    found = attribute("ig", smooth.classifier, smooth.x, smooth.target, steps=STEPS, rule=rule, baseline=0.1)["vanilla"]
    assert_close(found, expected)


def test_eg_is_captums_gradient_shap_with_the_same_draws(smooth, monkeypatch):
    name, references = smooth.ids[1], 6
    of_image = draws(0, "eg", name)
    alphas = of_image("alpha").random((references, 1), dtype="float32")[:, 0].astype(np.float64)
    chosen = np.array(choose(of_image, len(smooth.background), references))
    monkeypatch.setattr(np.random, "choice", lambda available, size: chosen)
    monkeypatch.setattr(np.random, "uniform", lambda low, high, size: alphas)
    expected = GradientShap(smooth.network).attribute(
        smooth.x[1:2].double(), baselines=smooth.background.double(), target=smooth.target[1], n_samples=references
    )
    found = attribute("eg", smooth.classifier, **smooth.part([1]), background=smooth.background, references=references)
    assert_close(found["vanilla"], expected)
    assert not torch.equal(found["vanilla"], torch.zeros_like(found["vanilla"]))


def test_passes_of_captums_classes_are_counted(smooth):
    """IG takes gradients alone; Occlusion takes none: a pass a patch, 16 of them, and one of the image."""
    options = {"sliding_window_shapes": [3, 2, 2], "strides": [3, 2, 2]}
    _, occlusion = attribute_counted("captum:Occlusion", smooth.classifier, smooth.x[:1], smooth.target[:1], **options)
    assert occlusion[["gradients", "forwards"]].to_numpy().tolist() == [[0, 17]]
    _, ig = attribute_counted("captum:IntegratedGradients", smooth.classifier, smooth.x[:1], smooth.target[:1], n_steps=5)
    assert ig[["gradients", "forwards"]].to_numpy().tolist() == [[5, 0]]
