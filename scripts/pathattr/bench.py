"""The benchmark: what attribution and measuring cost over the floor of their gradients and forward passes, as ratios in one run.

The floor of a method is its number of gradients times the time of one gradient: weights frozen, the best micro-batch, and the best
of both layouts with batch norm folded or not (ours, where none is better by over 1 %). Whatever a method takes beyond is overhead:
building points, sums, batching. The form is chosen first, by runs of its own; then each round runs every contestant between two
runs of its floor, so that a machine that slows down slows both, and the median over rounds of the ratios is given.
"""

import itertools
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from . import registry, store
from .api import attribute_counted, measure
from .batching import GRADIENT
from .integrate import evaluate, slope
from .method.lpi import Neighbourhoods
from .model.classifier import Classifier
from .model.layout import LAYOUTS, seconds
from .model.load import build
from .model.torchvision import import_torchvision

ROUNDS, MORE_ROUNDS = 3, 9  # more where a round takes seconds, since single ones scatter
FORM_ROUNDS, COPIES, MARGIN = 3, 3, 0.01  # of `fastest_form`
FEW = {"steps": 10, "references": 4, "samples": 10, "targets": 4}  # parameters of `every_method`, where a method has them


def best_micro_batch(classifier, shape, sizes, device: str) -> int:
    """The micro-batch with the most gradients a second, out of `sizes`."""
    rates = {}
    for size in sizes:
        points, target = torch.rand(size, *shape, device=device), torch.zeros(size, dtype=torch.long, device=device)
        evaluate(classifier, "logit", points, target, GRADIENT)  # warm up
        taken = [seconds(lambda p=points, t=target: evaluate(classifier, "logit", p, t, GRADIENT), device) for _ in range(3)]
        rates[size] = size / min(taken)
    return max(rates, key=rates.get)


def floor(classifier, shape, size: int, count: int, device: str, gradient: bool):
    """Work: `count` gradients, or forward passes, in batches of other points each time, as in a run, and nothing else."""
    batches = [classifier.laid_out(torch.rand(size, *shape, device=device)) for _ in range(-(-count // size))]
    target = torch.zeros(size, dtype=torch.long, device=device)

    def work():
        for points in batches:
            if gradient:
                points.requires_grad_(True)
                slope(classifier(points).gather(1, target[:, None]), points)
            else:
                with torch.no_grad():
                    classifier(points)

    return work


def fastest_form(forms: dict, ours, shape, size: int, device: str, gradient: bool):
    """The form, a key of `forms`, in which a gradient (or a forward pass) takes least time: ours, unless another one takes less by
    more than `MARGIN`.

    `forms`: form -> copies of the classifier in it, which take turns. A copy is up to 3 % faster or slower for where in memory
    its weights happen to lie, so a form is judged by the median of its copies.
    """
    works = {form: [floor(one, shape, size, 2 * size, device, gradient) for one in copies] for form, copies in forms.items()}
    rounds = [{form: [seconds(one, device) for one in copies] for form, copies in works.items()} for _ in range(FORM_ROUNDS + 1)]
    typical = {  # the first round warms up
        form: statistics.median(min(taken[form][copy] for taken in rounds[1:]) for copy in range(len(copies)))
        for form, copies in works.items()
    }
    best = min(typical, key=typical.get)
    return best if typical[best] < (1 - MARGIN) * typical[ours] else ours


def beside_floor(work, gradients: int, forwards: int, floor_of, count: int, device: str) -> tuple[float, float]:
    """Seconds of a contestant, and of its floor: so many gradients and forward passes, as they took right before and after.

    `floor_of`: whether gradients -> work of `count` passes (see `floor`).
    """
    wanted = {kind: passes for kind, passes in ((True, gradients), (False, forwards)) if passes}
    before = {kind: seconds(floor_of[kind], device) for kind in wanted}
    taken = seconds(work, device)
    return taken, sum(passes * (before[kind] + seconds(floor_of[kind], device)) / 2 / count for kind, passes in wanted.items())


class PlainNetwork(nn.Module):
    """The same network as a Captum user has it: normalisation in front, parameters not frozen, default memory format."""

    def __init__(self, network: nn.Module, mean, std):
        super().__init__()
        self.network = network.eval()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, pixels):
        return self.network((pixels - self.mean) / self.std)


def ratios(times: list[tuple[float, float]]) -> dict:
    """Of the rounds of one contestant: the medians of its seconds, its floor's and their ratio, and the least and most of that."""
    over = [taken / least if least else float("nan") for taken, least in times]
    taken, least = (statistics.median(column) for column in zip(*times, strict=True))
    return {"floor_s": least, "seconds": taken, "over_floor": statistics.median(over), "lowest": min(over), "highest": max(over)}


def setting(title: str, networks, shape, images: int, sizes, device: str, rounds: int = ROUNDS) -> list[dict]:
    """All contestants on one network: `networks()` gives a fresh copy of it with the same weights."""
    from captum.attr import GradientShap, IntegratedGradients

    mean = std = (0.5,) * shape[0]
    classifier = Classifier(networks(), mean, std, device, layout="measured")
    plain = PlainNetwork(networks(), mean, std).to(device)
    size = best_micro_batch(classifier, shape, sizes, device)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(images, *shape, generator=generator)
    background = torch.rand(64, *shape, generator=generator)
    y = classifier.logits(x, size).argmax(1)
    hoods = Neighbourhoods.fit(classifier.logits(background, size), 2, 20)
    x_there, y_there, background_there = x.to(device), y.to(device), background.to(device)

    def by(method, **given):
        return lambda: attribute_counted(method, classifier, x, y, micro_batch=size, variants=["vanilla"], **given)

    def captum_ig():
        return IntegratedGradients(plain).attribute(
            x_there, target=y_there, n_steps=20, method="riemann_middle", internal_batch_size=size
        )

    def captum_eg():  # one batch of size / 20 images a call: GradientShap evaluates all samples of its batch at once
        step = max(1, size // 20)
        for at in range(0, images, step):
            GradientShap(plain).attribute(
                x_there[at : at + step], baselines=background_there, target=y_there[at : at + step], n_samples=20
            )

    work = {"ig": by("ig"), "eg": by("eg", background=background)}
    work["lpi"] = by("lpi", background=background, neighbourhoods=hoods)
    work["agi"] = by("agi")
    counts = {name: int(call()[1]["gradients"].sum()) for name, call in work.items()}  # also warms up
    attributions = work["ig"]()[0]["vanilla"]
    forwards = images * 20
    work["diffid"] = lambda: measure("diffid", classifier, x, y, attributions, micro_batch=size)
    work |= {"captum IntegratedGradients": captum_ig, "captum GradientShap": captum_eg}
    counts |= {"captum IntegratedGradients": images * 20, "captum GradientShap": images * 20, "diffid": forwards}
    rival = {"ig": "captum IntegratedGradients", "eg": "captum GradientShap"}
    count = -(-images * 10 // size) * size
    forms = {
        (fold, layout): [Classifier(networks(), mean, std, device, fold, layout) for _ in range(COPIES)]
        for fold, layout in itertools.product((True, False), LAYOUTS)
    }
    ran = classifier.measured
    ours = (ran["folded"], ran["layout"])
    best = {gradient: fastest_form(forms, ours, shape, size, device, gradient) for gradient in (True, False)}
    floor_of = {  # where our form is the fastest, with the very classifier that our methods use
        gradient: floor(classifier if form == ours else forms[form][0], shape, size, count, device, gradient)
        for gradient, form in best.items()
    }
    del forms
    captum_ig(), captum_eg()  # warm up
    times = {name: [] for name in work}  # of each round: seconds, and seconds of the floor
    for number in range(rounds):
        for name in work if number % 2 == 0 else reversed(work):
            gradients, forwards = (0, counts[name]) if name == "diffid" else (counts[name], images * (name == "lpi"))
            times[name].append(beside_floor(work[name], gradients, forwards, floor_of, count, device))  # lpi wants images' logits
        print(f"{title}: round {number + 1} of {rounds}", flush=True)
    rows = []

    def named(form) -> str:
        return form[1] + ", folded" * form[0]

    for what in work:
        faster = None
        if what in rival:
            faster = statistics.median(rivals / own for (rivals, _), (own, _) in zip(times[rival[what]], times[what], strict=True))
        rows.append(
            {
                "setting": title,
                "what": what,
                "images": images,
                "micro_batch": size,
                "layout": named(ours),
                "floor_layout": named(best[what != "diffid"]),
                "passes": counts[what],
                "kind": "forward" if what == "diffid" else "gradient",
                **ratios(times[what]),
                "captum_over_ours": faster,
            }
        )
    return rows


def every_method(title: str, networks, shape, passes: int, sizes, device: str) -> list[dict]:
    """Each registered method with few steps, on as many images as make about `passes` passes, over its floor.

    The floor is taken right before and after each run. The re-calibrated methods run once more with all variants. On a CPU
    with one thread, as the workflow's jobs: several jobs of one thread beat one of several.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(before if device == "cuda" else 1)
    classifier = Classifier(networks(), (0.5,) * shape[0], (0.5,) * shape[0], device, layout="measured")
    size = best_micro_batch(classifier, shape, sizes, device)
    most = max(64, 8 * size)
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(most, *shape, generator=generator)
    background = torch.rand(64, *shape, generator=generator)
    baselines = torch.rand(most, 3, *shape, generator=generator)
    y = classifier.logits(x, size).argmax(1)
    hoods = Neighbourhoods.fit(classifier.logits(background, size), 2, FEW["references"])
    count = 4 * size
    floor_of = {gradient: floor(classifier, shape, size, count, device, gradient) for gradient in (True, False)}
    rows = []
    for entry in registry.entries("method"):
        if entry.facts["family"]:
            continue
        few = {name: min(FEW[name], default) for name, default in entry.parameters().items() if name in FEW}
        cost = {kind: entry.passes(kind, shape, baselines=3, **few) for kind in ("gradients", "forwards")}
        images = max(1, min(most, passes // max(1, sum(cost.values()))))
        given = {"background": background, "neighbourhoods": hoods, "baselines": baselines[:images]}
        options = {name: value for name, value in given.items() if name in entry.facts["needs"]}
        options |= {name: value for name, value in few.items() if name not in entry.facts["fitted"]}
        for variants in (("vanilla",), entry.facts["variants"])[: 1 + ("valid_references" in entry.facts["variants"])]:

            def work(name=entry.name, n=images, kept=variants, options=options):
                return attribute_counted(name, classifier, x[:n], y[:n], micro_batch=size, variants=kept, **options)

            gradients = int(work()[1]["gradients"].sum())  # also warms up
            forwards = images * (cost["forwards"] + ("logits" in entry.facts["needs"]))
            times = [beside_floor(work, gradients, forwards, floor_of, count, device) for _ in range(ROUNDS)]
            rows.append(
                {
                    "setting": title,
                    "what": entry.name + (", all variants" if len(variants) > 1 else ""),
                    "images": images,
                    "micro_batch": size,
                    "passes": gradients or forwards,
                    "kind": "gradient" if gradients else "forward",
                    **ratios(times),
                }
            )
            print(f"{title}: {rows[-1]['what']}: {rows[-1]['over_floor']:.2f}", flush=True)
    torch.set_num_threads(before)
    known = [row for row in rows if row["over_floor"] == row["over_floor"] and "," not in row["what"]]
    for place, row in enumerate(sorted(known, key=lambda row: -row["over_floor"])[:3], 1):
        row["worst"] = place
    return rows


def run(device: str) -> pd.DataFrame:
    """The benchmark's table on this machine: the stand-in at 64 pixels, where channels_last wins on a CPU, and, with random
    weights, ResNet-18 at 32, where it loses, and ResNet-34 at 224."""

    def standin():
        torch.manual_seed(0)
        return build({"architecture": "resnet_small"}, 10, 3, 64)

    def resnet(layers: int):
        torch.manual_seed(0)
        return getattr(import_torchvision().models, f"resnet{layers}")(weights=None)

    on_gpu = device == "cuda"
    sizes = (64, 128, 256, 512) if on_gpu else (16, 32, 64)
    images = 512 if on_gpu else 64
    rows = setting("resnet_small, 64 px", standin, (3, 64, 64), images, sizes, device, MORE_ROUNDS)
    rows += setting("ResNet-18, 32 px", lambda: resnet(18), (3, 32, 32), images, sizes, device, MORE_ROUNDS)
    rows += setting(
        "ResNet-34, 224 px", lambda: resnet(34), (3, 224, 224), 128 if on_gpu else 16, (64, 128, 256) if on_gpu else (16,), device
    )
    rows += every_method(
        "every method, resnet_small, 64 px" + ("" if on_gpu else ", 1 thread"),
        standin,
        (3, 64, 64),
        20_000 if on_gpu else 640,
        sizes,
        device,
    )
    machine = torch.cuda.get_device_name() if on_gpu else f"CPU, {torch.get_num_threads()} threads"
    return pd.DataFrame(rows).assign(device=machine, torch=torch.__version__, system=platform.machine())


def overhead() -> pd.DataFrame:
    """What a job costs besides its gradients: a fresh interpreter with the imports, and reading and writing 300 maps."""
    library = Path(__file__).resolve().parents[1]
    code = f"import sys; sys.path.insert(0, {str(library)!r}); import pathattr.job, pathattr.api, pathattr.model.load"
    code += "; from pathattr.model.torchvision import import_torchvision; import_torchvision()"
    rows = [("start and imports", seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True), "cpu"))]
    maps = {"vanilla": torch.rand(300, 3, 64, 64)}
    index = pd.DataFrame({"image_id": [str(number) for number in range(300)], "target": 0})
    path = Path("results/.benchmark.arrow")
    counts = pd.DataFrame({"gradients": index["target"]})
    rows.append(
        ("write 300 maps of 3 x 64 x 64", seconds(lambda: store.write_maps(path, index, maps, counts, "float32", {}), "cpu"))
    )
    rows.append(("read them", seconds(lambda: store.read_maps(path), "cpu")))
    path.unlink()
    return pd.DataFrame(rows, columns=["cost of a job besides its gradients", "seconds"])
