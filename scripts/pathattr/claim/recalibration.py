"""What only the re-calibration paper claims (Yang et al., ICLR 2023)."""

import numpy as np

from ..judging import Judged, NotRun, agreed, side, simultaneous
from ..registry import Images, Models, claim
from ..rng import generator
from ..scores import resampled
from ..values import NonNegative


@claim("robust", needs=("trainings", "test"))
def robust(
    found,
    *,
    models: Models,
    models2: Models | None = None,
    sigmas: tuple[NonNegative, ...],
    images: Images,
    loss_allowed: NonNegative = 0.01,
):
    """Each of `models` is more robust to Gaussian noise than the one before it in the list, the least robust claimed coming first:
    its accuracy on the first `images` test images, averaged over the `sigmas` above 0, is higher. `models2`: another such list.

    Trainings and images are resampled together, trainings first, each pair of trainings with one seed; a step is decided only
    where every training lies on its side. What is lost at sigma 0 stands in the notes, beside the `loss_allowed`.
    """
    steps = [step for group in (models, models2 or []) for step in zip(group, group[1:], strict=False)]
    if not steps:
        raise NotRun("one model alone is more robust than none")
    if not any(sigma > 0 for sigma in sigmas):
        raise NotRun("no sigma is above 0: nothing is noisy")
    right = {model: _right(found, model, sigmas, images) for model in dict.fromkeys(sum(steps, ()))}
    noisy = [sigma for sigma in sigmas if sigma > 0]
    cells = [_step(found, right, step, noisy) for step in steps]
    draws = np.stack([cell.pop("draws") for cell in cells], 1)
    low, high = simultaneous(np.array([cell["estimate"] for cell in cells]), draws)
    for cell, *ends in zip(cells, low, high, strict=True):
        cell |= {"low": ends[0], "high": ends[1], "side": agreed(side(*ends), cell["trainings"])}
    notes = [_lost(found, right, step, loss_allowed) for step in steps] if 0 in sigmas else []
    together = np.quantile(draws.mean(1), [0.025, 0.975])
    overall = {"estimate": np.mean([cell["estimate"] for cell in cells]), "low": together[0], "high": together[1]}
    words = f"accuracy, mean over noise of sigma {', '.join(f'{sigma:g}' for sigma in noisy)}; trainings and images resampled"
    return Judged(words, cells, overall=overall, notes=notes)


def _right(found, model: str, sigmas, images: int) -> dict:
    """Sigma -> whether each image is classified right (1) or not (0), (images, trainings)."""
    from ..artefact.recalibration import noise_table

    table = noise_table(found, [model], list(sigmas))
    ids = found.test(model).index["image_id"][:images]
    table = table[(table["model"] == model) & table["image_id"].isin(ids)]
    trainings = list(dict.fromkeys(table["training"]))  # in their order: the first has the first seed on every model
    wide = table.pivot(index="image_id", columns=["sigma", "training"], values="right").astype(float)
    return {sigma: wide[sigma][trainings].to_numpy() for sigma in sigmas}


def _step(found, right: dict, step: tuple[str, str], sigmas) -> dict:
    """A cell but for its interval and side, and its bootstrap `draws`: how much more accurate the second of a step is."""
    before, after = (np.mean([right[model][sigma] for sigma in sigmas], axis=0) for model in step)
    if before.shape != after.shape:
        counts = " and ".join(str(one.shape[1]) for one in (before, after))
        raise NotRun(f"{step[0]} and {step[1]} have {counts} trainings: they are no pairs")
    values = after - before
    seeds = values.shape[1]
    drawn = resampled(values, found.seed)
    weights = generator(found.seed, "bootstrap", "trainings", seeds).multinomial(seeds, np.full(seeds, 1 / seeds), size=len(drawn))
    return {
        "label": " - ".join(reversed(step)),
        "model": step[1],
        "rival": step[0],
        "estimate": float(values.mean()),
        "draws": (drawn * weights / seeds).sum(1),
        "n": len(values),
        "trainings": values.mean(0).tolist() if seeds > 1 else [],
    }


def _lost(found, right: dict, step: tuple[str, str], allowed: float) -> str:
    """What a step gains or loses without noise, in points, and whether that is a loss beyond what is allowed."""
    cell = _step(found, right, step, [0])
    low, high = np.quantile(cell["draws"], [0.025, 0.975])
    word = {"for": "no loss above", "against": "a loss above", "open": "not resolved from a loss of"}[side(low, high, -allowed)]
    gain, low, high = (100 * value for value in (cell["estimate"], low, high))
    return f"at sigma 0, {cell['label']}: {gain:+.2f} points [{low:+.2f}, {high:+.2f}], {word} {100 * allowed:g}"
