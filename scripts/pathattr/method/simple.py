"""Methods of one gradient or none."""

import torch

from ..batching import Ask
from ..registry import method


@method(
    "random",
    paper="control of Yang et al., AAAI 2023",
    equation="A ~ U(0, 1)",
    gradients="0",
    limits="Knows neither image nor network.",
)
def random(image, integral):
    """Independent uniform draws in [0, 1), one a channel and pixel: the control that knows nothing."""
    noise = image.draws("map").random(tuple(image.x.shape), dtype="float32")
    integral.add(torch.from_numpy(noise)[None].to(image.x.device))
    return
    yield  # a method is a generator, also when it asks for nothing


@method(
    "inputgrad",
    paper="Simonyan et al., ICLR workshop 2014",
    equation="A = dF(x)/dx",
    gradients="1",
    limits="Per unit of pixel value: a network with another mean and std a channel scales the channels by 1/std. "
    "Saturates where F is flat.",
)
def inputgrad(image, integral):
    """Input Gradients: the gradient of the objective at the image, signed, per channel, in units of 1/pixel value."""
    answer = yield Ask(image.x[None], image.target)
    integral.add(answer.gradient)


@method(
    "gradient_x_input",
    paper="Deng et al., 2020 (Taylor framework)",
    equation="section 3 I, (7): a_i = x_i df/dx_i",
    gradients="1",
    limits="First order only. The baseline is black, so black pixels get 0.",
)
def gradient_x_input(image, integral):
    """Gradient x Input: the first-order Taylor term from a black baseline, in pixel space."""
    answer = yield Ask(image.x[None], image.target)
    integral.add(answer.gradient, image.x)


@method(
    "fig",
    paper="Hesse et al., NeurIPS 2021 (Fast IG)",
    equation="A = x dF(x)/dx",
    gradients="1",
    limits="Equals IG from black only where F has no biases (homogeneous networks); elsewhere it is gradient_x_input.",
)
def fig(image, integral, *, as_released: bool = False):
    """Fast Integrated Gradients: image times gradient, which is IG in one step on networks without biases.

    `as_released`: the gradient of the cross-entropy whatever the objective, as in the code of the LA paper; its sign is the
    opposite, so that it ranks pixels by how much they speak against the class.
    """
    answer = yield Ask(image.x[None], image.target, "loss" if as_released else "gradient")
    integral.add(answer.gradient, image.x)
