"""What an artefact draws from and a claim is judged by: the files it needs, opened by what they are, checked as they are read."""

import functools
import importlib
from types import SimpleNamespace

import numpy as np
import pandas as pd

from . import source
from .dataset.split import Split, background, open_split
from .errors import InputError
from .job import Given
from .plot.names import DAGGER, VARIANTS, entry_label
from .store import not_applicable, read_arrays, read_csv, read_map, read_table, read_tensors

OF_METHODS = ("baselines", "maps", "scores")  # roles whose files are of a method on a model each
NOT_APPLICABLE = "not_applicable"  # a column of tables, where a method does not apply: why
KEYS = ["model", "method", "variant", "metric", "image_id", "x"]


class Found:
    """Results by what they are.

    `models`: key -> `model` (in the configuration), `dataset`, `stands_for` (the paper's model, or None). `not_run`: key of a
    model -> method that is left out there -> why: as the configuration says, or as it does not apply. `seed`. What is explained:
    `targets`, `explained`.
    """

    def __init__(self, given: Given):
        self.given, self.params, self.seed = given, given.params, given.params["seed"]
        self.models = {key: SimpleNamespace(**about) for key, about in given.params["models"].items()}
        self._doubts: dict[tuple, tuple] = {}  # (model, method, variant) -> images, maps that rank no pixel, share of baselines met
        self._marked: dict[tuple, str] = {}  # of these, the ones that were named, and how

    @functools.cached_property
    def not_applicable(self) -> dict[tuple[str, str], str]:
        """(key of a model, method) -> why the method does not apply to it: `scores` and `files` have nothing of these."""
        told = self.params.get("not_applicable", {})
        found = {(model, method): why for model, methods in told.items() for method, why in methods.items()}
        for role in OF_METHODS:
            for file in self.given.inputs.get(role, ()):
                if reason := not_applicable(file):
                    found[file.about["model"], file.about["method"]] = reason
        for file in self.given.inputs.get("table", ()):
            rows = read_csv(file)
            for row in rows[rows[NOT_APPLICABLE].notna()].itertuples() if NOT_APPLICABLE in rows else ():
                found[row.model, row.method] = row.not_applicable
        return found

    @property
    def not_run(self) -> dict[str, dict[str, str]]:
        found = {model: dict(methods) for model, methods in self.params.get("not_run", {}).items()}
        for (model, method), reason in self.not_applicable.items():
            found.setdefault(model, {})[method] = f"not applicable: {reason}"
        return found

    def files(self, role: str) -> list:
        """Files of baselines, maps or scores, of the methods that apply."""
        return [file for file in self.given[role] if (file.about["model"], file.about["method"]) not in self.not_applicable]

    def setting(self, model: str, method: str, name: str):
        """A parameter's value of a method on a model."""
        return self.params["settings"][f"{model}/{method}"][name]

    # --- per-image scores ---------------------------------------------------------------------------------------------

    def direction(self, metric: str, score: str) -> str:
        """Whether "higher" or "lower" is better, of a score, or of the area under its curve, by an entry of `metrics`."""
        facts = source.registered("metric")[self.params["metrics"][metric]["metric"]].facts["scores"]
        return facts[score if score in facts else score.removesuffix("_auc")][1]

    def scores(self, names, variants=("vanilla",), models=None, methods=None, by: str | None = None) -> pd.DataFrame:
        """Some scores of the methods, a row a number: `model` (its key), `method`, `variant`, `metric` (the score's name),
        `image_id`, `x`, `value`, `gradients`, `forwards`, `flat` (whether its map ranks no pixel), `met` (which share of its
        baselines met their goal, where it has any), `training`. By default of all models and methods. `by`: the entry of `metrics`
        that gave them, where several give scores of one name.

        A metric that reads absolute values alone has no scores of the variant absolute: they are those of vanilla. Raises
        `InputError` where the methods of a model were measured on different images.
        """
        parts = []
        for file in self.files("scores"):
            about = file.about
            if (models and about["model"] not in models) or (methods is not None and about["method"] not in methods):
                continue
            if by and about["metric"] != by:
                continue
            table = self._table(file, tuple(names))
            for variant in variants:
                rows = table[table["variant"] == _within(variant, file)]
                if variant == "absolute" and rows.empty:
                    rows = table[table["variant"] == _within("vanilla", file)]
                place = {"model": about["model"], "method": about["method"], "training": about["training"]}
                parts.append(rows.assign(variant=variant, **place))
        if not parts:
            raise InputError(f"no scores of {methods} on {models}")
        table = pd.concat(parts, ignore_index=True)
        if table.duplicated(KEYS).any():
            raise InputError(f"scores: {table[table.duplicated(KEYS)].iloc[0][KEYS].to_dict()} comes twice")
        images = table.drop_duplicates(["model", "method", "image_id"]).groupby(["model", "method"])["image_id"]
        if images.agg(frozenset).groupby("model").nunique().gt(1).any():
            raise InputError(f"scores: methods were measured on different images: {images.size().to_dict()}")
        self._doubt(table)
        return table.sort_values(KEYS, kind="stable", ignore_index=True)

    @staticmethod
    def _table(file, names: tuple) -> pd.DataFrame:
        """Rows of the scores asked for, of the images asked for: a file may hold more of both."""
        table, _ = read_table(file, filters=[("metric", "in", list(names))])
        order = pd.Index(pd.unique(table["image_id"]))
        if len(order) != file.about["stop"] - file.about["start"]:
            raise InputError(f"{file}: {len(order)} images; expected {file.about['stop'] - file.about['start']}")
        row = file.about["start"] + order.get_indexer(table["image_id"])
        return table[(row >= file.about["first"]) & (row < file.about["last"])]

    # --- names ----------------------------------------------------------------------------------------------------------

    def label(self, entry: str, variant: str = "vanilla", text: str = "", also=()) -> str:
        """What a method is called: by the configuration, else as everywhere; or `text`. With a dagger where some of the scores read
        so far, its own or those `also` meant, (entry, variant) each, are of maps that rank no pixel, or of baselines that missed
        their goal."""
        own = self.params.get("labels")
        called = {side: entry_label(*side, own=own) for side in [*also, (entry, variant)]}
        called[entry, variant] = text or called[entry, variant]
        doubted = {key: called[key[1:]] for key in self._doubts if key[1:] in called}
        self._marked |= doubted
        return called[entry, variant] + DAGGER * bool(doubted)

    def labels(self, forms: list[dict]) -> list[str]:
        """What forms (`entry`, `method`, `variant`, `form`) are called side by side: by their registered method; by their entry
        besides where two would be called alike."""
        own, words = self.params.get("labels", {}), []
        for one in forms:
            named = (one["entry"], one["variant"], "", own) if one["entry"] in own else (one["method"], one["variant"], one["form"])
            words.append(entry_label(*named))
        alike = [f" ({one['entry']})" * (words.count(word) > 1) for one, word in zip(forms, words, strict=True)]
        return [self.label(one["entry"], one["variant"], a + b) for one, a, b in zip(forms, words, alike, strict=True)]

    def note(self) -> str:
        """What the daggers say that `label` has put behind names; "" without any."""
        flat, missed = [], []
        for (model, _, variant), text in self._marked.items():
            n, empty, met = self._doubts[model, _, variant]
            where = text + f" on {model}" * (len(self.models) > 1)
            where += f", {variant.replace('_', ' ')}" * (variant != "vanilla" and VARIANTS.get(variant, variant) not in text)
            flat += [f"{where} {empty} of {n}"] if empty else []
            missed += [f"{where} {100 * (1 - met):.0f} %"] if met < 1 else []
        said = "maps that rank no pixel, the same everywhere, so that pixels go by their place: " + "; ".join(flat)
        goal = "baselines that missed their goal: " + "; ".join(missed)
        parts = [said] * bool(flat) + [goal] * bool(missed)
        return f"{DAGGER} {'. '.join(part[0].upper() + part[1:] for part in parts)}." if parts else ""

    def _doubt(self, table: pd.DataFrame):
        """Remember the methods of whose maps some rank no pixel, or whose baselines missed their goal: how many images, how many of
        their maps rank none, which share of their baselines met it."""
        fine = pd.Series(1.0, table.index)
        flat, met = table.get("flat", 1 - fine).eq(True), table.get("met", fine).fillna(1.0)
        place = ["model", "method", "variant"]
        for key in table.loc[flat | (met < 1), place].drop_duplicates().itertuples(index=False, name=None):
            rows = table[(table[place] == list(key)).all(axis=1)].drop_duplicates("image_id").index
            self._doubts[key] = len(rows), int(flat[rows].sum()), float(met[rows].mean())

    # --- maps and pictures --------------------------------------------------------------------------------------------

    def map(self, model: str, method: str, position: int, variant: str = "vanilla") -> np.ndarray:
        """The map (C, H, W) of one test image, by its position in the split."""
        for file in self.files("maps"):
            about = file.about
            if (about["model"], about["method"]) == (model, method) and about["start"] <= position < about["stop"]:
                return read_map(file, position - about["start"], _within(variant, file))[1]
        raise InputError(f"no {variant} map of test image {position} by {method} on {model}")

    def test(self, model: str) -> Split:
        """Test split of a model's data set."""
        return self._split("test", self.models[model].dataset)

    def train(self, model: str) -> Split:
        """Training split of a model's data set."""
        return self._split("train", self.models[model].dataset)

    @functools.cache
    def _split(self, role: str, dataset: str) -> Split:
        file = next(file for file in self.given[role] if file.about["dataset"] == dataset)
        return open_split(file.about["entry"], role, file, file.about["seed"], file.digest)

    def background(self, model: str) -> Split:
        """Training images that references are drawn from."""
        train = self.train(model)
        return background(train, self.params["background_images"] or len(train), self.seed)

    def targets(self, model: str, images: int) -> np.ndarray:
        """The classes that are explained of the first `images` test images, (N,)."""
        which = self.params.get("targets", {}).get(model, "label")
        if which == "label":
            return self.test(model).index["label"].to_numpy()[:images]
        if which != "predicted":
            return np.full(images, which)
        if self.given.inputs.get("maps"):
            found = {}
            for file in self.given["maps"]:
                if file.about["model"] == model:
                    rows = slice(max(0, images - file.about["start"]))
                    found |= dict(enumerate(read_arrays(file, rows=rows)[0]["target"].tolist(), file.about["start"]))
            return np.array([found[row] for row in range(images)])
        return self.classifier(model).logits(self.test(model).images(0, images)).argmax(1).numpy()

    def class_name(self, model: str, number: int) -> str:
        """What a class is called: as the data set's `classes` or its folders name it, else by its number."""
        index = self.test(model).index
        folders = dict(zip(index["label"], index["name"], strict=True)) if "name" in index else {}
        names = {str(key): name for key, name in folders.items()} | self.params.get("classes", {}).get(model, {})
        return names.get(str(number), str(number))

    def explained(self, model: str, images: int) -> list[str]:
        """What to write beside each of the first `images` test images: its label and, where it is another, the class explained."""
        labels, targets = self.test(model).index["label"].to_numpy()[:images], self.targets(model, images)
        said = []
        for label, target in zip(labels, targets, strict=True):
            words = [f"class {self.class_name(model, label)}"] if label >= 0 else []
            words += [f"explained: {self.class_name(model, target)}"] if target != label else []
            said.append(",\n".join(words))
        return said

    # --- networks -----------------------------------------------------------------------------------------------------

    def classifier(self, model: str):
        """The network of a model, on the CPU."""
        from .model.load import opened

        file = next(file for file in self.given["weights"] if file.about["model"] == model)
        return opened(file)[0]

    def accuracy(self, model: str) -> float:
        """The test accuracy of a model, nan where its images have no labels."""
        file = next(file for file in self.given["accuracy"] if file.about["model"] == model)
        accuracy = read_tensors(file)[1]["test_accuracy"]
        return float("nan") if accuracy is None else accuracy

    def trainings(self, model: str) -> list[tuple]:
        """Every training of a model: its name, the network on the CPU, and what was saved with its weights."""
        from .model.load import opened

        files = [file for file in self.given["trainings"] if file.about["model"] == model]
        return [(file.about["training"], *opened(file)) for file in files]

    def neighbourhoods(self, model: str, method: str):
        """LPI's neighbourhoods."""
        file = next(file for file in self.given["neighbourhoods"] if (file.about["model"], file.about["method"]) == (model, method))
        return importlib.import_module("pathattr").Neighbourhoods(**read_tensors(file)[0])

    def logits(self, model: str, split: str = "train", training: str | None = None) -> np.ndarray:
        """Logits (N, classes) of a split."""
        files = [file for file in self.given[f"{split}_logits"] if file.about["model"] == model]
        training = training or files[0].about["training"]
        return np.concatenate([read_arrays(file)[0]["logits"] for file in files if file.about["training"] == training])

    def predictions(self, model: str) -> pd.DataFrame:
        """Of every test image, by `training` and `image_id`: its `label`, the class `predicted`, and its probability."""
        parts = []
        for file in self.given["test_logits"]:
            if file.about["model"] == model:
                columns, _ = read_arrays(file)
                logits = columns["logits"].astype(np.float64)
                share = np.exp(logits - logits.max(1, keepdims=True))
                share /= share.sum(1, keepdims=True)
                parts.append(
                    pd.DataFrame(
                        {
                            "training": file.about["training"],
                            "image_id": columns["image_id"],
                            "label": columns["label"],
                            "predicted": logits.argmax(1),
                            "confidence": share.max(1),
                        }
                    )
                )
        return pd.concat(parts, ignore_index=True)

    # --- tables -------------------------------------------------------------------------------------------------------

    def reported(self, table: str) -> pd.DataFrame:
        """Printed numbers of one table of the paper: model, method (by our names), metric, value."""
        reported = self.params["reported"]
        numbers = pd.read_csv(source.LIBRARY.parents[1] / "resources" / "reported" / reported["file"])
        numbers = numbers[numbers["table"] == table].drop(columns="table").reset_index(drop=True)
        return numbers.assign(method=numbers["method"].replace(reported["names"]))

    def table(self) -> pd.DataFrame:
        """The table of another artefact, without the rows that only say of a method that it does not apply."""
        rows = read_csv(self.given.one("table"))
        return rows[rows.pop(NOT_APPLICABLE).isna()] if NOT_APPLICABLE in rows else rows


def _within(variant: str, file) -> str:
    """What a variant is called in a file of a longer run (see `study.Study.within`)."""
    within = file.about.get("within") or "@"
    return variant + within.removesuffix("@") if within.startswith("@") else within
