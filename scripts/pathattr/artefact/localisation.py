"""What the Taylor paper shows of images (Deng et al., 2020, section 5): localisation in boxes, Table 2, and maps, Fig. 2."""

import numpy as np
import pandas as pd

from ..plot.pictures import inside
from ..registry import Images, Methods, Metric, Model, Models, Reported, artefact
from ..scores import summarise
from ..values import Share
from .credible import chosen
from .gains import measured_on
from .galleries import beside

FLOOR = "box_share"  # in place of a method, in rows of what a map without relation scores


@artefact("localisation_table", needs=("scores", "reported"), table=True)
def localisation_table(
    found,
    *,
    models: Models,
    methods: Methods,
    metric: Metric,
    images: Images,
    limits: tuple[Share, ...] = (0.33, 0.66, 0.2),
    signed: Metric | None = None,
    on_object: Metric | None = None,
    reported: Reported | None = None,
    printed_as: dict | None = None,
):
    """How many of the n pixels with the largest attributions lie in the bounding box, which has n pixels: means of m / n in
    percent, with 95 % bootstrap intervals, over those of the first {images} test images whose box covers at most a share of the
    image ({limits}); {models}. *Printed*: the paper's numbers; it does not say whether it ranks by absolute or signed values. *The
    region's share*: its mean, which a map without relation to the image scores, as Random does. Object: its own pixels in place of
    its box's, on the same images. Gradients an image: measured.
    """
    blocks = {"box, absolute order": metric, "box, signed order": signed, "object, absolute order": on_object}
    printed = found.reported(reported).set_index(["model", "method", "metric"])["value"] if reported else {}
    rows = []
    for block, entry in blocks.items():
        if not entry:
            continue
        table = found.scores(["localised", "box_share", "region_share"], by=entry)
        for model in models:
            wide = table[table["model"] == model].pivot(index=["image_id", "method"], columns="metric", values="value")
            wide = wide.dropna().reset_index()  # an empty box has no localisation
            spent = table[table["model"] == model].groupby("method")["gradients"].mean()
            about = {"model": model, "measured_on": measured_on(found, model), "block": block}
            for limit in limits:
                there = wide[wide["box_share"] <= limit]
                floor = there.drop_duplicates("image_id").assign(method=FLOOR, localised=lambda one: one["region_share"])
                every = pd.concat([there, floor]).rename(columns={"localised": "value"})
                means = summarise(every, ["method"], found.seed).set_index("method") if len(every) else pd.DataFrame()
                for method in [*methods, FLOOR]:
                    none = {"mean": np.nan, "low": np.nan, "high": np.nan, "n": 0}
                    row = {**about, "method": method, "limit": limit, **(means.loc[method] if method in means.index else none)}
                    key = (
                        model,
                        (printed_as or {}).get(method, method),
                        f"localisation_accuracy_alpha_le_{100 * limit:.0f}_percent",
                    )
                    row["reported"] = printed.get(key, np.nan) / 100 if entry == metric else np.nan
                    rows.append(row | {"gradients": spent.get(method, np.nan)})
    data = pd.DataFrame(rows).astype({"n": int})
    return data, _by_limit(data, found, [*methods, FLOOR], limits)


def _by_limit(data: pd.DataFrame, found, methods: list[str], limits) -> pd.DataFrame:
    """A row a model, block and method, below that with the number of images; a column each limit, and what is printed for it."""

    def number(value) -> str:
        return "" if np.isnan(value) else f"{100 * value:.1f}"

    parts = []
    for (model, block), mine in data.groupby(["model", "block"], sort=False):
        at = mine.set_index(["method", "limit"])
        names = ["images", *(found.label(one) if one != FLOOR else "the region's share (floor)" for one in methods)]
        on = found.models[model]
        place = f"{on.stands_for or model} ({mine['measured_on'].iloc[0]})"
        part = {"model": [place] * len(names), "pixels": [block] * len(names), "method": names}
        for limit in limits:
            cells = [at.loc[(one, limit)] for one in methods]
            shown = [f"{number(one['mean'])} [{number(one['low'])}, {number(one['high'])}]" if one["n"] else "" for one in cells]
            part[f"box at most {100 * limit:g} %"] = [str(int(cells[0]["n"])), *shown]
            if at["reported"].notna().any() or data["reported"].notna().any():
                part[f"at most {100 * limit:g} %, printed"] = ["", *(number(one["reported"]) for one in cells)]
        spent = at["gradients"].groupby("method").first()
        part["gradients an image"] = ["", *("" if np.isnan(spent[one]) else f"{spent[one]:.0f}" for one in methods)]
        parts.append(pd.DataFrame(part))
    every = pd.concat(parts, ignore_index=True)
    return every[[name for name in every if not name.endswith("printed") or every[name].ne("").any()]]


@artefact("boxed_gallery", needs={"test": "among", "maps": "among"})
def boxed_gallery(found, *, model: Model, methods: Methods, among: Images, dark: int = 2, bright: int = 2):
    """Channel sums of absolute attributions, each up to its 99th percentile, {model}: the first {dark} test images with a dark
    object and the first {bright} without, among the first {among}; none was chosen by hand. The outline is the bounding box. Below
    each map: the share of it on the object's own pixels, and within the box. The paper shows a dog with white legs and a black
    body, and a cartoon; of its scale it says nothing.
    """
    test = found.test(model)
    rows = chosen(test.index, dark + bright, dark, among, exactly=True)
    masks, boxes, labels = [test.mask(row) for row in rows], [test.box(row) for row in rows], test.index["label"].astype(str)
    is_dark = test.index["dark"].astype(bool) if "dark" in test.index else pd.Series(False, test.index.index)
    maps = {method: [found.map(model, method, row) for row in rows] for method in methods}
    data = [
        {
            "image_id": test.index["image_id"].iloc[row],
            "position": row,
            "label": labels[row],
            "dark": bool(is_dark[row]),
            "method": method,
            "share_of_attribution_in_mask": inside(maps[method][place], masks[place]),
            "share_of_attribution_in_box": inside(maps[method][place], boxes[place]),
        }
        for place, row in enumerate(rows)
        for method in methods
    ]
    data = pd.DataFrame(data)
    shares = data[["share_of_attribution_in_mask", "share_of_attribution_in_box"]]
    texts = [
        "" if shares.isna().iloc[n].any() else f"object {one:.2f}, box {other:.2f}"
        for n, (one, other) in enumerate(shares.to_numpy())
    ]
    below = {method: texts[number :: len(methods)] for number, method in enumerate(methods)}
    said = found.explained(model, max(rows) + 1)
    names = [said[row] + (", dark" if is_dark[row] else "") for row in rows]
    return beside([test.picture(row) for row in rows], names, maps, boxes, below=below), data
