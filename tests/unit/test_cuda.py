"""Every method on a GPU, against the same on the CPU."""

import copy

import pytest
import torch

from pathattr import Classifier, attribute
from pathattr.promise.method import arguments, cut, subjects

from .helpers import assert_close

NAMED = subjects()
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

RANDOM_ON_DEVICE = {"captum:GradientShap", "captum:KernelShap"}  # Captum draws on the device, whose generator is another
FEW = {"agi": dict(steps=1), "mfaba": dict(steps=1), "attexplore": dict(steps=1), "la": dict(steps=1)}  # steps by signs
every_method = pytest.mark.parametrize("method", NAMED, ids=lambda method: method.name)


@pytest.fixture(scope="module")
def on_gpu(resnet_small) -> Classifier:
    """The classifier of `resnet_small` on a GPU, with the products of matrices in full precision."""
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    cpu = resnet_small.classifier
    yield Classifier(copy.deepcopy(cpu.module), cpu.mean.flatten().tolist(), cpu.std.flatten().tolist(), "cuda")
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = convolutions, products


def maps_of(method, classifier, case, **options):
    return attribute(method.name, classifier, **arguments(method, case) | FEW.get(method.name, {}) | options)


@every_method
def test_maps_are_those_of_the_cpu(method, resnet_small, on_gpu):
    if method.name in RANDOM_ON_DEVICE:
        pytest.skip("drawn on the device")
    case = cut(method, resnet_small)
    expected = maps_of(method, case.classifier, case, variants=("vanilla",))["vanilla"]
    found = maps_of(method, on_gpu, case, variants=("vanilla",))["vanilla"]
    assert found.device.type == "cpu"
    assert_close(found, expected, 1e-3)


@every_method
def test_micro_batches_do_not_matter(method, resnet_small, on_gpu):
    case = cut(method, resnet_small)
    expected = maps_of(method, on_gpu, case, variants=("vanilla",), micro_batch=16)["vanilla"]
    for micro_batch in (32, 64):
        assert_close(maps_of(method, on_gpu, case, variants=("vanilla",), micro_batch=micro_batch)["vanilla"], expected, 1e-5)


def test_baselines_on_a_gpu_are_those_of_the_cpu(resnet_small, on_gpu):
    from pathattr import baselines

    options = dict(ids=resnet_small.ids, blurs=(2.0,), iterations=1)
    pixels = [
        baselines("compute_baseline", one, resnet_small.x, resnet_small.target, **options)[0]
        for one in (on_gpu, resnet_small.classifier)
    ]
    assert pixels[0].device.type == "cpu"
    assert ((pixels[0] - pixels[1]).abs() > 1e-5).float().mean() < 0.01  # where a gradient is almost 0 its sign may differ
