"""Any attribution class of Captum, by name."""

import contextlib
import inspect
import weakref

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate

from ..batching import Ask, out_of_memory
from ..errors import InputError, NotApplicable
from ..registry import method
from ..values import among

_last: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


class Columns(nn.Module):
    """The classifier as Captum takes it: pixels in, the objective of every class out."""

    def __init__(self, classifier, objective: str):
        super().__init__()
        self.module, self.classifier, self.objective, self.rows = classifier.module, classifier, objective, {}

    def forward(self, pixels):
        self.rows[torch.is_grad_enabled()] = self.rows.get(torch.is_grad_enabled(), 0) + len(pixels)
        logits = self.module(self.classifier.normalise(pixels))
        if self.objective == "logit":
            return logits
        if self.objective == "probability":
            return torch.softmax(logits, 1)
        return torch.log_softmax(logits, 1) * (-1 if self.objective == "loss" else 1)


class Plain(nn.Module):
    """A network of layers that all of Captum's classes take."""

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.convolution, self.activation, self.classes = nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.Linear(4, classes)

    def forward(self, x):
        return self.classes(self.activation(self.convolution(x)).mean((2, 3)))


class Rule:
    """One Captum class with its arguments, on one image. After the call, `passes`: rows that ran with gradients enabled, and
    `forwards`: those without."""

    def __init__(self, name: str, arguments: dict, seed: int):
        from captum import attr

        known = [one for one in attr.__all__ if isinstance(getattr(attr, one), type) and hasattr(getattr(attr, one), "attribute")]
        if name not in known:
            raise InputError(f"captum has no attribution class {name!r}; {among(name, sorted(known))}")
        self.kind, self.of_layers = getattr(attr, name), attr.LayerAttribution
        self.arguments, self.seed = arguments, seed
        self.passes = self.forwards = 0

    def __call__(self, classifier, objective, points, target):
        network, name = Columns(classifier, objective), f"captum:{self.kind.__name__}"
        layer = self._layer(classifier, points)  # None: the class takes none
        with self._alone(points):
            try:
                found = self._asked(network, layer, points, target)
                if issubclass(self.kind, self.of_layers) and isinstance(found, torch.Tensor) and found.ndim == 4:
                    found = spread(found, points.shape)
            except Exception as error:  # whatever Captum makes of the network, or of the user's arguments
                if out_of_memory(error):
                    raise
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                fault = NotApplicable if self._works(classifier, points, target) else InputError
                raise fault(f"{name}: {reason}") from None
        if not isinstance(found, torch.Tensor) or found.shape != points.shape:
            shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
            accepted = f"a map of the image's shape {tuple(points.shape)}, or of a layer that has rows and columns"
            raise InputError(f"{name} gives {shape}; accepted: {accepted}")
        self.passes, self.forwards = (network.rows.get(enabled, 0) for enabled in (True, False))
        return found.float()

    def _asked(self, network, layer, points, target):
        """What the class gives for a network, and a layer of it where it takes one."""
        own = inspect.signature(self.kind.__init__).parameters
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in self.arguments.items()}
        making = {key: value for key, value in given.items() if key in own}
        asking = {key: value for key, value in given.items() if key not in own}
        if isinstance(asking.get("baselines"), int | float):
            asking["baselines"] = torch.full_like(points, asking["baselines"])
        if layer is not None:
            making["layer"] = layer
        if "target" in inspect.signature(self.kind.attribute).parameters:
            asking["target"] = target
        return self.kind(network, **making).attribute(points.clone().requires_grad_(True), **asking)

    def _layer(self, classifier, points) -> nn.Module | None:
        """The layer that the class shall look at: by its name, or the last convolution; None for a class that takes none."""
        if "layer" not in inspect.signature(self.kind.__init__).parameters:
            return None
        layers, name = dict(classifier.module.named_modules()), self.arguments.get("layer")
        if name is not None and name not in layers:
            raise InputError(f"captum:{self.kind.__name__}: layer is {name!r}; {among(name, filter(None, layers))}")
        if name is not None:
            return layers[name]
        if classifier not in _last:
            _last[classifier] = last_convolution(classifier, points)
        if _last[classifier] is None:
            raise NotApplicable(f"captum:{self.kind.__name__}: the network has no convolution; accepted: layer: NAME")
        return _last[classifier]

    def _works(self, classifier, points, target) -> bool:
        """Whether the class takes these arguments with a plain network: then it was the other network that it does not take."""
        plain = Plain(points.shape[1], classifier.classes(points[0])).to(points.device).eval()
        layer = plain.convolution if "layer" in inspect.signature(self.kind.__init__).parameters else None
        try:
            self._asked(plain, layer, points, target)
        except Exception:
            return False
        return True

    @contextlib.contextmanager
    def _alone(self, points):
        """Draws of its own, torch's and NumPy's, and one thread: a batch of one has other last bits on several."""
        before, threads = np.random.get_state(), torch.get_num_threads()
        with torch.random.fork_rng(devices=[points.device] if points.is_cuda else []):
            torch.manual_seed(self.seed)
            np.random.seed(self.seed)
            torch.set_num_threads(1)
            try:
                yield
            finally:
                np.random.set_state(before)
                torch.set_num_threads(threads)


def last_convolution(classifier, points) -> nn.Module | None:
    """The convolution that runs last of those whose output has several rows or columns, or of all; None: there is none."""
    ran, convolutions = [], [layer for layer in classifier.module.modules() if isinstance(layer, nn.Conv2d)]
    hooks = [one.register_forward_hook(lambda one, _, found: ran.append((one, found.shape[2:]))) for one in convolutions]
    try:
        with torch.no_grad():
            classifier.module(classifier.normalise(points))
    finally:
        for hook in hooks:
            hook.remove()
    broad = [one for one, shape in ran if shape.numel() > 1] or [one for one, _ in ran]
    return broad[-1] if broad else None


def spread(found: torch.Tensor, shape) -> torch.Tensor:
    """A map of a layer (N, K, h, w), summed over its channels and enlarged to images of `shape` by bilinear interpolation; each of
    the image's channels gets an even share, so that their sum is that map."""
    whole = interpolate(found.sum(1, keepdim=True), shape[2:], mode="bilinear", align_corners=False)
    return whole.expand(shape) / shape[1]


@method(
    "captum",
    paper="Kokhlikyan et al., 2020 (Captum), and the paper of the class",
    equation="as in Captum",
    gradients="as the class takes",
    defaults="Captum's own",
    limits="One image at a time on one thread, so that a map depends on nothing else; classes whose map has the image's shape, or "
    "a layer's rows and columns.",
    family=True,
    sets=(
        "name",
        "image",
        "integral",
        "classifier",
        "inputs",
        "target",
        "ids",
        "seed",
        "background",
        "neighbourhoods",
        "micro_batch",
        "progress",
        "upto",
    ),
)
def captum(image, integral, *, name: str, **arguments):
    """captum:CLASS runs that attribution class of Captum's in pixel space, with the parameters as keyword arguments.

    They go to the class or to its `attribute`, whichever takes them; random draws are keyed as everywhere. What the class returns
    is the map. Of classes that look at a layer (LayerGradCam, GuidedGradCam, LayerActivation, ...), `layer` is its name in the
    network, `layer4.1.conv2`, by default the last convolution; its map is summed over the layer's channels, enlarged to the image
    (bilinear) and spread evenly over the image's channels. Grad-CAM as published: LayerGradCam with `relu_attributions`.
    """
    seed = int(image.draws("captum").integers(2**31))
    answer = yield Ask(image.x[None], image.target, Rule(name, arguments, seed), alone=True)
    integral.add(answer.gradient)
