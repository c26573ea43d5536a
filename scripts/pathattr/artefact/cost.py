"""What methods cost: time, memory, gradients."""

import time

import pandas as pd

from ..errors import InputError, NotApplicable
from ..plot.names import label
from ..registry import Images, Methods, Models, artefact
from ..store import read_arrays
from .gains import measured_on


@artefact(
    "cost_table",
    needs=("test", "train", "weights", "baselines"),
    table=True,
    takes={"'neighbourhoods' not in needs": "methods without neighbourhoods"},
)
def cost_table(found, *, models: Models, methods: Methods, images: Images = 8, rounds: int = 3):
    """Time and memory of an image, {models}, over those of the first method, at the configured steps. Seconds: wall time of the
    first {images} test images on one thread, own baselines included; median, lowest and highest of {rounds} rounds in which
    methods take turns. MB: the most bytes of tensors alive at a time while one image is attributed, counted operation by
    operation, without the network and what kernels use within themselves; it follows the micro-batch, 32. Gradients: counted, for
    the maps + for baselines. The paper says "comparable to those of IG" and prints no number.
    """
    import torch

    torch.set_num_threads(1)
    rows = []
    for model in models:
        work, peaks = {method: _work(found, model, method) for method in methods}, {}
        for method, run in list(work.items()):
            try:
                peaks[method] = _peak(run)  # and a first run, which is slower
            except NotApplicable as reason:
                found.not_applicable[model, method] = str(reason)
                del work[method]
        if methods[0] not in work:
            raise NotApplicable(found.not_applicable[model, methods[0]])
        times = pd.DataFrame([{method: _seconds(run, images) for method, run in work.items()} for _ in range(rounds)])
        ratios = times.div(times[methods[0]], axis=0)
        for method in work:
            gradients, own = work[method](images)
            row = {"model": model, "measured_on": measured_on(found, model), "method": method}
            row |= {"seconds": times[method].median() / images, "seconds_low": times[method].min() / images}
            row |= {"seconds_high": times[method].max() / images, "time_ratio": ratios[method].median()}
            row |= {"time_ratio_low": ratios[method].min(), "time_ratio_high": ratios[method].max()}
            row |= {"gradients": gradients, "baseline_gradients": own, "megabytes": peaks[method] / 1e6}
            row |= {"memory_ratio": peaks[method] / peaks[methods[0]], "n": images, "rounds": rounds}
            rows.append(row)
    data = pd.DataFrame(rows)
    total = data["gradients"] + data["baseline_gradients"]
    data["gradient_ratio"] = total / data["model"].map(total[data["method"] == methods[0]].set_axis(list(models)))
    shown = {"network": data["measured_on"], "method": data["method"].map(label)}
    shown["seconds an image"] = [
        f"{one.seconds:.3f} ({one.seconds_low:.3f} to {one.seconds_high:.3f})" for one in data.itertuples()
    ]
    shown["times the first"] = [
        f"{one.time_ratio:.2f} ({one.time_ratio_low:.2f} to {one.time_ratio_high:.2f})" for one in data.itertuples()
    ]
    shown["gradients"] = [f"{one.gradients:.0f} + {one.baseline_gradients:.0f}" for one in data.itertuples()]
    shown["gradients, times the first"] = data["gradient_ratio"].map("{:.2f}".format)
    shown["MB at most"] = data["megabytes"].map("{:.1f}".format)
    shown["MB, times the first"] = data["memory_ratio"].map("{:.2f}".format)
    return data, pd.DataFrame(shown)


def _work(found, model: str, method: str):
    """A function that attributes the first test images by a method as it is configured, its own baselines computed anew, and
    returns the mean numbers of gradients: for the maps, and for the baselines."""
    from ..api import attribute_counted, baselines
    from ..registry import get

    settings = dict(found.params["settings"][f"{model}/{method}"])
    function, variants, _ = (settings.pop(name, None) for name in ("method", "variants", "upto"))
    needs, given, way = get("method", function).facts["needs"], {}, None
    if "neighbourhoods" in needs:
        raise InputError(f"cost_table: {method} needs neighbourhoods; accepted: methods without")
    if "background" in needs:
        given["background"] = found.background(model)
    if "baselines" in needs:
        file = next(file for file in found.files("baselines") if (file.about["model"], file.about["method"]) == (model, method))
        metadata = read_arrays(file)[1]
        way, own = metadata["baseline"], metadata["parameters"]
    classifier, test = found.classifier(model), found.test(model)

    def work(images: int) -> tuple[float, float]:
        x, target = test.images(0, images), found.targets(model, images)
        options, spent = {"ids": test.index["image_id"].tolist()[:images], "seed": found.seed}, 0.0
        if way:
            given["baselines"], table = baselines(way, classifier, x, target, **options, **own)
            spent = float(table["gradients"].sum() / images)
        _, counts = attribute_counted(function, classifier, x, target, variants=variants, **options, **given, **settings)
        return float(counts["gradients"].mean()), spent

    return work


def _peak(work) -> int:
    from ..memory import Peak

    work(1)  # folds the network
    with Peak() as peak:
        work(1)
    return peak.bytes


def _seconds(work, images: int) -> float:
    start = time.perf_counter()
    work(images)
    return time.perf_counter() - start
