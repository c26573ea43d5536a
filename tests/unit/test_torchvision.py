"""torchvision's classifiers and published weights, without the network."""

import urllib.error

import pytest
import torch

from pathattr.model import load
from pathattr.model.torchvision import import_torchvision, published

from .helpers import refused
from .test_load import Bomb, bomb  # noqa: F401

NAME = "shufflenet_v2_x0_5"
models = import_torchvision().models


@pytest.fixture
def cached(tmp_path, monkeypatch):
    """Where torch looks for the weights of NAME before it asks the network, which is not there."""

    def offline(*_, **__):
        raise urllib.error.URLError("no network in tests")

    monkeypatch.setattr("torch.hub.urlopen", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = tmp_path / "hub" / "checkpoints" / models.get_model_weights(NAME).DEFAULT.url.rsplit("/", 1)[1]
    path.parent.mkdir(parents=True)
    return path


def test_published_weights_come_with_their_preprocessing_and_classes(cached):
    network = models.get_model(NAME, weights=None).eval()
    torch.save(network.state_dict(), cached)
    state, mean, std, classes = published(NAME)
    assert list(mean) == [0.485, 0.456, 0.406] and list(std) == [0.229, 0.224, 0.225] and classes == 1000
    built = load.fill(load.build({"architecture": f"torchvision.{NAME}"}, classes, 3, 224), state, NAME).eval()
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(built(x), network(x))


def test_published_weights_that_cannot_be_had_are_refused(cached):
    with refused(NAME, cached.name, "$TORCH_HOME/hub/checkpoints"):
        published(NAME)


def test_published_weights_that_do_not_exist_are_refused():
    with refused("'nope'"):
        published("nope")
    with refused("'V99'", NAME):
        published(NAME, "V99")


def test_a_torn_file_of_published_weights_is_refused(cached):
    torch.save(models.get_model(NAME, weights=None).state_dict(), cached)
    cached.write_bytes(cached.read_bytes()[:100000])
    with refused(NAME):
        published(NAME)


def test_a_file_of_published_weights_that_would_run_code_runs_none(cached, bomb):  # noqa: F811
    torch.save({"weight": bomb}, cached)
    with refused(NAME):
        published(NAME)
    assert not Bomb.exploded


@pytest.mark.parametrize("name", ["inception_v3", "googlenet"])
def test_networks_that_renormalise_their_input_do_so_as_with_published_weights(name):
    """torchvision sets transform_input where it loads published weights; without it the same weights give other logits."""
    with torch.device("meta"):  # no memory or time for weights that nobody reads
        network = load.build({"architecture": f"torchvision.{name}", "weights": "published"}, 1000, 3, 299)
    assert network.transform_input


def test_torchvision_networks_take_three_channels():
    with refused(NAME, "3 channels", "1"):
        load.build({"architecture": f"torchvision.{NAME}"}, 10, 1, 32)


def test_torchvision_networks_take_other_numbers_of_classes():
    network = load.build({"architecture": f"torchvision.{NAME}"}, 7, 3, 32).eval()
    assert network(torch.rand(1, 3, 32, 32)).shape == (1, 7)
