"""Networks and weights that cannot be explained: each ends in its own line, before anything is computed with it."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pathattr import Classifier, InputError, attribute, baselines, measure
from pathattr.job import job
from pathattr.model import contract, load
from pathattr.model.train import train

from .helpers import refused

CLASSES, IMAGE = 4, torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
WANTED = "accepted: a function (classes, channels, size) that returns a network"
LOGITS = "accepted: logits, a float32 tensor (images, 4)"
HEAD = "import sys\nimport torch\nfrom torch import nn\n\n"
FORWARD = (
    HEAD
    + """class Net(nn.Module):
    def __init__(self, classes, channels, size):
        super().__init__()
        self.layer = nn.Linear(channels * size * size, classes)
        self.calls = 0

    def forward(self, x):
        logits = self.layer(x.flatten(1))
        BODY


make = Net
"""
)


def built(text: str) -> str:
    """A file whose function builds a network from one line of code."""
    return f"{HEAD}def make(classes, channels, size):\n    {text}\n"


def forward(*lines: str) -> str:
    """A file whose network ends with these lines, after `logits` of a linear layer."""
    return FORWARD.replace("BODY", "\n        ".join(lines))


def line_of(text: str, what: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if what in line)


A = "architecture net.py:make: "
N = "net.py:make: "
FILE_RAISES, IMPORTABLE = f"{A}the file raises ", "accepted: one that can be imported"
BAD = {
    "not Python": ("def make(:\n", f"{FILE_RAISES}SyntaxError: invalid syntax (net.py, line 1); {IMPORTABLE}"),
    "a zero byte": ("x = 1\0\n", f"{FILE_RAISES}SyntaxError: source code string cannot contain null bytes; {IMPORTABLE}"),
    "raises when imported": ("\nraise KeyError('x')\n", f"{FILE_RAISES}KeyError: 'x' (net.py:2); {IMPORTABLE}"),
    "exits when imported": ("import sys\nsys.exit(3)\n", f"{FILE_RAISES}SystemExit: 3 (net.py:2); {IMPORTABLE}"),
    "imports what is not there": (
        "import nowhere\n",
        f"{FILE_RAISES}ModuleNotFoundError: No module named 'nowhere' (net.py:1); {IMPORTABLE}",
    ),
    "another name": ("def other():\n    pass\n", f"{A}net.py has no function 'make'; {WANTED}"),
    "no function": ("make = 3\n", f"{A}net.py has no function 'make'; {WANTED}"),
    "no arguments": ("def make():\n    pass\n", f"{A}make(): too many positional arguments; {WANTED}"),
    "an argument more": (
        "def make(classes, channels, size, width):\n    pass\n",
        f"{A}make(classes, channels, size, width): missing a required argument: 'width'; {WANTED}",
    ),
    "raises when built": (built("return nn.Linear(classes)"), f"{A}the function raises TypeError: "),
    "exits when built": (built("sys.exit('no')"), f"{A}the function raises SystemExit: no (net.py:6); {WANTED}"),
    "None built": (built("nn.Flatten()"), f"{N}the function returns None; accepted: a torch.nn.Module"),
    "a class built": (built("return nn.Flatten"), f"{N}the function returns a type; accepted: a torch.nn.Module"),
    "a function built": (built("return lambda x: x"), f"{N}the function returns a function; accepted: a torch.nn.Module"),
    "float64 parameters": (
        built("return nn.Sequential(nn.Flatten(), nn.Linear(192, 4).double())"),
        f"{N}'1.weight' of the network's state is float64; accepted: float32 or whole numbers, in tensors",
    ),
    "bfloat16 parameters": (
        built("return nn.Sequential(nn.Flatten(), nn.Linear(192, 4).bfloat16())"),
        f"{N}'1.weight' of the network's state is bfloat16; accepted: float32 or whole numbers, in tensors",
    ),
    "complex parameters": (
        built("return nn.Sequential(nn.Flatten(), nn.Linear(192, 4, dtype=torch.complex64))"),
        f"{N}'1.weight' of the network's state is complex64; accepted: float32 or whole numbers, in tensors",
    ),
    "lazy layers": (
        built("return nn.Sequential(nn.Flatten(), nn.LazyLinear(classes))"),
        f"{N}'1.weight' of the network's state is without values; accepted: float32 or whole numbers, in tensors",
    ),
    "layers without values": (
        built("return nn.Sequential(nn.Flatten(), nn.Linear(192, 4, device='meta'))"),
        f"{N}'1.weight' of the network's state is without values; accepted: float32 or whole numbers, in tensors",
    ),
    "a state of its own": (
        forward("return logits") + "\nNet.get_extra_state = lambda self: 3\n",
        f"{N}'_extra_state' of the network's state is an int; accepted: float32 or whole numbers, in tensors",
    ),
    "raises": (
        forward("raise RuntimeError('first\\nsecond')"),
        f"{N}the network raises RuntimeError: first second (net.py:13); {LOGITS}",
    ),
    "asserts": (forward("assert len(x) > 2"), f"{N}the network raises AssertionError (net.py:13); {LOGITS}"),
    "exits": (forward("sys.exit(1)"), f"{N}the network raises SystemExit: 1 (net.py:13); {LOGITS}"),
    "layers that do not fit": (
        built("return nn.Sequential(nn.Flatten(), nn.Linear(5, 4))"),
        f"{N}the network raises RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x192 and 5x4); {LOGITS}",
    ),
    "images that do not fit": (
        built("return nn.Conv2d(1, 4, 3)"),
        f"{N}the network raises RuntimeError: Given groups=1, weight of size [4, 1, 3, 3], expected input[2, 3, 8, 8] to have 1 "
        f"channels, but got 3 channels instead; {LOGITS}",
    ),
    "two images only": (
        forward("return logits.view(2, -1) if len(x) == 2 else logits.view(2, 4)"),
        f"{N}the network raises RuntimeError: shape '[2, 4]' is invalid for input of size 4 (net.py:13); {LOGITS}",
    ),
    "a tuple": (forward("return logits, x"), f"{N}the network returns a tuple; {LOGITS}"),
    "a dict": (forward("return {'logits': logits}"), f"{N}the network returns a dict; {LOGITS}"),
    "None": (forward("return None"), f"{N}the network returns None; {LOGITS}"),
    "an array": (forward("return logits.detach().numpy()"), f"{N}the network returns a ndarray; {LOGITS}"),
    "a number": (forward("return logits.sum()"), f"{N}the network returns float32 () of 2 images; {LOGITS}"),
    "a map of logits": (
        forward("return logits[..., None, None]"),
        f"{N}the network returns float32 (2, 4, 1, 1) of 2 images; {LOGITS}",
    ),
    "one row": (forward("return logits.mean(0, keepdim=True)"), f"{N}the network returns float32 (1, 4) of 2 images; {LOGITS}"),
    "another number of classes": (
        built("return nn.Sequential(nn.Flatten(), nn.Linear(192, 10))"),
        f"{N}the network returns float32 (2, 10) of 2 images; {LOGITS}",
    ),
    "float64 logits": (forward("return logits.double()"), f"{N}the network returns float64 (2, 4) of 2 images; {LOGITS}"),
    "float16 logits": (forward("return logits.half()"), f"{N}the network returns float16 (2, 4) of 2 images; {LOGITS}"),
    "whole numbers": (forward("return logits.long()"), f"{N}the network returns int64 (2, 4) of 2 images; {LOGITS}"),
    "its input changed": (
        forward("x -= 0.5", "return logits"),
        f"{N}the network changes its input in place; accepted: one that leaves it as it is",
    ),
    "dropout": (
        forward("return nn.functional.dropout(logits, 0.5, training=True)"),
        f"{N}the logits differ from call to call; accepted: the same each time (no dropout or draws in evaluation mode)",
    ),
    "noise": (
        forward("return logits + torch.randn_like(logits)"),
        f"{N}the logits differ from call to call; accepted: the same each time (no dropout or draws in evaluation mode)",
    ),
    "a memory": (
        forward("self.calls += 1", "return logits * self.calls"),
        f"{N}the logits differ from call to call; accepted: the same each time (no dropout or draws in evaluation mode)",
    ),
    "statistics of the batch": (
        forward("return nn.functional.batch_norm(logits, None, None, training=len(x) > 1)"),
        f"{N}the network raises RuntimeError: running_mean must be defined in evaluation mode (net.py:13); {LOGITS}",
    ),
    "the mean of the batch": (
        forward("return logits - logits.mean(0)"),
        f"{N}the logits of an image depend on those beside it; accepted: a network that takes each image by itself",
    ),
    "the order in the batch": (
        forward("return logits.flip(0)"),
        f"{N}the logits of an image depend on those beside it; accepted: a network that takes each image by itself",
    ),
    "NaN logits": (
        forward("return logits * float('nan')"),
        f"{N}the network's logits: 8 of 8 numbers are not finite; accepted: finite ones",
    ),
    "an infinite logit": (
        forward("logits[:, 1] = float('inf')", "return logits"),
        f"{N}the network's logits: 2 of 8 numbers are not finite; accepted: finite ones",
    ),
    "no gradient": (
        forward("return logits.detach()"),
        f"{N}the logits have no gradient towards the image; accepted: a differentiable network",
    ),
    "a gradient of the weights alone": (
        forward("return self.layer(x.detach().flatten(1))"),
        f"{N}the logits have no gradient towards the image; accepted: a differentiable network",
    ),
    "an infinite gradient": (
        forward("return logits + (x.flatten(1)[:, :1] - x.flatten(1)[:, :1]).sqrt()"),
        f"{N}its gradient: 2 of 384 numbers are not finite; accepted: finite ones",
    ),
    "a gradient that is overwritten": (
        forward("y = logits.exp()", "y += 1", "return y"),
        f"{N}its gradient raises RuntimeError: one of the variables needed for gradient computation has been modified",
    ),
}


def tried(folder, text: str):
    """The network of a file, built and tried as the rules that make weights do."""
    (folder / "net.py").write_bytes(text.encode())
    network = load.build({"architecture": f"{folder}/net.py:make"}, CLASSES, 3, 8)
    contract.check(network, IMAGE, CLASSES, f"{folder}/net.py:make")


@pytest.mark.parametrize("text, line", BAD.values(), ids=BAD)
def test_a_bad_network_ends_in_its_line(tmp_path, text, line):
    with pytest.raises(InputError) as caught:
        tried(tmp_path, text)
    said = str(caught.value).replace(f"{tmp_path}/", "")
    assert len(said.splitlines()) == 1 and "; accepted: " in said
    assert said == line or (said.startswith(line) and "; accepted: " not in line)


def test_good_networks_pass(tmp_path):
    tried(tmp_path, forward("return logits"))
    tried(
        tmp_path,
        built("return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(144, 4))"),
    )
    tried(tmp_path, forward("return logits * 0"))
    tried(tmp_path, forward("return logits.clone()").replace("make = Net", "def make(*given):\n    return Net(*given)"))


def test_trying_a_network_changes_nothing():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.Flatten(), nn.Linear(144, 4))
    before, image = {name: value.clone() for name, value in network.state_dict().items()}, IMAGE.clone()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    assert contract.check(network, image, None, "here") == 4
    assert torch.equal(torch.rand(1), expected) and torch.equal(image, IMAGE)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_an_input_is_seen_to_change_where_a_layer_does_it():
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(192, 4))
    with refused("here: the network changes its input in place"):
        contract.check(network, IMAGE - 0.5, 4, "here")


def test_what_a_network_raises_later_ends_a_job_in_one_line(tmp_path, capsys):
    """Also where only some images make it do so."""
    (tmp_path / "net.py").write_text(forward("assert x.max() < 0.99, 'too bright'", "return logits"))
    classifier = Classifier(load.build({"architecture": f"{tmp_path}/net.py:make"}, CLASSES, 3, 8), classes=CLASSES)
    scripts = Path(load.__file__).parents[2]
    given = SimpleNamespace(log=[tmp_path / "log"], params=SimpleNamespace(), rule="attribute", scriptdir=scripts, output=[])
    with pytest.raises(SystemExit) as ended, job(given):
        classifier.logits(torch.ones(1, 3, 8, 8))
    assert str(ended.value) == f"attribute, {tmp_path}/log: error: AssertionError: too bright (net.py:13)"
    assert (tmp_path / "log").read_text() == "error: AssertionError: too bright (net.py:13)\n"
    with pytest.raises(SystemExit, match="Traceback"), job(given):
        raise AssertionError("ours")


class Wary(nn.Module):
    """A network that torch.fx cannot trace, and says nothing of why."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())

    def forward(self, x):
        assert isinstance(x, torch.Tensor)
        return self.body(x)


def test_a_network_that_cannot_be_traced_is_used_as_it_is_and_said_where_it_must_be(capsys):
    classifier = Classifier(Wary())
    assert classifier.logits(torch.rand(2, 3, 3, 3)).shape == (2, 4)
    assert "batch norm is not folded: AssertionError" in capsys.readouterr().out
    with refused("torch.fx cannot trace this network: AssertionError"):
        attribute("deeplift", classifier, torch.rand(1, 3, 3, 3), [0])


# --- in training mode -------------------------------------------------------------------------------------------------


class OnlyWhileTraining(nn.Module):
    """A linear network that does something else in training mode."""

    def __init__(self, otherwise):
        super().__init__()
        self.layer, self.otherwise = nn.Linear(16, 2), otherwise

    def forward(self, x):
        logits = self.layer(x.flatten(1))
        return self.otherwise(logits) if self.training else logits


def raises(logits):
    raise ValueError("two\nlines")


def leaves(logits):
    raise SystemExit(2)


@pytest.mark.parametrize(
    "otherwise, words",
    [
        (raises, "training: ValueError: two lines, after 0 steps"),
        (leaves, "training: SystemExit: 2, after 0 steps"),
        (lambda logits: (logits, logits), "must be Tensor, not tuple"),
        (lambda logits: logits[:1], "Expected input batch_size (1) to match target batch_size (8)"),
        (lambda logits: logits.detach(), "does not require grad"),
        (lambda logits: logits * float("inf"), "training: loss nan after 0 steps"),
    ],
    ids=["raises", "exits", "a tuple", "one row", "no gradient", "infinite"],
)
def test_what_a_network_does_in_training_mode_is_said(otherwise, words):
    settings = dict(epochs=1, batch_size=8, learning_rate=0.01, weight_decay=0.0, seed=0)
    with refused("training: ", words):
        train(OnlyWhileTraining(otherwise), np.zeros((64, 1, 4, 4), np.uint8), np.zeros(64, int), (0.5,), (0.25,), **settings)


@pytest.mark.parametrize(
    "network", [nn.Flatten(), nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).requires_grad_(False)], ids=["none", "frozen"]
)
def test_a_network_without_parameters_to_train_is_refused(network):
    settings = dict(epochs=1, batch_size=8, learning_rate=0.01, weight_decay=0.0, seed=0)
    with refused("training: the network has no parameters that can be trained"):
        train(network, np.zeros((64, 1, 4, 4), np.uint8), np.zeros(64, int), (0.5,), (0.25,), **settings)


@pytest.mark.parametrize("rate", [float("inf"), 1e38, float("nan"), -1.0, 0.0])
def test_no_learning_rate_leaves_weights_that_are_not_finite(rate):
    settings = dict(epochs=1, batch_size=8, learning_rate=rate, weight_decay=0.0, seed=0)
    pixels = np.arange(64 * 16, dtype=np.uint8).reshape(64, 1, 4, 4)
    with refused("training: "):
        train(nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), pixels, np.arange(64) % 2, (0.5,), (0.25,), **settings)


# --- weights ----------------------------------------------------------------------------------------------------------


class Masked(nn.Module):
    """A linear network with a batch norm and a mask that is infinite by design."""

    def __init__(self):
        super().__init__()
        self.norm, self.layer = nn.BatchNorm2d(3), nn.Linear(192, 4)
        self.register_buffer("mask", torch.full((3, 3), float("-inf")).triu(1))

    def forward(self, x):
        return self.layer(self.norm(x).flatten(1))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", ["layer.weight", "layer.bias", "norm.running_var"])
def test_weights_that_are_not_finite_are_neither_loaded_nor_saved(tmp_path, name, value):
    network = Masked()
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    state[name].view(-1)[1] = value
    count = f"1 of {state[name].numel()} numbers are not finite"
    with refused(f"w.pth: tensor {name!r}: {count}"):
        load.fill(network, state, "w.pth")
    with refused(f"w.safetensors: tensor {name!r}: {count}"):
        load.save(tmp_path / "w.safetensors", network, {})
    assert not list(tmp_path.iterdir())


def test_a_mask_may_be_infinite(tmp_path):
    load.save(tmp_path / "w.safetensors", load.fill(Masked(), Masked().state_dict(), "w"), {})


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64], ids=str)
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_weights_of_another_precision_are_read_and_it_is_said(tmp_path, capsys, dtype, ending):
    network, path = Masked(), tmp_path / f"w.{ending}"
    state = {name: value.to(dtype) if value.is_floating_point() else value for name, value in network.state_dict().items()}
    torch.save(state, path) if ending == "pth" else save_file(state, path)
    found = load.read_weights(path)
    assert f"w.{ending}: read as float32: tensors of {str(dtype).removeprefix('torch.')}" in capsys.readouterr().out
    assert found["norm.num_batches_tracked"].dtype == torch.int64
    assert all(torch.equal(value, state[name].to(value.dtype)) for name, value in found.items())
    load.save(tmp_path / "ours.safetensors", load.fill(network, found, str(path)), {})


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_a_users_own_file_is_never_called_deletable(tmp_path, ending):
    path = tmp_path / f"w.{ending}"
    path.write_bytes(b"no weights")
    with pytest.raises(InputError) as caught:
        load.read_weights(path)
    assert "delete" not in str(caught.value) and str(path) in str(caught.value)


# --- answers that are not finite, where they arise ----------------------------------------------------------------------


class Sometimes(nn.Module):
    """A linear network whose logits, or gradients, are NaN for images that are bright at their first pixel."""

    def __init__(self, of: str):
        super().__init__()
        self.layer, self.of = nn.Linear(12, 3), of

    def forward(self, x):
        logits, bright = self.layer(x.flatten(1)), x.flatten(1)[:, :1] > 0.9
        if self.of == "logits":
            return torch.where(bright, float("nan"), logits)
        return logits + torch.where(bright, 0.0 * x.flatten(1)[:, :1], 1.0).sqrt()


X = torch.linspace(0.1, 0.8, 4)[:, None, None, None] * torch.ones(4, 3, 2, 2)
X[2, 0, 0, 0] = 1.0
GIVEN = dict(x=X, target=[0, 1, 2, 0], ids=["a", "b", "c", "d"])


def test_logits_that_are_not_finite_name_their_image():
    classifier = Classifier(Sometimes("logits"))
    with refused("logits of image 2", "3 of 3 numbers are not finite"):
        classifier.logits(X)
    with refused("logits of image c"):
        classifier.logits(X, ids=GIVEN["ids"])
    assert torch.isfinite(classifier.logits(X[:2])).all()


@pytest.mark.parametrize("of", ["logits", "gradients"])
@pytest.mark.parametrize("variant", ["vanilla", "valid_interpolations"])
def test_maps_of_answers_that_are_not_finite_name_their_image(of, variant):
    """Also the re-calibrated ones, which would take a NaN for a product to leave out."""
    with refused(f"the network's {of}", "image c"):
        attribute("eg", Classifier(Sometimes(of)), **GIVEN, variants=[variant], background=X[:1].repeat(64, 1, 1, 1), references=60)


def test_baselines_and_scores_of_answers_that_are_not_finite_name_their_image():
    classifier = Classifier(Sometimes("logits"))
    with refused("the network's logits", "image c"):
        baselines("boundary", classifier, **GIVEN)
    with refused("the network's logits", "image c"):
        measure("diffid", classifier, **GIVEN, maps=torch.ones_like(X), fractions=2)


def test_a_map_or_baselines_that_are_not_finite_name_their_image():
    classifier, maps = Classifier(Sometimes("none")), torch.ones_like(X)
    maps[1, 0, 0, 0] = float("inf")
    with refused("the map of image b: 1 of 12 numbers are not finite"):
        measure("diffid", classifier, **GIVEN, maps=maps, fractions=2)
    with refused("baselines: 1 of 48 numbers are not finite"):
        attribute("big", classifier, **GIVEN, baselines=maps[:, None])


def test_a_score_that_is_not_finite_names_its_image():
    """A ratio to a logit of 0."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3, bias=False))
    network[1].weight.data.zero_()
    with refused("diffid: insertion_output of image a", "not finite"), np.errstate(all="ignore"):
        measure("diffid", Classifier(network), **GIVEN, maps=torch.ones_like(X), fractions=2)


def test_a_score_that_an_image_may_lack_may_be_missing():
    boxes = torch.zeros(4, 2, 2, dtype=torch.bool)
    boxes[:3, 0] = True
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    table = measure("localisation", Classifier(network), **GIVEN, maps=torch.ones_like(X), boxes=boxes)
    missing = table[table["value"].isna()]
    assert missing["image_id"].tolist() == ["d"] and missing["metric"].tolist() == ["localised"]


class NoBlack(nn.Module):
    """A linear network whose logits are NaN for a black image."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(12, 3)

    def forward(self, x):
        return self.layer(x.flatten(1) / x.flatten(1).norm(dim=1, keepdim=True))


def test_what_fills_a_micro_batch_is_not_looked_at():
    """It is black, and so may be what the network cannot answer."""
    classifier = Classifier(NoBlack())
    assert torch.isfinite(classifier.logits(X)).all()
    assert torch.isfinite(attribute("inputgrad", classifier, **GIVEN)["vanilla"]).all()
    with refused("image a"):
        attribute("ig", classifier, **GIVEN, rule="trapezoid", steps=3)


def test_the_classifier_of_a_notebook_is_tried_at_its_first_images():
    with refused("found a function; accepted: a torch.nn.Module"):
        Classifier(lambda x: x)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3), nn.Unflatten(1, (3, 1)))
    with refused("Sequential: the network returns float32 (2, 3, 1) of 2 images"):
        attribute("ig", Classifier(network), **GIVEN)
    with refused("targets lie in 0 to 2; accepted: 0 to 1"):
        attribute("ig", Classifier(network[:2], classes=2), **GIVEN)
