"""Methods without a path: the random control and the plain gradient."""

import torch

from ..batching import Ask
from ..registry import method


@method("random", paper="control of Yang et al., AAAI 2023", equation="A ~ U(0, 1)", gradients="0")
def random(image, integral):
    """Independent uniform draws in [0, 1), one a channel and pixel: the control that knows nothing."""
    noise = image.draws("map").random(tuple(image.x.shape), dtype="float32")
    integral.add(torch.from_numpy(noise)[None].to(image.x.device))
    return
    yield  # a method is a generator, also when it asks for nothing


@method("inputgrad", paper="Simonyan et al., ICLR workshop 2014", equation="A = dF_y(x)/dx", gradients="1")
def inputgrad(image, integral):
    """Input Gradients: the gradient of the objective at the image, signed, per channel, in units of 1/pixel value."""
    answer = yield Ask(image.x[None], image.target)
    integral.add(answer.gradient)
