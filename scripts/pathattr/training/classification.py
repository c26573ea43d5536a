"""Plain training of a classifier."""

from ..model.train import train
from ..registry import training
from .data import Data


@training("classification", paper="ours")
def classification(network, data: Data, *, epochs: int, batch_size: int, learning_rate: float, weight_decay: float):
    """AdamW, one learning-rate cycle, cross-entropy: see `model.train.train`."""
    settings = dict(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, weight_decay=weight_decay)
    train(network, data.pixels, data.labels, data.mean, data.std, seed=data.seed, device=data.device, **settings)
    return {}
