"""timm's classifiers by name, with random weights; skipped where timm is not installed."""

import sys

import pytest
import torch
from safetensors.torch import save_file

from pathattr import Classifier, NotApplicable, attribute, installed
from pathattr.model import load, timm

from .helpers import refused

NAME = "mobilenetv3_small_050"


def test_without_timm_the_job_says_what_to_install(monkeypatch):
    timm.import_timm.cache_clear()
    monkeypatch.setitem(sys.modules, "timm", None)
    with refused("timm cannot be imported", "pip install timm"):
        load.build({"architecture": f"timm.{NAME}"}, 10, 3, 64)
    timm.import_timm.cache_clear()


@pytest.fixture
def library():
    return pytest.importorskip("timm")


def test_networks_are_built_for_the_classes_channels_and_size_of_the_data(library):
    for name, channels, size in ((NAME, 1, 64), ("vit_tiny_patch16_224", 3, 32)):
        network = load.build({"architecture": f"timm.{name}"}, 7, channels, size).eval()
        with torch.no_grad():
            assert network(torch.rand(2, channels, size, size)).shape == (2, 7)


def test_a_file_of_weights_goes_with_timms_preprocessing(library, tmp_path):
    name = f"{NAME}.lamb_in1k"
    torch.manual_seed(0)
    network = library.create_model(NAME, num_classes=7).eval()
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    built = load.fill(
        load.build({"architecture": f"timm.{name}"}, 7, 3, 64), load.read_weights(tmp_path / "weights.safetensors"), ""
    )
    mean, std = timm.preprocessing(name)
    known = library.data.resolve_model_data_config(network)
    assert (tuple(mean), tuple(std)) == (known["mean"], known["std"])
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        normalised = (x - torch.tensor(mean).view(-1, 1, 1)) / torch.tensor(std).view(-1, 1, 1)
        assert torch.allclose(Classifier(built, mean, std)(x), network(normalised), atol=1e-4)


def test_published_weights_come_of_timms_own_loader(library, monkeypatch):
    torch.manual_seed(0)
    network, asked = library.create_model(NAME), {}

    def create_model(name, **options):
        asked.update(options, name=name)
        return network

    monkeypatch.setattr(library, "create_model", create_model)
    state, mean, std, classes = timm.published(f"{NAME}.lamb_in1k", 224)
    assert asked == {"name": f"{NAME}.lamb_in1k", "pretrained": True} and classes == 1000 and len(mean) == len(std) == 3
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())


def test_published_weights_that_cannot_be_had_are_refused(library, monkeypatch):
    def offline(*_, **__):
        raise OSError("no network in tests")

    monkeypatch.setattr(library, "create_model", offline)
    with refused(f"weights of timm.{NAME}.lamb_in1k", "no network in tests", "the path of a file"):
        timm.published(f"{NAME}.lamb_in1k", 224)


def test_unknown_names_are_refused_with_the_one_meant(library):
    with refused("timm has no classifier 'mobilenetv3_smal_050'", f"did you mean {NAME}?"):
        load.build({"architecture": "timm.mobilenetv3_smal_050"}, 7, 3, 64)
    with refused("timm has no weights 'lamb_in1'", f"did you mean {NAME}.lamb_in1k?"):
        timm.preprocessing(f"{NAME}.lamb_in1")


def test_the_names_read_as_text_are_timms(library):
    assert set(library.list_models()) <= set(installed.networks("timm"))


def test_methods_apply_or_say_why_not(library):
    torch.manual_seed(0)
    x = torch.rand(1, 3, 64, 64)
    network = Classifier(library.create_model(NAME, num_classes=4), (0.5,) * 3, (0.5,) * 3)
    for method in ("lrp_epsilon", "deeplift", "captum:LayerGradCam"):
        assert torch.isfinite(attribute(method, network, x, [1])["vanilla"]).all()
    network = Classifier(library.create_model("vit_tiny_patch16_224", img_size=64, num_classes=4), (0.5,) * 3, (0.5,) * 3)
    for method in ("lrp_epsilon", "deeplift", "fullgrad"):
        with pytest.raises(NotApplicable, match=method):
            attribute(method, network, x, [1])
