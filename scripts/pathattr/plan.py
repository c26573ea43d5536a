"""Which file comes of what: the path, the digest and the inputs of every result, from the configuration alone. No torch.

Every rule has one method here, which says of a job what it reads, by role, what it is told, and what its result's digest is.
A digest covers the code that makes a file (its script, the registered functions it uses, and all that these import), its
environment file, the parameters that it depends on, and the digests of the files it is made from. So it changes exactly
when the file's content may; a file carries it, and a reader that expects another refuses the file. What only says how a
result is computed (device, micro-batch, the size of a shard) is no part of it.
"""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from . import source
from .absent import lacks
from .config import load
from .dataset.stamp import stamp
from .errors import InputError
from .files import File
from .overlay import laid
from .plot.names import score_label
from .shards import cover, shard_range, shard_split
from .strict import read_yaml
from .study import Drawn, Study, images_of

ENVIRONMENTS = {  # rule -> the environment that its `conda:` names
    "make_dataset": "data",
    "index_dataset": "torch",
    "train_model": "torch",
    "fetch_model": "torch",
    "randomise_model": "torch",
    "logits": "torch",
    "neighbourhoods": "data",
    "baselines": "torch",
    "attribute": "torch",
    "probe": "torch",
    "measure": "torch",
    "retrain": "torch",
    "figure": "plot",
    "table": "plot",
    "summary": "data",
    "judge": "plot",
    "paper_claims": "data",
    "claims": "data",
    "document_methods": "torch",
}


SHARDED = ("logits", "baselines", "attribute", "probe", "measure")


@dataclass(frozen=True)
class Job:
    """What one job of a rule reads (role -> files) and is told, the digest of its result included. `place`: its wildcards."""

    rule: str
    place: str
    inputs: dict[str, list[File]]
    told: dict

    @property
    def files(self) -> list[File]:
        return [file for files in self.inputs.values() for file in files]


class Plan:
    """The files of a study. `root` holds `scripts/`, `envs/` and `resources/`. `stamps`: data set -> its stamp, where known."""

    def __init__(self, study: Study, root, stamps: dict | None = None):
        self.study, self.config, self.root = study, study.config, Path(root)
        self.stamps = dict(stamps or {})
        self.made: dict[str, Job] = {}  # path -> the job that makes it, as far as anything has asked for it
        self._wanted: dict[
            tuple, list[tuple[int, int]]
        ] = {}  # (training, owner[, metric or "train"]) -> rows that something asks for
        for drawn in study.drawn.values():
            for role in ("scores", "maps", "baselines"):
                for _, name, training, start, stop in self._rows(drawn, role):
                    owner = self._owner(drawn, name, training)
                    for metric in drawn.metrics if role == "scores" else ():
                        train = study.retrains(metric)
                        self._want((training, owner, metric), start, stop)
                        self._want((training, owner, "train"), 0, train)
                    self._want((training, owner), start, stop)

    def _want(self, what: tuple, start: int, stop: int):
        if stop > start:
            self._wanted.setdefault(what, []).append((start, stop))

    # --- what the rules ask -------------------------------------------------------------------------------------------

    def inputs(self, rule: str):
        """The input function of a rule: wildcards -> role -> files."""

        def inputs_of_job(wildcards):
            return self._job(rule, wildcards).inputs

        return inputs_of_job

    def params(self, rule: str):
        """The function of a rule's `params: job=`: what `job.Given` reads in the script."""

        def told_to_job(wildcards):
            job = self._job(rule, wildcards)
            inputs = {role: [{**file.about, "digest": file.digest} for file in files] for role, files in job.inputs.items()}
            return {**job.told, "inputs": inputs}

        return told_to_job

    def _job(self, rule: str, wildcards) -> Job:
        return self.made[str(getattr(self, rule)(*wildcards))]

    # --- what a digest is made of -------------------------------------------------------------------------------------

    def _file(
        self, path: str, rule: str, *place: str, code=(), inputs=None, counted=None, digested=None, told=None, **about
    ) -> File:
        """The result of a rule at a place: its digest covers the rule's script and environment, `code`, `digested`, and the
        `counted` files' digests, by default those of the inputs."""
        inputs, digested = inputs or {}, digested or {}
        env = (self.root / "envs" / f"{ENVIRONMENTS[rule]}.yaml").read_text()
        counted = counted or [file for files in inputs.values() for file in files if file.digest]
        given = [word for file in counted for word in (file.digest, *file.about.get("runs", {}).values())]
        roots = [self.root / "scripts" / f"{rule}.py", *code]
        file = File(path, source.digest(roots, environment=env, inputs=given, **digested), **about)
        self.made[path] = Job(rule, "/".join(place), inputs, {**digested, **(told or {}), "digest": file.digest})
        return file

    def _method_code(self, name: str) -> Path:
        """All of a method's file: what is fitted beforehand (LPI's neighbourhoods) comes to its function as an object."""
        return source.module_path(source.lookup("method", name).module)

    def _function(self, kind: str, name: str) -> tuple[Path, str]:
        """A registered function, and not its neighbours in the file."""
        known = source.lookup(kind, name)
        return source.module_path(known.module), known.function

    def _network_code(self, training: str) -> list:
        """Code of a model's dataset and of its architecture: registered, or the user's own with what it imports there."""
        entry, _ = self.study.model(training)
        dataset = self._function("dataset", self.config["datasets"][entry["dataset"]]["dataset"])
        if ".py:" not in entry["architecture"]:
            return [dataset, self._function("model", entry["architecture"].partition(".")[0])]
        return [dataset, *source.own(entry["architecture"].rpartition(":")[0])]

    def is_made(self, dataset: str) -> bool:
        """Whether the workflow builds the dataset from embedded data."""
        return source.registered("dataset")[self.config["datasets"][dataset]["dataset"]].facts.get("made", False)

    def _origin(self, model: str) -> str:
        """The rule that a model's weights come of."""
        weights = self.config["models"][model]["weights"]
        return "train_model" if weights == "trained" else "randomise_model" if weights in self.config["models"] else "fetch_model"

    def trainings(self, rule: str) -> list[str]:
        """Names of all trainings whose weights come of a rule."""
        return [one for model in self.config["models"] if self._origin(model) == rule for one in self.study.trainings(model)]

    # --- data and models ----------------------------------------------------------------------------------------------

    @functools.cache
    def index(self, dataset: str, split: str) -> File:
        """Index of a split; a made dataset has its pixels beside it."""
        rule = "make_dataset" if self.is_made(dataset) else "index_dataset"
        entry = self.config["datasets"][dataset]
        about = {"entry": entry, "seed": self.study.seed, "split": split}
        code = [self._function("dataset", entry["dataset"])]
        path = f"results/data/{dataset}/{split}.parquet"
        stamped = {"stamp": self._stamp(dataset)} if self._stamp(dataset) else {}
        return self._file(path, rule, dataset, split, code=code, digested=about | stamped, **about)

    def _stamp(self, dataset: str) -> str | None:
        """What the files of a data set outside look like, the same as when the run began that this process works for."""
        if dataset not in self.stamps:
            entry = self.config["datasets"][dataset]
            self.stamps[dataset] = stamp(source.registered("dataset")[entry["dataset"]], entry)
        return self.stamps[dataset]

    make_dataset = index_dataset = index

    def split(self, dataset: str, split: str) -> list[File]:
        """All files of a split; none of a training split that is not there."""
        if split == "train" and "training images" in lacks(self.config, dataset):
            return []
        index = self.index(dataset, split)
        pixels = File(index.removesuffix("parquet") + "arrow", index.digest)
        return [index, pixels] if self.is_made(dataset) else [index]

    def _alphabetical(self, dataset: str) -> bool:
        """Whether classes are folders that nothing numbers but their order."""
        entry = self.config["datasets"][dataset]
        folders = source.registered("dataset")[entry["dataset"]].facts.get("folders", False)
        return folders and not entry.get("classes") and "labels" not in lacks(self.config, dataset)

    @functools.cache
    def weights(self, training: str) -> File:
        """Weights of a training, with what is needed to rebuild the classifier."""
        entry, number = self.study.model(training)
        measured = {"layout": "measured"} if self.config["layout"] == "measured" else {}  # what is found goes with the weights
        model, dataset = training.partition("-")[0], entry["dataset"]
        rule, code = self._origin(model), self._network_code(training)
        digested = {"entry": entry, "seed": self.study.seed + number, "classes": self.study.class_count(model), **measured}
        inputs = {split: self.split(dataset, split) for split in ("train", "test")}
        if rule == "train_model":
            digested["threads"] = self.config["threads"]["train"]
            code.append(self._function("training", entry["training"].get("training", "classification")))
            inputs["start"] = [self.weights(entry["start"])] if "start" in entry else []
        elif rule == "randomise_model":
            inputs = {"base": [self.weights(entry["weights"])], "test": inputs["test"]}
        else:
            digested["alphabetical"] = self._alphabetical(dataset)
            own = Path(entry["weights"]).expanduser()
            inputs["file"] = [File(str(own))] if entry["weights"] != "published" and own.is_file() else []
        return self._file(
            f"results/models/{dataset}/{training}.safetensors",
            rule,
            *(dataset, training),
            code=code,
            inputs=inputs,
            digested=digested,
            entry=entry,
        )

    def train_model(self, dataset: str, model: str) -> File:
        return self.weights(model)

    fetch_model = randomise_model = train_model

    def network(self, training: str) -> File:
        """Weights of a training for what runs the network: its results depend on how it `runs` as well."""
        return self.weights(training).told(runs={key: self.config[key] for key in ("layout", "precision")})

    @functools.cache
    def logits(self, dataset: str, model: str, split: str, part: str) -> File:
        """Logits of one part (k-of-n) of a split."""
        inputs = {"images": self.split(dataset, split), "weights": [self.network(model)]}
        path = f"results/logits/{dataset}/{model}/{split}/{part}.arrow"
        place = dataset, model, split, part
        return self._file(path, "logits", *place, code=self._network_code(model), inputs=inputs, digested={"part": part})

    def all_logits(self, model: str, split: str) -> list[File]:
        """All parts of a split's logits, in order."""
        count, dataset = self.config["training_shards"] if split == "train" else 1, self._dataset(model)
        return [self.logits(dataset, model, split, f"{number:04d}-of-{count:04d}") for number in range(count)]

    def _dataset(self, model: str) -> str:
        return self.study.model(model)[0]["dataset"]

    # --- from methods to scores -----------------------------------------------------------------------------------------

    @functools.cache
    def neighbourhoods(self, dataset: str, model: str, method: str) -> File:
        """LPI's neighbourhoods for one entry or sweep point."""
        settings = self.study.method(method, model)
        return self._file(
            f"results/neighbourhoods/{dataset}/{model}/{method}.safetensors",
            "neighbourhoods",
            *(dataset, model, method),
            code=[self._method_code(settings["method"])],
            inputs={"logits": self.all_logits(model, "train")},
            counted=[self.network(model)],  # in how many parts the logits come changes nothing
            digested={"n": settings["neighbourhoods"], "m": settings["references"], "seed": self.study.seed},
        )

    @functools.cache
    def baselines(self, dataset: str, model: str, method: str, shard: str) -> File:
        """Baselines of one shard of the test images, for the first entry that computes them in this way."""
        settings = self.study.baseline(method, model)
        same = (
            name for name in self.config["methods"] if self._has_baselines(name) and self.study.baseline(name, model) == settings
        )
        owner = next(same, method)
        return self._file(
            f"results/baselines/{dataset}/{model}/{owner}/{shard}.arrow",
            "baselines",
            *(dataset, model, owner, shard),
            code=[self._function("baseline", settings["baseline"]), *self._network_code(model)],
            inputs={"images": self.split(dataset, "test"), "weights": [self.network(model)]},
            digested={"settings": settings, "seed": self.study.seed, "shard": shard, "target": self.study.target(dataset)},
        )

    def _has_baselines(self, name: str) -> bool:
        return "baselines" in source.lookup("method", self.config["methods"][name].get("method", name)).facts.get("needs", ())

    def _needs(self, model: str, method: str) -> tuple[str, ...]:
        """What a method needs besides the image: of background, neighbourhoods, baselines, logits."""
        return source.lookup("method", self.study.method(method, model)["method"]).facts.get("needs", ())

    @functools.cache
    def maps(self, dataset: str, model: str, method: str, shard: str) -> File:
        """Attribution maps of one shard of the test images, or of the training images."""
        settings, needs = self.study.computed(method, model), self._needs(model, method)
        # LPI's references are positions among all training images; other methods may draw from a sample of them.
        sampled = self.config["background_images"] if "background" in needs and "neighbourhoods" not in needs else None
        start, stop = shard_range(shard)
        return self._file(
            f"results/maps/{dataset}/{model}/{method}/{shard}.arrow",
            "attribute",
            *(dataset, model, method, shard),
            code=[self._method_code(settings["method"]), *self._network_code(model)],
            inputs={
                "images": self.split(dataset, shard_split(shard)),
                "weights": [self.network(model)],
                "background": self.split(dataset, "train") if "background" in needs else [],
                "neighbourhoods": [self.neighbourhoods(dataset, model, method)] if "neighbourhoods" in needs else [],
                "baselines": [self.baselines(dataset, model, method, shard)] if "baselines" in needs else [],
            },
            digested={
                "settings": settings,
                "seed": self.study.seed,
                "dtype": self.config["maps_dtype"],
                "background_images": sampled,
                "shard": shard,
                "target": self.study.target(dataset),
            },
            start=start,
            stop=stop,
        )

    attribute = maps

    @functools.cache
    def probe(self, dataset: str, model: str, metric: str, shard: str) -> File:
        """What a metric's probe asks of the network on one shard of the test images, for the first metric that asks for it."""
        settings = self.study.probe(metric)
        return self._file(
            f"results/probes/{dataset}/{model}/{metric}/{shard}.arrow",
            "probe",
            *(dataset, model, metric, shard),
            code=[self._function("probe", settings["probe"]), *self._network_code(model)],
            inputs={"images": self.split(dataset, "test"), "weights": [self.network(model)]},
            digested={"settings": settings, "seed": self.study.seed, "shard": shard, "target": self.study.target(dataset)},
            start=shard_range(shard)[0],
        )

    def _probes(self, dataset: str, model: str, metric: str, shard: str) -> list[File]:
        """The probe's file that holds the rows of a shard of scores."""
        settings = self.study.probe(metric)
        same = [name for name in self.config["metrics"] if self.study.probe(name) == settings]
        wanted = [rows for key, found in self._wanted.items() if key[0] == model and key[2:] and key[2] in same for rows in found]
        start, stop = shard_range(shard)
        cut = cover([*wanted, (start, stop)], self.config["images_per_shard"], images_of(self.config, dataset))
        return [self.probe(dataset, model, same[0], one) for one in cut if shard_range(one)[0] <= start < shard_range(one)[1]]

    @functools.cache
    def retrain(self, dataset: str, model: str, method: str, metric: str, shard: str) -> File:
        """Per-image scores by a metric that trains networks anew: of all test images asked for at once."""
        settings = self.study.metric(metric)
        start, stop = shard_range(shard)
        maps = {"maps": (start, stop), "train_maps": (0, self.study.retrains(metric))}
        shards = {role: self.shards(model, method, *rows, train=role == "train_maps") for role, rows in maps.items()}
        return self._file(
            f"results/scores/{dataset}/{model}/{method}/{metric}/{shard}.parquet",
            "retrain",
            *(dataset, model, method, metric, shard),
            code=[self._function("metric", settings["metric"]), *self._network_code(model)],
            inputs={
                **{split: self.split(dataset, split) for split in ("train", "test")},
                "weights": [self.network(model)],
                **{role: [self.maps(dataset, model, method, one) for one in some] for role, some in shards.items()},
            },
            digested={"settings": settings, "seed": self.study.seed, "threads": self.config["threads"]["compute"]},
            start=start,
            stop=stop,
        )

    @functools.cache
    def scores(self, dataset: str, model: str, method: str, metric: str, shard: str) -> File:
        """Per-image scores of one shard by one metric."""
        settings, probe = self.study.metric(metric), self.study.probe(metric)
        start, stop = shard_range(shard)
        inputs = {"images": self.split(dataset, "test"), "weights": [self.network(model)]}
        counted = [*inputs["images"], *inputs["weights"], self.maps(dataset, model, method, shard)]  # not what else a file holds
        inputs["maps"] = [self.maps(dataset, model, method, one) for one in self.shards(model, method, start, stop)]
        inputs["probe"] = self._probes(dataset, model, metric, shard) if probe else []
        return self._file(
            f"results/scores/{dataset}/{model}/{method}/{metric}/{shard}.parquet",
            "measure",
            *(dataset, model, method, metric, shard),
            code=[self._function(*one) for one in (("metric", settings["metric"]), *list(probe.items())[:1])]
            + self._network_code(model),
            inputs=inputs,
            counted=counted,
            digested={"settings": settings, "probe": probe, "seed": self.study.seed},
            start=start,
            stop=stop,
        )

    measure = scores

    # --- what artefacts and claims need -----------------------------------------------------------------------------------

    def _rows(self, drawn: Drawn, role: str):
        """(key of the model, method, training, first row, last row) of the maps or scores that something needs.

        Where a model is trained several times, each training has its share of the scored images; maps are the first one's.
        """
        if role not in drawn.needs:
            return
        images = drawn.first(role)
        for key, model in drawn.models.items():
            trainings = self.study.trainings(model) if role == "scores" else [model]
            for number, training in enumerate(trainings):
                start, stop = (images * part // len(trainings) for part in (number, number + 1))
                for name in drawn.forms if stop > start else ():
                    if name not in drawn.without(key):
                        yield key, name, training, start, stop

    def _point(self, drawn: Drawn, name: str, training: str) -> str:
        return self.study.point(*drawn.forms[name], training.partition("-")[0])

    def _owner(self, drawn: Drawn, name: str, training: str) -> str:
        return self.study.owner(self._point(drawn, name, training), training)

    def shards(self, training: str, owner: str, start: int, stop: int, metric: str = "", train: bool = False) -> list[str]:
        """Shards that hold rows of a method's maps, of the test images or of those to `train` on, or of its scores by a metric:
        at fixed places in the split, cut to what anything asks for."""
        key = (training, owner, "train") if train else (training, owner, metric) if metric else (training, owner)
        there = images_of(self.config, self._dataset(training), "train" if train else "test")
        return [
            "train-" * train + shard
            for shard in cover([*self._wanted.get(key, ()), (start, stop)], self.config["images_per_shard"], there)
            if shard_range(shard)[0] < stop and shard_range(shard)[1] > start
        ]

    def _files_of_rows(self, drawn: Drawn, role: str) -> list[File]:
        files = []
        for key, name, training, start, stop in self._rows(drawn, role):
            place = self._dataset(training), training, self._owner(drawn, name, training)
            within = self.study.within(self._point(drawn, name, training), training)
            about = {"model": key, "method": name, "training": training, "first": start, "last": stop, "within": within}
            if role == "scores":
                for metric in drawn.metrics:
                    files += [file.told(**about, metric=metric) for file in self._scores(*place, metric, start, stop, drawn)]
                continue
            for shard in self.shards(*place[1:], start, stop):
                if role == "maps":
                    files.append(self.maps(*place, shard).told(**about))
                elif "baselines" in self._needs(*place[1:]):
                    files.append(self.baselines(*place, shard).told(**about))
        return files

    def _scores(self, dataset: str, training: str, owner: str, metric: str, start: int, stop: int, drawn: Drawn) -> list[File]:
        """Files with a metric's scores of some rows."""
        if not self.study.retrains(metric):
            return [self.scores(dataset, training, owner, metric, one) for one in self.shards(training, owner, start, stop, metric)]
        every = images_of(self.config, dataset, "test") or drawn.first("scores")
        return [self.retrain(dataset, training, owner, metric, *cover([(0, every)], every))]

    def _role(self, drawn: Drawn, role: str) -> list[File]:
        """Files of one role for an artefact or claim."""
        match role:
            case "scores" | "maps" | "baselines":
                return self._files_of_rows(drawn, role)
            case "train" | "test":
                datasets = {self._dataset(model): key for key, model in drawn.models.items()}
                return [file.told(dataset=one) for one in datasets for file in self.split(one, role)]
            case "weights":
                return [self.network(model).told(model=key) for key, model in drawn.models.items()]
            case "accuracy":
                return [self.weights(model).told(model=key) for key, model in drawn.models.items()]
            case "trainings":
                return [
                    self.network(training).told(model=key, training=training)
                    for key, model in drawn.models.items()
                    for training in self.study.trainings(model)
                ]
            case "train_logits" | "test_logits":
                return [
                    file.told(model=key, training=training)
                    for key, model in drawn.models.items()
                    for training in (self.study.trainings(model) if role == "test_logits" else [model])
                    for file in self.all_logits(training, role.partition("_")[0])
                ]
            case "neighbourhoods":
                return [
                    self.neighbourhoods(self._dataset(model), model, owner).told(model=key, method=name)
                    for key, model in drawn.models.items()
                    for name in drawn.forms
                    for owner in [self._owner(drawn, name, model)]
                    if "neighbourhoods" in self._needs(model, owner)
                ]
            case "labels":
                return []  # of the test images, whose index has them
            case "table":
                names = [drawn.values[one.name] for one in drawn.known.parameters if one.names == "Table"]
                return [self.artefact(drawn.paper, name) for name in names if name]
        raise InputError(f"{drawn.known.name}: no role {role!r}")

    def _drawing(self, drawn: Drawn) -> dict:
        """What `_file` wants of an artefact or claim, and what its script is told."""
        entries = {key: self.config["models"][model] for key, model in drawn.models.items()}
        about = {
            key: {"model": drawn.models[key], "dataset": entry["dataset"], "stands_for": drawn.stands_for[key]}
            for key, entry in entries.items()
        }
        data = {key: entry["dataset"] for key, entry in entries.items()}
        classes = {key: {str(one): name for one, name in self.study.class_names(of).items()} for key, of in data.items()}
        kind = "artefact" if drawn.section == "artefacts" else "claim"
        return {
            "code": [self._function(kind, drawn.known.name)],
            "inputs": {role: self._role(drawn, role) for role in drawn.needs if role != "reported"},
            "digested": {
                "function": drawn.known.name,
                "values": drawn.values,
                "models": about,
                "settings": self._settings(drawn),
                "not_run": drawn.not_run,
                "not_applicable": drawn.not_applicable,
                "metrics": {name: self.study.metric(name) for name in drawn.metrics},
                "reported": self._reported(drawn),
                "background_images": self.config["background_images"],
                "targets": {key: self.study.target(of) for key, of in data.items()},
                "classes": classes,
                **self._labels(drawn),
                "seed": self.study.seed,
            },
        }

    def _reported(self, drawn: Drawn) -> dict | None:
        """The paper's printed numbers: their file in resources/reported, a digest of it, and our names of its methods."""
        name = self.config["papers"][drawn.paper].get("reported")
        if "reported" not in drawn.needs or not name:
            return None
        text = (self.root / "resources" / "reported" / f"{name}.csv").read_text()
        return {"file": f"{name}.csv", "digest": source.digest(text=text), "names": self.config["reported_as"]}

    def _labels(self, drawn: Drawn) -> dict:
        """What the configuration calls the entries that are drawn, where it says so."""
        entries = {base: self.config["methods"][base] for base, _ in drawn.forms.values()}
        labels = {name: entry["label"] for name, entry in entries.items() if "label" in entry}
        return {"labels": labels} if labels else {}

    def _settings(self, drawn: Drawn) -> dict:
        """(key of the model, method) -> what the method means there, for texts."""
        return {
            f"{key}/{name}": self.study.method(self.study.point(*form, model), model)
            for key, model in drawn.models.items()
            for name, form in drawn.forms.items()
        }

    @functools.cache
    def artefact(self, paper: str, name: str) -> File:
        """The table behind a figure, or a table; its other files lie beside it."""
        drawn = self.study.drawn[paper, "artefacts", name]
        what = self._drawing(drawn)
        rule = "table" if drawn.known.facts.get("table") else "figure"
        what["told"] = {"caption": self.caption(drawn)}
        return self._file(f"results/tables/{paper}/{name}.csv", rule, paper, name, **what)

    figure = table = artefact

    @functools.cache
    def summary(self, paper: str) -> File:
        """A paper's models with their accuracies, and what is left out of it."""
        missing = [[section, name, "all", why] for (of, section, name), why in self.study.absent.items() if of == paper]
        weights = {}
        for (of, section, name), drawn in self.study.drawn.items():
            if of == paper:
                missing += [[section, name, what, why] for what, why in drawn.left_out.items()]
                for key, model in drawn.models.items():
                    about = {"model": key, "network": model, "stands_for": drawn.stands_for[key], "dataset": self._dataset(model)}
                    for one in self.study.trainings(model):
                        weights[key, one] = self.weights(one).told(**about, training=one)
        inputs = {"weights": [weights[one] for one in sorted(weights)]}
        told = {"models": [file.about for file in inputs["weights"]], "missing": missing}
        return self._file(f"results/summary/{paper}.csv", "summary", paper, inputs=inputs, digested=told)

    @functools.cache
    def judge(self, paper: str, name: str) -> File:
        """The verdict on one claim."""
        drawn = self.study.drawn[paper, "claims", name]
        what = self._drawing(drawn)
        entry = drawn.entry
        told = {"id": name, "paper": paper, "artefacts": self.study.cited(drawn), "says": entry["says"], "where": entry["where"]}
        what["digested"] |= told | {"left_out": drawn.left_out}
        return self._file(f"results/claims/{paper}.{name}.json", "judge", f"{paper}.{name}", **what)

    @functools.cache
    def paper_claims(self, paper: str) -> File:
        """All verdicts of a paper."""
        verdicts = [self.judge(paper, name) for name in self.claims_of(paper)]
        return self._file(f"results/claims/{paper}.csv", "paper_claims", paper, inputs={"verdicts": verdicts})

    @functools.cache
    def claims(self) -> File:
        """All verdicts of all papers, with what each takes to be remade alone."""
        papers = [paper for paper in self.config["papers"] if self.claims_of(paper)]
        verdicts = [self.judge(paper, name).told(paper=paper) for paper in papers for name in self.claims_of(paper)]
        inputs = {"verdicts": verdicts, "papers": [self.paper_claims(paper) for paper in papers]}
        titles = {paper: self.config["papers"][paper]["title"] for paper in papers}
        claims = [drawn for (_, section, _), drawn in self.study.drawn.items() if section == "claims"]
        places = {(drawn.paper, "artefacts", name) for drawn in claims for name in self.study.cited(drawn)}
        cited = {(paper, name): self.study.drawn[paper, section, name] for paper, section, name in sorted(places)}
        shown = {
            f"{paper}.{name}": {"title": drawn.title, "figure": not drawn.known.facts.get("table")}
            for (paper, name), drawn in cited.items()
        }
        digested = {"titles": titles, "shown": shown}
        told = {"takes": {str(file): self.takes(file) for file in verdicts}}
        return self._file("results/claims.csv", "claims", inputs=inputs, digested=digested, told=told)

    def takes(self, file: File) -> list[str]:
        """Patterns of the benchmark files of a file's job and of all that come before it, below results/benchmarks/."""
        patterns = set()
        for job in map(self.made.get, self.behind([file])):
            place = f"{job.place.rpartition('/')[0]}/*" if job.rule in SHARDED else job.place
            patterns.add(f"{job.rule}/{place}.tsv")
        return sorted(patterns)

    def behind(self, files) -> list[str]:
        """The files themselves and all that they are made from, directly or not, each by the path that its job is known by."""
        seen, todo = set(), [str(file) for file in files]
        while todo:
            path = todo.pop()
            if path not in seen and path in self.made:
                seen.add(path)
                todo += map(str, self.made[path].files)
        return sorted(seen)

    def outputs(self, path: str) -> list[str]:
        """All files of the job that makes the one at `path`, that first."""
        job, stem = self.made[path], path.rpartition(".")[0]
        match job.rule:
            case "make_dataset":
                return [path, f"{stem}.arrow"]
            case "train_model" | "fetch_model" | "randomise_model":
                return [path, f"{stem}.json"]
            case "figure":
                return [path, f"{stem}.html", *(f"results/figures/{job.place}.{end}" for end in ("pdf", "png"))]
            case "table":
                return [path, f"{stem}.html"]
            case "summary":
                return [path, f"{stem}.missing.csv", f"{stem}.html"]
            case "claims":
                return [path, "results/claims.json", "results/claims.html", "results/claims/counts.txt"]
        return [path]

    # --- names, titles, targets ---------------------------------------------------------------------------------------------

    def artefacts_of(self, paper: str, table: bool | None = None) -> list[str]:
        """Artefacts of a paper: all, only figures, or only tables."""
        return [
            name
            for (of, section, name), drawn in self.study.drawn.items()
            if of == paper and section == "artefacts" and table in (None, bool(drawn.known.facts.get("table")))
        ]

    def places(self, table: bool) -> list[str]:
        """Patterns of the figures, or of the tables, as the wildcard `artefact`: each behind its paper's folder."""
        return [f"(?<=/{paper}/){name}" for paper in self.config["papers"] for name in self.artefacts_of(paper, table)]

    def claims_of(self, paper: str) -> list[str]:
        """Claims of a paper, c2 before c10."""
        names = [name for of, section, name in self.study.drawn if of == paper and section == "claims"]
        return sorted(names, key=lambda name: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)])

    def title(self, paper: str, name: str) -> str:
        """What an artefact is called."""
        return self.study.drawn[paper, "artefacts", name].title

    def chapter(self, wildcards) -> str:
        """The paper's chapter in the report."""
        return self.config["papers"][wildcards.paper]["title"]

    def labels(self, wildcards) -> dict:
        """What an artefact is called in the report."""
        return {"artefact": self.title(wildcards.paper, wildcards.artefact)}

    def data_labels(self, wildcards) -> dict:
        """What a table's CSV file is called in the report."""
        return {"artefact": f"{self.title(wildcards.paper, wildcards.artefact)}, data"}

    def caption(self, drawn: Drawn) -> str:
        """The docstring of what draws, its fields filled in."""

        def words(value, names: str):
            if value is None:
                return "none"
            if isinstance(value, list):
                return "; ".join(words(one, names) for one in value)
            if names == "MetricScores":
                return words(sum(value.values(), []), "Scores")
            return score_label(value) if names.startswith("Score") else str(value)

        known = {one.name: words(drawn.values[one.name], one.names) for one in drawn.known.parameters}
        places = []
        for key, model in drawn.models.items():
            stands = drawn.stands_for[key]
            places.append(f"{model} in place of {stands}" if stands else model)
        datasets = dict.fromkeys(self._dataset(model) for model in drawn.models.values())
        known |= {"models": ", ".join(places), "model": ", ".join(places), "dataset": ", ".join(datasets)}
        return drawn.known.doc.format(**known) + self._said(drawn, list(datasets))

    def _said(self, drawn: Drawn, datasets: list[str]) -> str:
        """What a caption adds: what is explained, where it is not the label, and what is left out."""
        text, target = "", self.config["target"]
        if drawn.forms and target != "label":
            which = "the class that the network predicts" if target == "predicted" else f"class {target}"
            text += f" Explained is {which}."
        if drawn.left_out:
            text += f" Left out: {'; '.join(f'{one} {why}' for one, why in drawn.left_out.items())}."
        return text

    def targets(self, paper: str) -> list[str]:
        """Every file of a paper: artefacts, verdicts, and all that they are made from, so that a file which is removed is made
        again even where what hangs on it is still there."""
        ends = [self.summary(paper), *(self.artefact(paper, name) for name in self.artefacts_of(paper))]
        ends += [self.paper_claims(paper)] if self.claims_of(paper) else []
        return [file for path in self.behind(ends) for file in self.outputs(path)]

    def everything(self) -> list[str]:
        """What is there at the end beside the papers' own: all verdicts, where there are claims."""
        judged = any(self.claims_of(paper) for paper in self.config["papers"])
        return self.outputs(self.claims()) if judged else []

    def results(self) -> dict[str, str]:
        """Every file of the study -> the digest of what makes it."""
        files = [file for paper in self.config["papers"] for file in self.targets(paper)] + self.everything()
        digests = {one: job.told["digest"] for path, job in self.made.items() for one in self.outputs(path)}
        return {file: digests[file] for file in files}

    def documentation(self, rule: str) -> str:
        """Digest of a page made of the registered methods: of the text of all of them, docstrings too."""
        folders = [source.LIBRARY / kind for kind in ("method", "baseline")]
        texts = {path.name: path.read_text() for folder in folders for path in sorted(folder.glob("*.py"))}
        env = (self.root / "envs" / f"{ENVIRONMENTS[rule]}.yaml").read_text()
        return source.digest([self.root / "scripts" / f"{rule}.py"], environment=env, texts=texts)


def planned(files, root) -> Plan:
    """The plan of `config.yaml` with configuration files laid over it, as by --configfile. Raises `InputError`."""
    root = Path(root)
    config = laid(files, read_yaml(root / "config.yaml"))
    return Plan(load(config, root / "resources" / "config.schema.yaml"), root)
