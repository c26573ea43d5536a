"""Plain training of a classifier."""

from ..model.train import share_met, train
from ..registry import training
from ..rng import generator
from ..values import NonNegative, Positive
from .data import Data


@training("classification", paper="ours; permuted labels: Adebayo et al., NeurIPS 2018")
def classification(
    network, data: Data, *, epochs: int, batch_size: int, learning_rate: Positive, weight_decay: NonNegative, permuted: bool = False
):
    """AdamW, one learning-rate cycle, cross-entropy: see `model.train.train`.

    `permuted`: the labels are first permuted among the training images, so that there is nothing to learn but the images themselves
    (the data-randomisation test). Returns {"train_accuracy": share of the labels trained on, permuted or not, that the trained
    network predicts}. Raises `InputError` where the loss is not finite.
    """
    labels = generator(data.seed, "permuted labels").permutation(data.labels) if permuted else data.labels
    settings = dict(epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, weight_decay=weight_decay)
    train(network, data.pixels, labels, data.mean, data.std, seed=data.seed, device=data.device, **settings)
    return {"train_accuracy": share_met(network, data.pixels, labels, data.mean, data.std)}
