"""What a job asks a cluster for: memory and minutes, from its images and the registered cost of what it runs. No torch.

It changes no result. Rates and what any job takes stand in the configuration's `resources`.
"""

import dataclasses
import functools

import yaml

from .cost import SIDE, Cost, Data, MethodCost, Prices
from .errors import InputError
from .plan import Job, Plan

ROW = 100  # bytes of a row of scores, or of an index, in memory
LISTED = 20  # files listed in the time that it takes to read one
TESTED = 5000  # test images that weights are tried on, at most, where they are not trained here
KMEANS = 1.2e-7  # seconds a value and cluster: three starts of a hundred rounds at 5e9 operations a second


class Needs(Prices):
    """Megabytes and minutes of any job of a plan.

    Memory: what any job takes, all arrays that it holds, reads and writes times `safety`, and on a CPU what the network takes for
    a micro-batch. Minutes: what any job takes, and times `safety` those of its passes, of reading images and of working through
    its arrays. A data set that does not say how many images or classes it has counts as ImageNet.
    """

    def __init__(self, plan: Plan):
        super().__init__(plan, yaml.safe_load((plan.root / "resources" / "rates.yaml").read_text()))
        self.told = plan.config["resources"]

    def memory(self, rule: str | None = None):
        """The function of a rule's `mem_mb`; without a rule, of one that makes no result."""
        return self._growing("mem_mb", rule)

    def minutes(self, rule: str | None = None):
        """The function of a rule's `runtime`, likewise."""
        return self._growing("runtime", rule)

    def look(self, paths) -> list[MethodCost]:
        """What methods take whose files are to be made, the longest first. Raises `InputError`, a line each, for more than
        `method_hours`."""
        rows, most = self.by_method(paths), self.told["method_hours"]
        dear = [
            f"resources.method_hours: found {row.method} on {row.model}, {row.takes}; accepted: at most {most}, a higher limit, "
            f"fewer images, or methods: {{{row.method.partition('-')[0]}: null}}"
            for row in rows
            if row.hours > most
        ]
        if dear:
            raise InputError("\n".join(dear))
        return rows

    def _growing(self, what: str, rule: str | None):
        """What a job takes; twice as much for each attempt after the first, which may have been ended for taking more."""

        def asked(wildcards, attempt):
            if rule is None:
                first = {"mem_mb": self.told["memory_mb"], "runtime": self.told["minutes"]}
            else:
                first = self._asks(str(getattr(self.plan, rule)(*wildcards)))
            return first[what] * 2 ** (attempt - 1)

        return asked

    @functools.cache
    def _asks(self, path: str) -> dict[str, int]:
        job, told = self.plan.made[path], self.told
        cost = self.of(path) or Cost(job.rule, "", "", "", pixels=0, count=0)
        held = self._size(path) + sum(self._size(str(file)) for file in job.files if not self._glanced_at(job, str(file)))
        pictures = self._pictures(job, cost)
        data = self.data(job.place.split("/")[0]) if pictures else None
        share, seconds, read = 0.0, 0.0, 0.0  # of an image of the rates; of computing; images read
        if data:
            share = data.shape[1] * data.shape[2] / SIDE**2
            held += 4 * data.elements * pictures * (job.rule != "logits")  # which reads one micro-batch after another
            forwards = cost.forwards + pictures * (cost.rule in ("train_model", "fetch_model", "randomise_model"))
            passes = cost.gradients + self.rates["trained"] * cost.trained + forwards / 2
            seconds, read = passes * share / told["gradients_per_second"], pictures
            if job.inputs.get("background"):
                sample = job.told["background_images"]
                held += data.elements * (sample or 0)
                read += sample or cost.gradients  # LPI reads each of its references where it lies
        elif job.rule == "index_dataset":
            read = self._whole(*job.place.split("/"), "index") / LISTED
        elif job.rule == "neighbourhoods":
            seconds = held / 4 * (job.told["n"] + job.told["m"]) * KMEANS
        seconds += read / told["images_per_second"] + held / 1e6 / told["mb_per_second"]
        network = share * told["gradient_mb"] * self.plan.config["micro_batch"] * (self.plan.config["device"] == "cpu")
        return {
            "mem_mb": round(told["memory_mb"] + told["safety"] * held / 1e6 + network),
            "runtime": round(told["minutes"] + told["safety"] * seconds / 60),
        }

    def _pictures(self, job: Job, cost: Cost) -> int:
        """Images that go through a network in a job, or that maps of them are scored."""
        if job.rule in ("fetch_model", "randomise_model"):
            return min(TESTED, self._whole(job.place.split("/")[0], "test", job.rule))
        if job.rule == "train_model":
            return cost.count + self._whole(job.place.split("/")[0], "test", job.rule)
        own = cost.count // cost.maps if job.rule in ("measure", "retrain") else cost.count
        return own + (job.told["settings"]["train"] if job.rule == "retrain" else 0)

    def _glanced_at(self, job: Job, path: str) -> bool:
        """Whether a job reads but a row or two of a file: a gallery's maps."""
        made = self.plan.made.get(path)
        return job.rule in ("figure", "table", "judge") and made is not None and made.rule in ("attribute", "baselines")

    @functools.cache
    def _size(self, path: str) -> int:
        """Bytes of a file's content in memory, arrays as float32; 0 of what is not counted: weights, pictures, tables."""
        job = self.plan.made.get(path)
        if job is None:
            return 0
        if job.rule == "index_dataset":
            return ROW * self._whole(*job.place.split("/"), "index")
        cost = self.of(path)
        match job.rule:
            case "attribute" | "baselines":
                return 4 * cost.count * cost.maps * self.data(job.place.split("/")[0]).elements
            case "measure" | "retrain":
                return round(ROW * cost.count * (20 + cost.each[1]))  # a pass gives a number or less; without any, a few
            case _:
                return cost.bytes if cost else 0

    # --- what is not known before the index is there -------------------------------------------------------------------

    @functools.cache
    def data(self, dataset: str) -> Data:
        """As `Prices.data`, but always with a number of classes."""
        known = super().data(dataset)
        return dataclasses.replace(known, classes=known.classes or self.rates["datasets"]["imagenet"]["classes"])

    def _whole(self, dataset: str, split: str, what: str) -> int:
        return super()._whole(dataset, split, what) or self.rates["datasets"]["imagenet"][split]
