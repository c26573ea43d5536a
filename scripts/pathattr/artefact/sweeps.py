"""What a method's parameters change, one at a time."""

from fractions import Fraction

import matplotlib.pyplot as plt
import pandas as pd

from ..errors import InputError
from ..plot import style
from ..plot.names import place, score_label
from ..registry import Images, Method, Methods, Metric, Model, Score, artefact
from ..scores import intervals, summarise
from ..store import read_arrays
from ..values import NonNegative
from .gains import computed, of_baselines

SETTINGS_ASIDE = ("method", "objective", "variants", "upto", "baseline")  # of a method's settings: no parameters of its path


@artefact("sweep_panels", needs=("scores", "baselines"))
def sweep_panels(
    found,
    *,
    model: Model,
    method: Method,
    methods: Methods,
    metric: Metric,
    images: Images,
    score: Score = "rise_auc",
    margin: NonNegative = 0.02,
):
    """{score} of {method} with one parameter changed at a time, {model}: means over the first {images} test images. Thin: 95 %
    bootstrap intervals of the means; thick: of the paired differences to the default, drawn from its line. Grey: {margin} to both
    sides of it. The paper says that results are "generally insensitive" to these, and better with more steps, and prints none;
    values, images and band are ours. Blurs (standard deviations, pixels), step size, tolerance (of the logits, relative), delta and
    iterations shape the baselines, among which the steps are shared.
    """
    points = _changed(found, model, method, methods)
    table = found.scores([score], methods=[method, *methods])
    values = table.pivot(index="image_id", columns="method", values="value")
    means = summarise(table, ["method"], found.seed).set_index("method")
    gradients, own = table.groupby("method")["gradients"].mean(), computed(found)
    rows = []
    for point in points:
        name = point["method"]
        difference = (values[name] - values[method]).to_numpy()
        low, high = intervals(difference[:, None], found.seed)
        row = {**point, "metric": score, **means.loc[name], "difference": difference.mean()}
        row |= {"difference_low": low[0], "difference_high": high[0], "gradients": gradients[name]}
        rows.append(row | of_baselines(own, model, name, values.index))
    data = pd.DataFrame(rows).astype({"n": int})
    named = data.assign(named=[found.label(row.method, text=_value(row.value)) for row in data.itertuples()])
    title = f"{place(found.models[model])}: mean of {int(data['n'].iloc[0])} images, 95 % intervals"
    return _panels(named, margin, score, title), data.assign(value=data["value"].map(str))


def _changed(found, model: str, default: str, methods) -> list[dict]:
    """What each method changes of the default: `parameter`, `value`, `method`, `default`; in the order of the parameters, values
    ascending, the default's own among them. Raises `InputError` where one changes none, or several."""

    def settings(name: str) -> dict:
        own = {key: value for key, value in found.params["settings"][f"{model}/{name}"].items() if key not in SETTINGS_ASIDE}
        for file in found.files("baselines"):
            if (file.about["model"], file.about["method"]) == (model, name):
                return own | read_arrays(file)[1]["parameters"]
        return own

    usual, points = settings(default), []
    for name in methods:
        other = settings(name)
        changes = [key for key in usual | other if usual.get(key) != other.get(key)]
        if len(changes) != 1:
            found_ = ", ".join(changes) or "nothing"
            raise InputError(f"sweep_panels: {name} changes {found_} of {default}; accepted: one parameter")
        points.append({"parameter": changes[0], "value": other[changes[0]], "method": name, "default": False})
    for key in dict.fromkeys(point["parameter"] for point in points):
        points.append({"parameter": key, "value": usual[key], "method": default, "default": True})
    order = list(dict.fromkeys(point["parameter"] for point in points))

    def place_of(point):
        value = point["value"]
        return order.index(point["parameter"]), tuple(value) if isinstance(value, list) else (value,)

    return sorted(points, key=place_of)


def _panels(data: pd.DataFrame, margin: NonNegative, score: str, title: str):
    names = list(dict.fromkeys(data["parameter"]))
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(style.PAGE, 1.75 * lines + 0.5), sharey=True, squeeze=False)
    _, colour, _, _ = style.method_style("ig")
    for axis, name in zip(axes.flat, names, strict=False):
        part = data[data["parameter"] == name].reset_index(drop=True)
        usual = part[part["default"]].iloc[0]
        axis.axhspan(
            usual["mean"] - margin,
            usual["mean"] + margin,
            color="0.9",
            lw=0,
            zorder=0,
            label=f"default \N{PLUS-MINUS SIGN} {margin:g}",
        )
        axis.axhline(usual["mean"], color="0.5", lw=0.8, zorder=1, label="default")
        axis.vlines(part.index, part["low"], part["high"], color=colour, lw=0.8, zorder=2, label="95 % interval of the mean")
        apart = usual["mean"] + part.loc[~part["default"], ["difference_low", "difference_high"]]
        axis.vlines(
            apart.index, *apart.to_numpy().T, color=colour, lw=3.5, alpha=0.45, zorder=2, label="of the difference to the default"
        )
        faces = [colour if one else "white" for one in part["default"]]
        axis.scatter(part.index, part["mean"], s=18, c=faces, edgecolors=colour, linewidths=0.9, zorder=3)
        axis.set(xticks=part.index, xlim=(-0.5, len(part) - 0.5), xlabel=name.replace("_", " "))
        axis.set_xticklabels(part["named"])
    for axis in axes.flat[len(names) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel(score_label(score).replace("AUC of ", "AUC of\n"))
    handles, labels = axes[0, 0].get_legend_handles_labels()
    for face, text in ((colour, "the default's value"), ("white", "another value")):
        handles.append(plt.Line2D([], [], marker="o", color=colour, mfc=face, ls="none", ms=4))
        labels.append(text)
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    figure.suptitle(title, fontsize=8)
    return figure


def _value(value) -> str:
    """A parameter's value on an axis: 8-bit steps as such (0.0196078 is 5/255), several one below the other."""
    if isinstance(value, list):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, float) and 0 < value < 0.5:
        levels = Fraction(value * 255).limit_denominator(4)
        if levels and abs(float(levels) / 255 - value) < 1e-6:
            return f"{levels.numerator}/{255 * levels.denominator}"
    return f"{value:g}" if isinstance(value, float) else str(value)
