"""The network at an image without random subsets of its pixels, which Sensitivity-n compares every map with."""

from collections.abc import Iterator

import numpy as np
import torch

from ..batching import LOGITS, Ask
from ..registry import probe
from ..values import Draws, Share

CHUNK = 128  # masked copies of one image in memory at a time


def masks(image, fraction: float, subsets: int) -> Iterator[np.ndarray]:
    """`subsets` Bernoulli(`fraction`) masks of an image's pixels, True where masked: bool (k, H, W), at most `CHUNK` at a time.

    The draws are keyed by the fraction's value, so neither more subsets nor other fractions change them. Masks are not stored: a
    metric that needs them draws them again.
    """
    rng = image.draws("masks", float(fraction))
    for start in range(0, subsets, CHUNK):
        yield rng.random((min(CHUNK, subsets - start), *image.x.shape[1:])) < fraction


@probe(
    "masked",
    paper="Ancona et al., ICLR 2018, as Yang et al., ICLR 2023, and Akhtar and Jalwana, ICML 2023, use it",
    equation="S_c(x_[x_S=0])",
    forwards="1 + len(fractions) * subsets",
)
def masked(
    image,
    *,
    fractions: tuple[Share, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    subsets: Draws = 100,
):
    """Logits of an image, and of it without random subsets of its pixels.

    For each fraction q, `subsets` masks: every pixel, all its channels together, is masked with probability q, as in the released
    code of re-calibration (Ancona et al. fix the number of pixels instead). A masked pixel becomes 0 in normalised space, the data
    set's mean colour. The papers' fractions are 0.1 to 0.9 (re-calibration, 100 subsets) and 0.01 to 0.9 (credible).

    Gives `clean` (classes,) and `masked` (fractions, subsets, classes), float32, and `sizes` (fractions, subsets), int32: how many
    pixels each mask has, by which masks drawn again are known to be the same.
    """
    answer = yield Ask(image.x[None], rule=LOGITS)
    clean, logits, sizes = answer.logits[0].cpu().numpy(), [], []
    for fraction in fractions:
        for drawn in masks(image, fraction, subsets):
            hidden = torch.from_numpy(drawn).to(image.x.device)[:, None]
            answer = yield Ask(torch.where(hidden, image.mean.view(-1, 1, 1), image.x), rule=LOGITS)
            logits.append(answer.logits.cpu().numpy())
            sizes.append(drawn.sum((1, 2), dtype=np.int32))
    shape = (len(fractions), subsets)
    return {"clean": clean, "masked": np.concatenate(logits).reshape(*shape, -1), "sizes": np.concatenate(sizes).reshape(shape)}
