"""What cannot be had of a model's data set: training images, labels, where the object is; and what hangs on these. No torch."""

from . import source
from .dataset.stamp import named


def lacks(config: dict, dataset: str) -> list[str]:
    """Of training images and labels, those that a data set has none of, by its parameters `train` and `label`."""
    entry = config["datasets"][dataset]
    values = source.registered("dataset")[entry["dataset"]].values(entry)
    return [what for key, what in (("train", "training images"), ("label", "labels")) if values.get(key, "") is None]


def has_masks(config: dict, dataset: str) -> bool:
    """Whether a data set says where the object is: made ones do, others by `boxes`."""
    entry = config["datasets"][dataset]
    return bool(source.registered("dataset")[entry["dataset"]].facts.get("made") or entry.get("boxes"))


def has_target(config: dict, dataset: str) -> bool:
    """Whether a data set has the class that is explained, as far as it is known."""
    entry, target = config["datasets"][dataset], config["target"]
    known = source.registered("dataset")[entry["dataset"]]
    if not isinstance(target, str):
        return target < (known.facts.get("classes") or target + 1)
    return target in ("label", "predicted") or named(known, entry).get(target) is not None


def of_method(config: dict, base: str, own: dict, model: str, strict: bool = True) -> str:
    """Why a method's entry, with some parameters changed, cannot be used on a model; "" if nothing is known that speaks against it.
    `strict`: what the entry itself leaves open is an error, found elsewhere, and no reason."""
    entry, of = {**config["methods"][base], **own}, config["models"][model]
    known = source.lookup("method", entry.get("method", base))
    needs = known.facts.get("needs", ())
    if {"background", "neighbourhoods"} & set(needs) and "training images" in lacks(config, of["dataset"]):
        return f"needs training images; the data set {of['dataset']} has none"
    if strict:
        return ""
    if not known.open:
        for parameter, value in entry.items():
            if isinstance(value, dict) and parameter != "upto" and not {model, "other"} & set(value):
                return f"has no value of {parameter} for model {model}"
    return ""


def of_drawing(config: dict, known, methods, metrics, models) -> str:
    """Why what a registered artefact or claim needs of these methods, metrics and models is not there; or ""."""
    for dataset in dict.fromkeys(config["models"][model]["dataset"] for model in models):
        if methods and not has_target(config, dataset):
            return f"the data set {dataset} has no class {config['target']}, which is explained"
        gone, needs = lacks(config, dataset), set(known.facts.get("needs", ()))
        wanted = {"training images": {"train", "train_logits", "neighbourhoods"}, "labels": {"labels"}}
        for what in gone:
            if wanted[what] & needs:
                return f"{known.name} needs {what}; the data set {dataset} has none"
        for metric in metrics:
            facts = source.registered("metric")[config["metrics"][metric].get("metric", metric)].facts
            if facts.get("retrains") and gone:
                return f"metric {metric} needs {' and '.join(gone)}; the data set {dataset} has none"
            if {"mask", "box"} & set(facts.get("needs", ())) and not has_masks(config, dataset):
                return f"metric {metric} needs masks or boxes; the data set {dataset} has neither"
    return ""
