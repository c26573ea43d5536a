"""What methods, variants, scores and models are called in figures, tables and verdicts. One name each, everywhere."""

import re

LABELS = {  # names that are not their own label
    "random": "Random",
    "inputgrad": "InputGrad",
    "ig": "IG",
    "eg": "EG",
    "agi": "AGI",
    "agi_as_released": "AGI (as released)",
    "lpi": "LPI",
    "credible": "Credible",
    "ig_gaussian": "IG (G)",
    "ig_average": "IG (A)",
    "ig_uniform": "IG-Uniform",
    "ig_sg": "IG-SG",
    "ig_sq": "IG-SQ",
    "smoothgrad": "SmoothGrad",
    "fullgrad": "FullGrad",
    "deeplift": "DeepLIFT",
    "gradient_x_input": "Gradient x Input",
    "fig": "FIG",
    "gig": "Guided IG",
    "big": "BIG",
    "mfaba": "MFABA",
    "attexplore": "AttEXplore",
    "la": "LA",
    "perturbation_1": "Perturbation-1",
    "perturbation_patch": "Perturb.-patch",
    "rise": "RISE",
    "lrp_epsilon": "\N{GREEK SMALL LETTER EPSILON}-LRP",
    "ig1": "IG1",
    "ig2": "IG2",
    "ig3": "IG3",
    "credible_one": "Credible, one baseline",
    "credible_black": "Credible, black baseline",
    "credible_as_printed": "Credible (as printed)",
    "credible_eg": "EG, 3 references",
    "credible_eg_single": "EG, one step each",
}
SECTIONS = ("recalibration_", "small_", "credible_", "la_")  # entries of a paper's own settings: recalibration_ig is ig
FORMS = ("_as_released", "_as_printed")  # how entries of a method's other forms end
DAGGER = "\N{DAGGER}"  # behind the name of a method some of whose scores are to be read with care (see `Found.note`)
VARIANTS = {"valid_interpolations": "valid interpolations", "valid_references": "valid references"}
SCORES = {
    "diffid_output": "DiffID, output change (ratio of logits)",
    "diffid_probability": "DiffID, change of probability",
    "diffid_accuracy": "DiffID, change of accuracy",
    "insertion_probability": "insertion, probability",
    "deletion_probability": "deletion, probability",
    "insertion_output": "insertion, ratio of logits",
    "deletion_output": "deletion, ratio of logits",
    "rise": "insertion - deletion (RISE)",
    "la_insertion": "insertion into black",
    "la_deletion": "deletion to black",
    "la_difference": "insertion - deletion (black)",
    "sensitivity_n": "correlation given the mask's size",
    "sensitivity_n_mean": "Sensitivity-n, correlation given the mask's size",
    "sensitivity_n_as_released": "correlation, as released",
    "sensitivity_n_as_released_mean": "Sensitivity-n, correlation as released",
    "diffroar": "DiffROAR, difference of accuracy",
    "diffroar_seed": "AUC of DiffROAR",
    "object_share": "share of the attribution on the object",
    "object_concentration": "share of the attribution on the object, over its area",
    "total_variation": "total variation",
    "sign_changes": "neighbouring pixels of opposite sign",
    "entropy": "entropy of the map",
    "localised": "localisation, m / n",
    "box_share": "the box's share of the image",
    "region_share": "the region's share of the image",
}


def method_of(name: str) -> str:
    """The entry whose name and look an entry has: ig for recalibration_ig, la for la_many, which differ in their settings."""
    base = name.partition("-")[0].removesuffix("_many")
    rest = next((base.removeprefix(section) for section in SECTIONS if base.startswith(section)), base)
    return rest if base not in LABELS and rest in LABELS else base


def label(name: str, own=None) -> str:
    """What a method is called, with the parameters that a form of it changes: lpi-references5 is LPI (references 5). `own`: entry
    -> the label that the configuration gives it."""
    base, *changes = name.split("-")
    labels = LABELS | {method_of(base): own[base]} if base in (own or {}) else LABELS
    form = next((form for form in FORMS if base.endswith(form)), "") if method_of(base) not in labels else ""
    base, changes = base.removesuffix(form), [form.strip("_"), *changes] if form else changes
    words = [re.sub(r"^(\D+?)_?(-?[\d.]+)$", r"\1 \2", change).replace("_", " ") for change in changes]
    return labels.get(method_of(base), base) + (f" ({', '.join(words)})" if words else "")


def told_apart(settings: dict) -> dict:
    """Name -> the settings that tell it from the others, as text: "s 5" and "s 9" of {"a": {"s": 5}, "b": {"s": 9}}."""
    keys = dict.fromkeys(key for own in settings.values() for key in own)
    differ = [key for key in keys if len({str(own.get(key)) for own in settings.values()}) > 1]

    def words(own: dict) -> str:
        values = {key: f"{own[key]:g}" if isinstance(own[key], float) else str(own[key]) for key in differ if key in own}
        return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in values.items())

    return {name: words(own) for name, own in settings.items()}


def entry_label(method: str, variant: str = "vanilla", form: str = "", own=None) -> str:
    """What a registered method, one of its variants or its form as released or printed is called where all stand together. `own`
    as for `label`."""
    family, _, member = method.partition(":")
    name = f"{member} ({family.capitalize()})" if member else label(method, own)
    return name + (f", {form.replace('_', ' ')}" if form else "") + (f", {VARIANTS[variant]}" if variant in VARIANTS else "")


def score_label(score: str) -> str:
    """What a score is called on an axis: that of a curve, or of the area under it."""
    curve = score.removesuffix("_auc")
    return "AUC of " * (curve != score) + SCORES.get(curve, curve.replace("_", " "))


def place(model) -> str:
    """A model of `found.models` with that whose place it takes."""
    return f"{model.model} in place of {model.stands_for}" if model.stands_for else model.model
