"""Any attribution class of Captum, by name."""

import contextlib
import inspect

import numpy as np
import torch
from torch import nn

from ..batching import Ask, out_of_memory
from ..errors import InputError
from ..registry import method


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


class Rule:
    """One Captum class with its arguments, on one image. After the call, `passes`: rows that ran with gradients enabled, and
    `forwards`: those without."""

    def __init__(self, name: str, arguments: dict, seed: int):
        from captum import attr

        known = [one for one in attr.__all__ if isinstance(getattr(attr, one), type) and hasattr(getattr(attr, one), "attribute")]
        if name not in known:
            raise InputError(f"captum has no attribution class {name!r}; accepted: {', '.join(sorted(known))}")
        self.kind, self.arguments, self.seed = getattr(attr, name), arguments, seed
        self.passes = self.forwards = 0

    def __call__(self, classifier, objective, points, target):
        network = Columns(classifier, objective)
        own = inspect.signature(self.kind.__init__).parameters
        given = {key: tuple(value) if isinstance(value, list) else value for key, value in self.arguments.items()}
        making = {key: value for key, value in given.items() if key in own}
        asking = {key: value for key, value in given.items() if key not in own}
        if isinstance(asking.get("baselines"), int | float):
            asking["baselines"] = torch.full_like(points, asking["baselines"])
        with self._alone(points):
            try:
                if isinstance(making.get("layer"), str):
                    making["layer"] = classifier.module.get_submodule(making["layer"])
                found = self.kind(network, **making).attribute(points.clone().requires_grad_(True), target=target, **asking)
            except Exception as error:  # whatever Captum makes of the user's arguments
                if out_of_memory(error):
                    raise
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise InputError(f"captum:{self.kind.__name__}: {reason}") from None
        if not isinstance(found, torch.Tensor) or found.shape != points.shape:
            shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
            raise InputError(
                f"captum:{self.kind.__name__} gives {shape}; accepted: a map of the image's shape {tuple(points.shape)}"
            )
        self.passes, self.forwards = (network.rows.get(enabled, 0) for enabled in (True, False))
        return found.float()

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


@method(
    "captum",
    paper="Kokhlikyan et al., 2020 (Captum), and the paper of the class",
    equation="as in Captum",
    gradients="as the class takes",
    defaults="Captum's own",
    limits="One image at a time on one thread, so that a map depends on nothing else; classes whose map has the image's shape.",
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

    They go to the class or to its `attribute`, whichever takes them; `layer` is a module's name; random draws are keyed as
    everywhere. What the class returns is the map.
    """
    seed = int(image.draws("captum").integers(2**31))
    answer = yield Ask(image.x[None], image.target, Rule(name, arguments, seed), alone=True)
    integral.add(answer.gradient)
