"""Training with an attribution prior: neighbouring pixels should have similar attributions."""

import copy
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..model.train import share_met, slope, train
from ..objective import logit
from ..registry import training
from ..rng import generator
from ..values import NonNegative, Positive, Share
from .data import Data

VARIANCE = 1e-12  # added to a map's before it is divided by: a map of zeros stays one


def expected_gradients(network, x: Tensor, labels: Tensor, references: Tensor, alpha: Tensor, form: str) -> Tensor:
    """Maps (N, C, H, W) of the logits of `labels`, which the network's parameters can be differentiated through.

    `references`: (N, R, C, H, W), and `alpha`: (N, R), the place of each one's only point. Form "vanilla": the mean over
    references of (x - x') times the gradient; "valid_references": the mean over those where it is not negative, element by
    element, and 0 where there is none (Yang et al., ICLR 2023, Alg. 2, as `integrate.Integral` has it); which ones these are is
    taken as constant.
    """
    displacement = x[:, None] - references
    points = (references + alpha[..., None, None, None] * displacement).flatten(0, 1)
    points = points.detach().contiguous(memory_format=torch.channels_last).requires_grad_(True)
    gradient = slope(logit(network(points), labels.repeat_interleave(references.shape[1])), points)
    products = displacement * gradient.view_as(displacement)
    if form == "vanilla":
        return products.mean(1)
    valid = (products >= 0).to(x.dtype)
    return (valid * products).sum(1) / valid.sum(1).clamp_min(1)


def total_variation(maps: Tensor) -> Tensor:
    """(N, C, H, W) -> (N,): mean |A_{i+1,j} - A_{i,j}| + mean |A_{i,j+1} - A_{i,j}| of each map, standardised beforehand to mean 0
    and standard deviation 1."""
    centred = maps - maps.mean((1, 2, 3), keepdim=True)
    standard = centred / (centred.square().mean((1, 2, 3), keepdim=True) + VARIANCE).sqrt()
    return sum(standard.diff(dim=dim).abs().mean((1, 2, 3)) for dim in (2, 3))


def prior(network, x: Tensor, labels: Tensor, references: Tensor, alpha: Tensor, form: str) -> Tensor:
    """Mean total variation of the images' maps, by the network in evaluation mode; see `expected_gradients`.

    In evaluation mode a map is of its own image alone, and batch norms do not count the points among the images.
    """
    before = network.training
    maps = expected_gradients(network.eval(), x, labels, references, alpha, form)
    network.train(before)
    return total_variation(maps).mean()


def _penalty(strength: float, references: int, form: str, seed: int):
    """`strength` times the prior of a batch as `model.train.train` adds it; its draws begin anew with each training."""
    draws = generator(seed, "attribution prior")

    def penalty(network, x, labels):
        others = draws.random((len(x), len(x)))
        np.fill_diagonal(others, 1.0)  # an image is no reference of its own
        chosen = torch.from_numpy(others.argsort(1)[:, :references].copy()).to(x.device)
        alpha = torch.from_numpy(draws.random((len(x), references), dtype="float32")).to(x)
        return strength * prior(network, x, labels, x[chosen], alpha, form)

    return penalty


def choose(grid: list[dict], loss_allowed: NonNegative) -> float:
    """The largest strength whose held-out accuracy is at least that of strength 0 less `loss_allowed`; the smallest above 0 where
    there is none, 0 where it stands alone. `grid`: {"strength", "held_out_accuracy"} of each, 0 among them."""
    found = {row["strength"]: row["held_out_accuracy"] for row in grid}
    least = found.pop(0.0) - loss_allowed - 1e-9  # shares of images, rounded
    if not found:
        return 0.0
    return max((strength for strength, share in found.items() if share >= least), default=min(found))


@training(
    "attribution_prior",
    paper="Erion et al., Nature Machine Intelligence 2021, as Yang et al., ICLR 2023, use it",
    equation="cross-entropy + lambda TV(A), A by Expected Gradients; section A.4.2",
    holds={"references < batch_size": "fewer references than the images of a batch"},
)
def attribution_prior(
    network,
    data: Data,
    *,
    form: Literal["none", "vanilla", "valid_references"],
    epochs: int,
    batch_size: int,
    learning_rate: Positive,
    weight_decay: NonNegative,
    references: int = 5,
    strengths: tuple[Positive, ...] = (0.01, 0.1, 1.0),
    held_out: Share = 0.2,
    loss_allowed: NonNegative = 0.01,
):
    """Cross-entropy and lambda times the mean total variation of the batch's attribution maps, one AdamW step on the sum.

    A map is Expected Gradients of the true class's logit, by `references` other images of the batch and one point on the line to
    each, alpha ~ U(0, 1); form "valid_references" re-calibrates it; "none" has no prior. Maps are standardised, so that lambda
    has a scale. The paper does not say what lambda is: with each of `strengths`, and 0, a network is trained from the same start
    on all but the share `held_out` of the training images, and `choose` takes one by the accuracies on these, `loss_allowed`
    being how much of it may go; its network is the result. So all forms train on the same images.

    Returns {"strength": chosen, "grid": [{"strength", "held_out_accuracy"}, ...], "train_accuracy": on the images trained on}.
    Raises `InputError`.
    """
    if not 0 < round(held_out * len(data.pixels)) < len(data.pixels):
        raise InputError(
            f"attribution_prior: held_out is {held_out} of {len(data.pixels)} images; accepted: a share that leaves both"
        )
    order = generator(data.seed, "held out").permutation(len(data.pixels))
    held, kept = np.split(order, [round(held_out * len(order))])
    settings = dict(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, weight_decay=weight_decay)
    grid, trained = [], {}
    for strength in (0.0, *(() if form == "none" else sorted(set(strengths)))):
        candidate = copy.deepcopy(network)
        penalty = _penalty(strength, references, form, data.seed) if strength else None
        images = data.pixels[kept], data.labels[kept], data.mean, data.std
        with torch.random.fork_rng():
            torch.manual_seed(data.seed)  # of layers that draw, such as dropout
            train(candidate, *images, seed=data.seed, device=data.device, penalty=penalty, **settings)
        trained[strength] = candidate.state_dict()
        accuracy = share_met(candidate, data.pixels[held], data.labels[held], data.mean, data.std)
        grid.append({"strength": strength, "held_out_accuracy": accuracy})
    chosen = choose(grid, loss_allowed)
    network.to(data.device, memory_format=torch.channels_last).load_state_dict(trained[chosen])
    network.eval()
    return {"strength": chosen, "grid": grid, "train_accuracy": share_met(network, *images)}
