"""Networks built, saved, loaded, and their weights read from files of many origins."""

import pickle

import pytest
import torch
from torch import nn

from pathattr.files import File
from pathattr.model import load
from pathattr.store import write_tensors

from .helpers import refused

OWN = """
from torch import nn

def network(classes, channels, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, classes))
"""


@pytest.fixture
def own(tmp_path):
    """The entry of an architecture of the user's own."""
    (tmp_path / "own.py").write_text(OWN)
    return {"architecture": f"{tmp_path}/own.py:network"}


@pytest.fixture
def network(own):
    return load.build(own, 4, 3, 5)


def test_a_file_of_another_digest_is_refused(tmp_path, own, network):
    about = {"classes": 4, "channels": 3, "size": 5, "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7], "digest": "d"}
    load.save(tmp_path / "w.safetensors", network, about)
    assert load.load(tmp_path / "w.safetensors", own, digest="d")[1] == about
    with refused("w.safetensors", "expected e"):
        load.load(tmp_path / "w.safetensors", own, digest="e")


def test_weights_of_another_architecture_are_refused(tmp_path, own, network):
    about = {"classes": 4, "channels": 3, "size": 5, "mean": [0.0], "std": [1.0]}
    load.save(tmp_path / "w.safetensors", network, about)
    with refused("w.safetensors", "tensor"):
        load.load(tmp_path / "w.safetensors", {"architecture": "resnet_small"})


@pytest.mark.parametrize("nested", [False, True])
def test_a_torch_file_of_tensors_is_read(tmp_path, network, nested):
    state = network.state_dict()
    torch.save({"state_dict": state, "epoch": 3} if nested else state, tmp_path / "w.pth")
    found = load.read_weights(tmp_path / "w.pth")
    assert found.keys() == state.keys() and all(torch.equal(found[name], state[name]) for name in state)


def test_a_safetensors_file_of_another_origin_is_read(tmp_path, network):
    from safetensors.torch import save_file

    save_file(network.state_dict(), tmp_path / "w.safetensors")
    found = load.read_weights(tmp_path / "w.safetensors")
    assert all(torch.equal(found[name], value) for name, value in network.state_dict().items())


class Bomb:
    """Pickled, it calls a function when it is read."""

    exploded = False

    def __reduce__(self):
        return (explode, ())


def explode():
    Bomb.exploded = True
    return {}


@pytest.fixture
def bomb(monkeypatch):
    monkeypatch.setattr(Bomb, "exploded", False)
    return Bomb()


@pytest.mark.parametrize("writer", ["torch", "pickle", "module"])
def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path, bomb, network, writer):
    path = tmp_path / "w.pth"
    if writer == "pickle":
        path.write_bytes(pickle.dumps(bomb, protocol=2))
    else:
        torch.save({"state_dict": bomb} if writer == "torch" else nn.Sequential(nn.Linear(2, 2)), path)
    with refused(str(path), "not a plain state dict", "safetensors"):
        load.read_weights(path)
    assert not Bomb.exploded


NO_STATE_DICTS = {"a tensor": torch.zeros(3), "a list": [torch.zeros(3)], "numbers": {"1.weight": 3, "1.bias": 4}}


@pytest.mark.parametrize("content", NO_STATE_DICTS.values(), ids=NO_STATE_DICTS)
def test_a_torch_file_of_something_else_is_refused(tmp_path, network, content):
    torch.save(content, tmp_path / "w.pth")
    with refused("w.pth"):
        load.fill(network, load.read_weights(tmp_path / "w.pth"), str(tmp_path / "w.pth"))


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_a_missing_or_torn_weights_file_is_refused(tmp_path, network, ending):
    path = tmp_path / f"w.{ending}"
    with refused(str(path), "no such file"):
        load.read_weights(path)
    if ending == "pth":
        torch.save(network.state_dict(), path)
    else:
        write_tensors(path, network.state_dict(), {})
    path.write_bytes(path.read_bytes()[:-100])
    with refused(str(path)):
        load.read_weights(path)


def test_weights_that_do_not_fit_are_refused_by_the_tensors_name(network):
    state = network.state_dict()
    with refused("file: ", "'1.bias'", "missing"):
        load.fill(network, {"1.weight": state["1.weight"]}, "file")
    with refused("file: ", "'2.weight'", "not of this architecture"):
        load.fill(network, {**state, "2.weight": torch.zeros(1)}, "file")
    with refused("file: ", "'1.weight'", "(4, 76)", "(4, 75)"):
        load.fill(network, {**state, "1.weight": torch.zeros(4, 76)}, "file")


def test_filling_takes_every_tensor(network):
    state = {name: torch.randn_like(value) for name, value in network.state_dict().items()}
    filled = load.fill(network, state, "file").state_dict()
    assert all(torch.equal(filled[name], state[name]) for name in state)


def test_counters_of_old_batch_norms_may_be_missing():
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
    state = {name: value for name, value in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    load.fill(network, state, "file")


@pytest.mark.parametrize(
    "architecture, words",
    [
        ("none.py:network", ("none.py does not exist", "FILE.py:FUNCTION")),
        ("OWN:other", ("has no function 'other'",)),
        ("nope", ("no registered model 'nope'", "mnist_net", "preact_resnet18", "resnet_small", "torchvision", "vgg_small")),
        ("torchvision.nope", ("'nope'", "list_models")),
    ],
)
def test_architectures_that_are_not_there_are_refused(tmp_path, own, architecture, words):
    with refused(*words):
        load.build({"architecture": architecture.replace("OWN", f"{tmp_path}/own.py")}, 4, 3, 5)


def test_a_training_begins_with_the_tensors_that_fit(tmp_path):
    """Another number of classes: all but the last layer."""
    ten, hundred = (load.build({"architecture": "vgg_small"}, classes, 3, 32) for classes in (10, 100))
    load.save(tmp_path / "ten.safetensors", ten, {"digest": "d"})
    begun = load.begin(hundred, File(str(tmp_path / "ten.safetensors"), "d"))
    own, other = hundred.state_dict(), ten.state_dict()
    last = [name for name in own if own[name].shape != other[name].shape]
    assert begun == len(own) - len(last) and len(last) == 2
    assert all(torch.equal(own[name], other[name]) for name in own if name not in last)
    with refused("made by other code"):
        load.begin(hundred, File(str(tmp_path / "ten.safetensors"), "another"))
