"""What is differentiated: one scalar per image, made of its logits and a class. Defined once, for every method."""

import torch
from torch import Tensor


def logit(logits: Tensor, target: Tensor) -> Tensor:
    """F_y: the raw logit of class `target`. (N, classes), (N,) -> (N,)."""
    return logits.gather(1, target[:, None])[:, 0]


def log_probability(logits: Tensor, target: Tensor) -> Tensor:
    """log softmax(F)_y. (N, classes), (N,) -> (N,), at most 0."""
    return logit(torch.log_softmax(logits, 1), target)


def probability(logits: Tensor, target: Tensor) -> Tensor:
    """softmax(F)_y. (N, classes), (N,) -> (N,) in [0, 1]."""
    return logit(torch.softmax(logits, 1), target)


def loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy, -log softmax(F)_y. (N, classes), (N,) -> (N,), at least 0."""
    return -log_probability(logits, target)


def logit_distance(logits: Tensor, wanted: Tensor) -> Tensor:
    """||F - F*||_2^2, the squared distance to the logits wanted. (N, classes), (N, classes) -> (N,)."""
    return ((logits - wanted) ** 2).sum(1)


def soft_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy with the probabilities softmax(F*) of the logits wanted. (N, classes), (N, classes) -> (N,)."""
    return -(torch.softmax(wanted, 1) * torch.log_softmax(logits, 1)).sum(1)


OBJECTIVES = {function.__name__: function for function in (logit, probability, log_probability, loss)}
TOWARDS = {function.__name__: function for function in (logit_distance, soft_loss)}  # of logits wanted, not of a class
