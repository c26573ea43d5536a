"""The two verbs of the library, `attribute` and `measure`, and the tables of what they know."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from numbers import Integral

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from . import registry
from .batching import run
from .errors import InputError
from .finite import check_finite, watched
from .integrate import Image, draws, evaluate, integrate
from .ranks import spearman


def attribute(method: str, classifier, /, x, target=None, **options) -> dict[str, torch.Tensor]:
    """Attribution maps of N images by a registered method: variant -> float32 (N, C, H, W) in the pixel space of x.

    The options are those of `attributed`, which gives one image after the other, and tells how many gradients each took.
    """
    return attribute_counted(method, classifier, x, target, **options)[0]


def attribute_counted(method: str, classifier, /, x, target=None, **options) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    """What `attributed` yields, together, in the images' order: variant -> float32 (N, C, H, W), and a table of the counts."""
    maps, counts = {}, [{}] * len(x)
    for number, found, counts[number] in attributed(method, classifier, x, target, **options):
        for variant, values in found.items():
            if variant not in maps:
                maps[variant] = values.new_zeros(len(x), *values.shape)
            maps[variant][number] = values
    return maps, pd.DataFrame(counts)


def attributed(
    method: str,
    classifier,
    /,
    x,
    target=None,
    *,
    ids=None,
    seed: int = 0,
    background=None,
    neighbourhoods=None,
    baselines=None,
    objective: str | None = None,
    variants=None,
    upto=None,
    micro_batch: int = 32,
    threads: int = 0,
    progress: bool = False,
    **parameters,
) -> Iterator[tuple[int, dict[str, torch.Tensor], dict[str, float]]]:
    """Attribution maps of N images by a registered method, and what each took: (position, variant -> float32 (C, H, W) on the CPU,
    counts) of each image as it is done, about in order. Memory holds those at work alone.

    Parameters
    ----------
    method: a name of `methods()`, or "captum:CLASS". `parameters` are its own, e.g. `steps=50`.
    classifier: `Classifier`.
    x: (N, C, H, W) pixels in [0, 1], or anything with a length whose items are (C, H, W), each read when its turn comes.
    target: (N,) classes to explain, or one for all images; None: of each image the one that the classifier predicts.
    ids: N names, by default "0", "1", ...; random draws are keyed by them, so an image keeps its map whatever it is computed with.
    background: training images, anything with a length whose items are (C, H, W) pixels in [0, 1] (eg, lpi).
    neighbourhoods: `Neighbourhoods` of the background's logits (lpi).
    baselines: (N, B, C, H, W), the images' own, as `baselines()` gives them (credible, big).
    objective: "logit", "probability", "log_probability" or "loss" of the target, what is differentiated; the method's own by
        default, the logit for most.
    variants: of "vanilla", "absolute", "valid_interpolations", "valid_references", "per_unit"; by default all that apply.
    upto: nested parameter -> smaller values (eg: {"references": [5]}) whose maps come besides, from the same gradients:
        "vanilla@references=5" is of the first 5.
    micro_batch: images a call of the network, a multiple of 16.
    threads: that read the background while the network works.

    Maps are in the pixel space of x. Counts: `gradients`, how many an image took, `forwards`, passes without one, and of the
    re-calibrated variants how many points or references they kept, the mean over elements (`valid_interpolations`,
    `valid_references`). Raises `InputError`, of it `NotApplicable` where the method has no rule for the network.
    """
    entry = registry.get("method", method)
    if entry.facts["family"]:
        parameters |= {"name": method.partition(":")[2]} | ({} if baselines is None else {"baselines": baselines})
        baselines = None  # Captum's own, not ours
    x, target, ids = _check_batch(classifier, x, target, ids, micro_batch)
    there = {"other classes": classifier.classes(x[0]) - 1, "pixels of the image's shorter side": min(x.shape[2:])}
    there |= {} if background is None else {"training images": len(background)}
    entry.check(parameters, there)
    needs = entry.facts["needs"]
    given = {"background": background, "neighbourhoods": neighbourhoods, "baselines": baselines}
    missing = [name for name in needs if name in given and given[name] is None]
    if missing:
        how = f" (see pathattr.baselines, {entry.facts['baseline']!r})" if "baselines" in missing else ""
        raise InputError(f"{method} needs {' and '.join(missing)}{how}")
    unused = [name for name, value in given.items() if value is not None and name not in needs]
    if unused:
        raise InputError(
            f"{method} does not use {' or '.join(unused)}; accepted: {' and '.join(needs) or 'nothing besides the images'}"
        )
    variants = tuple(variants or entry.facts["variants"])
    if not set(variants) <= set(entry.facts["variants"]):
        raise InputError(f"{method} gives {', '.join(entry.facts['variants'])}; asked for: {', '.join(variants)}")
    objective = objective or entry.facts["objectives"][0]
    if objective not in entry.facts["objectives"]:
        raise InputError(f"{method}: objective is {objective!r}; accepted: {', '.join(entry.facts['objectives'])}")
    parts = [(name, value) for name, values in (upto or {}).items() for value in values]
    for part in parts:
        _check_part(entry, *part, parameters)
    logits = classifier.logits(x, micro_batch, ids) if "logits" in needs else None
    classes = classifier.classes(x[0])
    if "background" in needs and background[0].shape != x.shape[1:]:
        raise InputError(f"background images have shape {tuple(background[0].shape)}; accepted: that of x, {tuple(x.shape[1:])}")
    if "neighbourhoods" in needs:
        neighbourhoods.check(len(background), classes)
    if "baselines" in needs:
        baselines = torch.as_tensor(baselines, dtype=torch.float32)
        if baselines.ndim != 5 or baselines.shape[0] != len(x) or baselines.shape[2:] != x.shape[1:] or not baselines.shape[1]:
            shape = ", ".join(map(str, (len(x), "B", *x.shape[1:])))
            raise InputError(f"baselines have shape {tuple(baselines.shape)}; accepted: ({shape}), B at least 1")
        check_finite(baselines, "baselines")
        entry.check(parameters, there, baselines=baselines.shape[1])

    def images():
        for number, name in enumerate(ids):
            yield Image(
                x=x[number].to(classifier.device),
                target=int(target[number]),
                id=name,
                draws=draws(seed, entry.facts["within"][0] if entry.facts["within"] else method, name),
                classes=classes,
                objective=objective,
                logits=None if logits is None else logits[number],
                background=background,
                neighbourhoods=neighbourhoods,
                baselines=baselines[number].to(classifier.device) if "baselines" in needs else None,
            )

    done = integrate(
        classifier,
        entry.function,
        images(),
        objective=objective,
        variants=variants,
        micro_batch=micro_batch,
        threads=threads if "background" in needs else 0,
        upto=upto,
        **parameters,
    )
    for number, (maps, counts) in _bar(done, len(x), method, progress):
        for variant, values in maps.items():
            check_finite(values, f"{method}: the {variant} map of image {ids[number]}")
        yield number, maps, counts


def rank_agreement(method: str, classifiers, /, x, target, *, baselines=None, **options) -> np.ndarray:
    """How well the maps of N images that a method gives with one classifier agree with those with another: Spearman's rank
    correlation of their absolute values, of the first variant, (N,). The arguments are those of `attribute`, of as many images."""
    options |= {} if baselines is None else {"baselines": baselines[: len(x)]}
    pairs = zip(*(next(iter(attribute(method, one, x, target, **options).values())) for one in classifiers), strict=True)
    return np.array([spearman(one.abs().numpy(), other.abs().numpy()) for one, other in pairs])


def _check_part(entry, name: str, value, parameters: dict):
    """Whether a run passes through the sums of one with this value of a parameter."""
    if name not in entry.facts["nested"] or parameters.get("as_released"):
        nested = ", ".join(entry.facts["nested"]) or "none, it has no nested parameter"
        raise InputError(f"{entry.name}: upto names {name}; accepted: {nested}{', not as released' * bool(entry.facts['nested'])}")
    entry.check({name: value})
    whole = {**entry.parameters(), **parameters}[name]
    if isinstance(value, str) and whole != "both":
        raise InputError(f"{entry.name}: upto {name} is {value!r}; accepted where {name} is 'both'; it is {whole!r}")
    if not isinstance(value, str) and not 0 < value < whole:
        raise InputError(f"{entry.name}: upto {name} is {value}; accepted: whole numbers above 0 and below its {name}, {whole}")


def baselines(name: str, classifier, /, x, target=None, **options) -> tuple[torch.Tensor, pd.DataFrame]:
    """Baselines of N images by a registered way to compute them ("compute_baseline", "boundary", "constant").

    The options are those of `baselined`. Returns float32 (N, B, C, H, W) and a table, one row a baseline, in the images' order:
    `image_id`, `number`, `met` (whether what it looks for was found), `iterations` taken, `distance` (to the image, in the unit of
    the way) and `gradients` taken for it.
    """
    done = sorted(baselined(name, classifier, x, target, **options), key=lambda one: one[0])
    return torch.stack([pixels for _, pixels, _ in done]), pd.concat([rows for *_, rows in done], ignore_index=True)


def baselined(
    name: str,
    classifier,
    /,
    x,
    target=None,
    *,
    ids=None,
    seed: int = 0,
    micro_batch: int = 32,
    progress: bool = False,
    **parameters,
) -> Iterator[tuple[int, torch.Tensor, pd.DataFrame]]:
    """Baselines of N images, of each as they are done: (position, float32 (B, C, H, W) on the CPU, its rows of `baselines`' table).
    Memory holds those at work alone.

    `x`, `target`, `ids`, `seed`, `micro_batch` as for `attributed`; `parameters` the way's own. Raises `InputError`.
    """
    entry = registry.get("baseline", name)
    x, target, ids = _check_batch(classifier, x, target, ids, micro_batch)
    entry.check(parameters)
    classes = classifier.classes(x[0])

    def walk(number: int):
        image = Image(
            x=x[number].to(classifier.device),
            target=int(target[number]),
            id=ids[number],
            draws=draws(seed, name, ids[number]),
            classes=classes,
        )
        return watched(entry.function(image, **parameters), image.id)

    done = run((walk(number) for number in range(len(x))), partial(evaluate, classifier, "loss"), micro_batch)
    for number, found in _bar(done, len(x), name, progress):
        pixels = torch.stack([one.pixels.cpu() for one in found])
        check_finite(pixels, f"{name}: the baselines of image {ids[number]}")
        about = [{key: value for key, value in vars(one).items() if key != "pixels"} for one in found]
        yield number, pixels, pd.DataFrame([{"image_id": ids[number], "number": place, **one} for place, one in enumerate(about)])


@dataclass(frozen=True)
class Measured:
    """What a metric, or a probe, may know of the image that it judges: see `integrate.Image`; `mean` and `std` (C,) of the
    classifier; where the metric needs them, the `mask` (H, W) of the object and its `box` (H, W), bool, and `probe`, arrays of this
    image by name."""

    x: torch.Tensor
    target: int
    id: str
    draws: object
    mean: torch.Tensor
    std: torch.Tensor
    mask: torch.Tensor | None = None
    box: torch.Tensor | None = None
    probe: dict | None = None


def probe(
    name: str, classifier, x, target=None, *, ids=None, seed: int = 0, micro_batch: int = 32, progress=False, **parameters
) -> dict[str, np.ndarray]:
    """What metrics ask of the network that does not depend on a map, for N images, by a registered probe ("masked", ...).

    `x`, `target`, `ids`, `seed`, `micro_batch` as for `attribute`. Returns arrays by name, a row an image. Raises `InputError`.
    """
    entry = registry.get("probe", name)
    x, target, ids = _check_batch(classifier, x, target, ids, micro_batch)
    entry.check(parameters)
    walks = (
        watched(entry.function(_measured(classifier, x, target, ids, n, draws(seed, name, ids[n])), **parameters), ids[n])
        for n in range(len(x))
    )
    found = dict(_bar(run(walks, classifier.answer, micro_batch), len(x), name, progress))
    return {key: np.stack([np.asarray(found[number][key]) for number in range(len(x))]) for key in found[0]}


def _measured(classifier, x, target, ids, number: int, drawn, **more) -> Measured:
    return Measured(
        x=x[number].to(classifier.device),
        target=int(target[number]),
        id=ids[number],
        draws=drawn,
        mean=classifier.mean.flatten(),
        std=classifier.std.flatten(),
        **more,
    )


def measure(
    metric: str,
    classifier,
    x,
    target,
    maps,
    *,
    ids=None,
    masks=None,
    boxes=None,
    probed=None,
    seed: int = 0,
    micro_batch: int = 32,
    progress=False,
    **parameters,
) -> pd.DataFrame:
    """Per-image scores of N attribution maps by a registered metric.

    `x`, `target`, `ids`, `micro_batch` as for `attribute`; `maps`: (N, C, H, W) of the same images; `masks`: (N, H, W), where the
    object is, and `boxes`: (N, H, W), its bounding box's pixels, for metrics that need them; boxes stand for masks that are not
    given. `probed`: what `probe()` gave for the metric's probe, computed here where it is missing. Among `parameters` are then
    the probe's: what both have goes to both, by default as the metric has it. Returns a tidy table, one row a number: `image_id`,
    `metric` (the score's name), `x` (fraction, n, ...; nan for a summary) and `value`, images in the order given. Raises
    `InputError`.
    """
    entry = registry.get("metric", metric)
    x, target, ids = _check_batch(classifier, x, target, ids, micro_batch)
    maps = torch.as_tensor(maps, dtype=torch.float32)
    if maps.shape != x.shape:
        raise InputError(f"maps have shape {tuple(maps.shape)}; accepted: that of the images, {tuple(x.shape)}")
    for image_id, values in zip(ids, maps, strict=True):
        check_finite(values, f"the map of image {image_id}")
    name = entry.facts["probe"]
    if entry.facts["retrains"]:
        raise InputError(f"{metric} trains networks; accepted here: metrics of one image at a time")
    asked = registry.get("probe", name).parameters() if name else {}
    own = {key: parameters.pop(key) for key in list(parameters) if key in asked and key not in entry.parameters()}
    entry.check(parameters)
    if name and probed is None:
        shared = {key: value for key, value in (entry.parameters() | parameters).items() if key in asked}
        options = dict(ids=ids, seed=seed, micro_batch=micro_batch, progress=progress)
        probed = probe(name, classifier, x, target, **options, **shared, **own)
    elif own:
        raise InputError(f"{metric}: {', '.join(own)} shape what was probed; accepted: without them, or without probed")
    regions = {"box": boxes, "mask": boxes if masks is None else masks}
    regions = {need: _regions(metric, need, values, x) for need, values in regions.items() if need in entry.facts["needs"]}

    def walk(number: int):
        more = {need: values[number].to(classifier.device) for need, values in regions.items()}
        if name:
            more["probe"] = {key: values[number] for key, values in probed.items()}
        image = _measured(classifier, x, target, ids, number, draws(seed, name or metric, ids[number]), **more)
        return watched(entry.function(image, maps[number].to(classifier.device), **parameters), ids[number])

    done = run((walk(number) for number in range(len(x))), classifier.answer, micro_batch)
    scores = dict(_bar(done, len(x), metric, progress))
    for n, found in sorted(scores.items()):
        for score, (_, values) in found.items():
            if score not in entry.facts["missing"]:
                check_finite(values, f"{metric}: {score} of image {ids[n]}")
    rows = [(ids[n], name, *curve) for n in range(len(x)) for name, curve in scores[n].items()]
    lengths = [len(values) for _, _, values, _ in rows]
    return pd.DataFrame(
        {
            "image_id": np.repeat([row[0] for row in rows], lengths),
            "metric": np.repeat([row[1] for row in rows], lengths),
            "x": np.concatenate([row[2] for row in rows]),
            "value": np.concatenate([row[3] for row in rows]),
        }
    )


def _regions(metric: str, need: str, values, x) -> torch.Tensor:
    """Masks or boxes, `need`, of images x as bool (N, H, W)."""
    if values is None:
        masks, has = ("masks of the objects", "masks or boxes") if need == "mask" else ("bounding boxes", "boxes")
        raise InputError(f"{metric} needs {masks}; accepted: a data set that has {has}")
    values = torch.as_tensor(np.asarray(values), dtype=torch.bool)
    if values.shape != (len(x), *x.shape[2:]):
        what = "masks" if need == "mask" else "boxes"
        raise InputError(f"{what} have shape {tuple(values.shape)}; accepted: {(len(x), *x.shape[2:])}")
    return values


def methods() -> pd.DataFrame:
    """The attribution methods: name, paper, equation, cost in gradients, needs, variants, parameters with defaults."""
    return _table("method")


def metrics() -> pd.DataFrame:
    """The metrics, one row a score: metric, score, range, direction (which is better), paper, equation, forward passes."""
    table = _table("metric")
    rows = []
    for _, row in table.iterrows():
        for score, (span, direction) in row["scores"].items():
            rows.append(
                {"name": row["name"], "score": score, "range": span, "direction": direction, **row.drop(["name", "scores"])}
            )
    return pd.DataFrame(rows)


def _table(kind: str) -> pd.DataFrame:
    rows = []
    for entry in registry.entries(kind):
        name = entry.name + ":CLASS" * entry.facts.get("family", False)
        rows.append({"name": name, **entry.facts, "parameters": entry.parameters()})
    return pd.DataFrame(rows)


class _Read:
    """Images (C, H, W) read one by one, each checked as it is read. `shape`: (N, C, H, W)."""

    def __init__(self, images):
        self.images = images
        self.shape = (len(images), *images[0].shape) if len(images) else (0,)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> torch.Tensor:
        return _check_pixels(self.images[number])


def _check_pixels(x: torch.Tensor) -> torch.Tensor:
    """The pixels themselves, any number of them, if all are in [0, 1]."""
    if x.min() < 0 or x.max() > 1 or not torch.isfinite(x).all():
        raise InputError(f"pixels lie in {float(x.min()):g} to {float(x.max()):g}; accepted: 0 to 1")
    return x


def targets(classifier, x, target=None, *, ids=None, micro_batch: int = 32) -> np.ndarray:
    """The classes (N,) of N images that are explained, by what `attribute` takes as `target`: these, one for all or, of None, those
    that the classifier predicts. Raises `InputError`."""
    return _check_batch(classifier, x, target, ids, micro_batch)[1].numpy()


def _check_shape(classifier, shape):
    """Raise `InputError` unless images of this shape are (N, C, H, W) with the channels of the classifier's preprocessing."""
    shape, channels = tuple(shape), classifier.mean.numel()
    if len(shape) in (3, 4) and shape[-1] in (1, 3, 4) and min(shape[-3:-1]) > 4:
        is_one, turned = ("one image, ", "x.permute(2, 0, 1)[None]") if len(shape) == 3 else ("", "x.permute(0, 3, 1, 2)")
        raise InputError(f"images have shape {shape}: {is_one}H x W x C; accepted: (N, C, H, W), which {turned} gives")
    if len(shape) != 4 or shape[0] == 0:
        raise InputError(f"images have shape {shape}; accepted: (N, C, H, W), N at least 1")
    if channels > 1 and shape[1] != channels:
        raise InputError(f"images have {shape[1]} channels; accepted: {channels}, as the classifier's mean and std have")


def _check_batch(classifier, x, target, ids, micro_batch: int):
    if isinstance(classifier, torch.nn.Module):  # how it was trained cannot be seen, and a wrong guess would mislead
        raise InputError(
            f"found a bare network ({type(classifier).__name__}); accepted: pathattr.Classifier(network, mean, std), those that it "
            "was trained with, or pathattr.Classifier(network) where it takes pixels in [0, 1]"
        )
    if not isinstance(x, torch.Tensor) and not hasattr(x, "__array__") and not isinstance(x, list | tuple):
        x = _Read(x)
    else:
        x = (x.detach() if isinstance(x, torch.Tensor) else torch.as_tensor(np.array(x))).to("cpu", torch.float32)
    _check_shape(classifier, x.shape)
    if isinstance(x, torch.Tensor):
        _check_pixels(x)
    ids = [str(number) for number in range(len(x))] if ids is None else [str(name) for name in ids]
    if len(ids) != len(x) or len(set(ids)) < len(ids):
        what = "image ids repeat" if len(ids) == len(x) else f"{len(x)} images, {len(ids)} ids"
        raise InputError(f"{what}; accepted: one of its own for each image")
    classes = classifier.classes(x[0])
    if target is None:
        target = classifier.logits(x, micro_batch, ids).argmax(1)
    elif isinstance(target, Integral):
        target = [int(target)] * len(x)
    try:
        target = (target if isinstance(target, torch.Tensor) else torch.as_tensor(np.array(target))).to("cpu", torch.long)
    except (TypeError, ValueError):
        raise InputError(f"targets are {target!r}; accepted: numbers of classes, one for all, or None") from None
    if target.numel() and not (int(target.min()) >= 0 and int(target.max()) < classes):
        raise InputError(f"targets lie in {int(target.min())} to {int(target.max())}; accepted: 0 to {classes - 1}, the classes")
    if target.shape != (len(x),):
        raise InputError(f"{len(x)} images, {tuple(target.shape)} targets; accepted: one an image, one number for all, or None")
    return x, target, ids


def _bar(done, total: int, what: str, progress: bool):
    return tqdm(done, total=total, desc=what, unit="image", disable=not progress, mininterval=2.0, ascii=True)
