"""Which file comes of what: the path and the digest of every result, from the configuration alone. No torch.

A digest covers the code that makes a file (its script, the registered functions it uses, and all that these import), its
environment file, the parameters that it depends on, and the digests of the files it is made from. So it changes exactly
when the file's content may; a file carries it, and a reader that expects another refuses the file. What only says how a
result is computed (device, micro-batch, the size of a shard) is no part of it.
"""

import functools
from pathlib import Path

from . import source
from .config import Study
from .shards import shard_range, shards

ENVIRONMENTS = {  # rule -> the environment that its `conda:` names
    "make_dataset": "data",
    "index_dataset": "torch",
    "train_model": "torch",
    "fetch_model": "torch",
    "training_logits": "torch",
    "neighbourhoods": "data",
    "baselines": "torch",
    "attribute": "torch",
    "measure": "torch",
}


class File(str):
    """A path in results/ with the digest of what belongs there."""

    digest: str

    def __new__(cls, path: str, digest: str):
        file = super().__new__(cls, path)
        file.digest = digest
        return file

    def __getnewargs__(self):
        return str(self), self.digest


class Plan:
    """The files of a study. `root` holds `scripts/` and `envs/`."""

    def __init__(self, study: Study, root):
        self.study, self.config, self.root = study, study.config, Path(root)

    # --- what a digest is made of -----------------------------------------------------------------------------------

    def _digest(self, rule: str, *code: Path, environment: str | None = None, **values) -> str:
        """Digest of a rule's script, of more `code`, of the rule's environment and of `values`."""
        env = self.root / "envs" / f"{environment or ENVIRONMENTS[rule]}.yaml"
        return source.digest([self.root / "scripts" / f"{rule}.py", *code], environment=env.read_text(), **values)

    def _registered(self, kind: str, name: str) -> Path:
        return source.module_path(source.lookup(kind, name).module)

    def _dataset_code(self, dataset: str) -> Path:
        return self._registered("dataset", self.config["datasets"][dataset]["dataset"])

    def _network_code(self, model: str) -> list[Path]:
        """Code of a model's dataset and of its architecture: registered, or the user's own where it is there."""
        dataset = self._dataset_code(self._dataset_of(model))
        architecture = self.config["models"][model]["architecture"]
        if ".py:" not in architecture:
            return [dataset, self._registered("model", architecture.partition(".")[0])]
        own = Path(architecture.rpartition(":")[0])
        return [dataset, own] if own.is_file() else [dataset]

    def is_made(self, dataset: str) -> bool:
        """Whether the workflow builds the dataset from embedded data."""
        return source.registered("dataset")[self.config["datasets"][dataset]["dataset"]].facts.get("made", False)

    def is_trained(self, model: str) -> bool:
        """Whether the workflow trains the model."""
        return self.config["models"][model]["weights"] == "trained"

    def weights_file(self, model: str) -> list[str]:
        """The user's own weights file, where a model has one that is there."""
        weights = self.config["models"][model]["weights"]
        path = Path(weights).expanduser()
        return [str(path)] if weights not in ("trained", "published") and path.is_file() else []

    # --- the files ----------------------------------------------------------------------------------------------------

    @functools.cache
    def index(self, dataset: str, split: str) -> File:
        """Index of a split; a made dataset has its pixels beside it."""
        rule = "make_dataset" if self.is_made(dataset) else "index_dataset"
        entry = self.config["datasets"][dataset]
        digest = self._digest(rule, self._dataset_code(dataset), entry=entry, seed=self.study.seed)
        return File(f"results/data/{dataset}/{split}.parquet", digest)

    def split(self, dataset: str, split: str) -> list[File]:
        """All files of a split."""
        index = self.index(dataset, split)
        pixels = File(index.removesuffix("parquet") + "arrow", index.digest)
        return [index, pixels] if self.is_made(dataset) else [index]

    @functools.cache
    def weights(self, model: str) -> File:
        """Weights of a model, with what is needed to rebuild the classifier."""
        entry = self.config["models"][model]
        inputs = [self.index(entry["dataset"], split).digest for split in ("train", "test")]
        rule = "train_model" if self.is_trained(model) else "fetch_model"
        values = {"threads": self.config["threads"]["train"]} if self.is_trained(model) else {}
        entry = {key: value for key, value in entry.items() if key != "stands_for"}
        codes = self._network_code(model)
        digest = self._digest(rule, *codes, entry=entry, seed=self.study.seed, inputs=inputs, **values)
        return File(f"results/models/{entry['dataset']}/{model}.safetensors", digest)

    def _dataset_of(self, model: str) -> str:
        return self.config["models"][model]["dataset"]

    @functools.cache
    def logits(self, model: str, shard: str) -> File:
        """Logits of one shard (k-of-n) of the training images."""
        codes = self._network_code(model)
        digest = self._digest("training_logits", *codes, weights=self.weights(model).digest, shard=shard)
        return File(f"results/logits/{self._dataset_of(model)}/{model}/{shard}.arrow", digest)

    def training_logits(self, model: str) -> list[File]:
        """All shards of the training logits, in order."""
        count = self.config["training_shards"]
        return [self.logits(model, f"{number:04d}-of-{count:04d}") for number in range(count)]

    @functools.cache
    def neighbourhoods(self, model: str, method: str) -> File:
        """LPI's neighbourhoods for one entry or sweep point."""
        settings = self.study.method(method, model)
        digest = self._digest(
            "neighbourhoods",
            self._registered("method", settings["method"]),
            n=settings["neighbourhoods"],
            m=settings["references"],
            seed=self.study.seed,
            weights=self.weights(model).digest,
        )
        return File(f"results/neighbourhoods/{self._dataset_of(model)}/{model}/{method}.safetensors", digest)

    @functools.cache
    def baselines(self, model: str, method: str, shard: str) -> File:
        """Baselines of one shard of the test images, for the first entry that computes them in this way."""
        settings = self.study.baseline(method, model)
        owner = next(
            (name for name in self.config["methods"] if self._has_baselines(name) and self.study.baseline(name, model) == settings),
            method,
        )
        digest = self._digest(
            "baselines",
            self._registered("baseline", settings["baseline"]),
            *self._network_code(model),
            settings=settings,
            seed=self.study.seed,
            inputs=[file.digest for file in [*self.split(self._dataset_of(model), "test"), self.weights(model)]],
            shard=shard,
        )
        return File(f"results/baselines/{self._dataset_of(model)}/{model}/{owner}/{shard}.arrow", digest)

    def _has_baselines(self, name: str) -> bool:
        return "baselines" in source.lookup("method", self.config["methods"][name].get("method", name)).facts.get("needs", ())

    def needs(self, model: str, method: str) -> tuple[str, ...]:
        """What a method needs besides the image: of background, neighbourhoods, baselines, logits."""
        return source.lookup("method", self.study.method(method, model)["method"]).facts.get("needs", ())

    def background_images(self, model: str, method: str) -> int | None:
        """How many training images references are drawn from, None for all: LPI's are positions among all of them."""
        needs = self.needs(model, method)
        return self.config["background_images"] if "background" in needs and "neighbourhoods" not in needs else None

    def map_inputs(self, model: str, method: str, shard: str) -> dict[str, list[File]]:
        """Files that an attribute job reads, by role."""
        dataset, needs = self._dataset_of(model), self.needs(model, method)
        return {
            "images": self.split(dataset, "test"),
            "weights": [self.weights(model)],
            "background": self.split(dataset, "train") if "background" in needs else [],
            "neighbourhoods": [self.neighbourhoods(model, method)] if "neighbourhoods" in needs else [],
            "baselines": [self.baselines(model, method, shard)] if "baselines" in needs else [],
        }

    @functools.cache
    def maps(self, model: str, method: str, shard: str) -> File:
        """Attribution maps of one shard of the test images."""
        settings = self.study.method(method, model)
        inputs = self.map_inputs(model, method, shard)
        codes = [self._registered("method", settings["method"]), *self._network_code(model)]
        digest = self._digest(
            "attribute",
            *codes,
            settings=settings,
            seed=self.study.seed,
            dtype=self.config["maps_dtype"],
            background=self.background_images(model, method),
            inputs=[file.digest for files in inputs.values() for file in files],
            shard=shard,
        )
        return File(f"results/maps/{self._dataset_of(model)}/{model}/{method}/{shard}.arrow", digest)

    @functools.cache
    def scores(self, model: str, method: str, metric: str, shard: str) -> File:
        """Per-image scores of one shard by one metric."""
        settings = self.study.metric(metric)
        codes = [self._registered("metric", settings["metric"]), *self._network_code(model)]
        digest = self._digest(
            "measure", *codes, settings=settings, seed=self.study.seed, maps=self.maps(model, method, shard).digest
        )
        return File(f"results/scores/{self._dataset_of(model)}/{model}/{method}/{metric}/{shard}.parquet", digest)

    def all_maps(self, model: str, methods, images: int, first: int) -> list[File]:
        """Maps of several methods: of the images evaluated, those shards that hold the `first` ones."""
        wanted = [shard for shard in self._shards(images) if shard_range(shard)[0] < first]
        return [self.maps(model, method, shard) for method in methods for shard in wanted]

    def all_scores(self, model: str, methods, metric: str, images: int) -> list[File]:
        """Scores of several methods over the first images of the test split."""
        return [self.scores(model, method, metric, shard) for method in methods for shard in self._shards(images)]

    def maps_of(self, scores: File) -> File:
        """The maps that a scores file was measured on."""
        _, _, _, model, method, _, shard = Path(scores).parts
        return self.maps(model, method, shard.removesuffix(".parquet"))

    def _shards(self, images: int) -> list[str]:
        return shards(images, self.config["images_per_shard"])

    def artefact(self, rule: str, inputs, **values) -> str:
        """Digest of a figure or table drawn by a rule from these files."""
        return self._digest(rule, environment="plot", inputs=[file.digest for file in inputs], **values)

    def documentation(self, rule: str) -> str:
        """Digest of a page made of the registered methods: of the text of all of them, docstrings too."""
        folders = [source.LIBRARY / kind for kind in ("method", "baseline")]
        texts = {path.name: path.read_text() for folder in folders for path in sorted(folder.glob("*.py"))}
        return self._digest(rule, environment="torch", texts=texts)
