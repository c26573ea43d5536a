"""What artefacts and claims are given: scores gathered over shards, maps, predictions, printed numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pathattr import store
from pathattr.dataset.split import Split
from pathattr.files import File
from pathattr.found import Found
from pathattr.job import Given

from .helpers import refused

DIGEST = "d" * 16


def rows(ids, metric="diffid_auc", variant="vanilla", shift=0.0) -> pd.DataFrame:
    """Scores of some images: one number each."""
    values = [shift + float(name[1:]) for name in ids]
    return pd.DataFrame(
        {"image_id": ids, "metric": metric, "x": np.nan, "value": values, "variant": variant, "gradients": 20 + int(shift)}
    )


class Bench:
    """Writes results to their places, as a plan would have them."""

    def __init__(self, folder: Path):
        self.folder, self.inputs = folder, {"scores": [], "maps": [], "test_logits": []}
        self.params = {"seed": 0, "models": {}, "settings": {}, "digest": "x"}

    def scores(self, method, table, model="vgg", start=0, first=0, last=None, digest=DIGEST, training=None, metric="diffid"):
        count = table["image_id"].nunique()
        path = self.folder / model / method / f"{start}-{len(self.inputs['scores'])}.parquet"
        store.write_table(path, table, {"digest": DIGEST})
        about = {"model": model, "method": method, "training": training or model, "metric": metric}
        about |= {"start": start, "stop": start + count, "first": first, "last": start + count if last is None else last}
        self.inputs["scores"].append(File(str(path), digest, **about))

    @property
    def found(self) -> Found:
        return Found(Given(self.inputs, self.params))


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_scores_are_gathered_in_one_order_whatever_the_files(bench):
    bench.scores("ig", rows(["i2", "i3"]), start=2)
    bench.scores("ig", rows(["i0", "i1"]))
    bench.scores("eg", rows(["i0", "i1", "i2", "i3"]))
    table = bench.found.scores(["diffid_auc"])
    assert table["image_id"].tolist() == ["i0", "i1", "i2", "i3"] * 2
    assert table["method"].tolist() == ["eg"] * 4 + ["ig"] * 4 and set(table["model"]) == {"vgg"}
    bench.inputs["scores"].reverse()
    pd.testing.assert_frame_equal(table, bench.found.scores(["diffid_auc"]))


def test_only_the_rows_asked_for_are_read(bench):
    """A file may hold more images than an artefact is of: it is of the first ones by their place in the split."""
    bench.scores("ig", rows(["i9", "i1", "i5", "i3"]), last=2)
    assert sorted(bench.found.scores(["diffid_auc"])["image_id"]) == ["i1", "i9"]
    bench.inputs["scores"].clear()
    bench.scores("ig", rows(["i9", "i1", "i5", "i3"]), start=100, first=102, last=300)
    assert sorted(bench.found.scores(["diffid_auc"])["image_id"]) == ["i3", "i5"]


def test_only_the_scores_variants_methods_and_models_asked_for_are_gathered(bench):
    bench.scores("ig", pd.concat([rows(["i0"]), rows(["i0"], metric="other"), rows(["i0"], variant="absolute", shift=5.0)]))
    bench.scores("eg", rows(["i0"], shift=7.0))
    bench.scores("eg", rows(["i0"], shift=9.0), model="resnet")
    found = bench.found
    assert found.scores(["diffid_auc"], methods=["ig"])["value"].tolist() == [0.0]
    assert found.scores(["diffid_auc"], ["absolute"], methods=["ig"])["value"].tolist() == [5.0]
    assert found.scores(["diffid_auc"], models=["resnet"])["value"].tolist() == [9.0]
    assert len(found.scores(["diffid_auc", "other"], methods=["ig"])) == 2
    with refused("no scores", "lpi"):
        found.scores(["diffid_auc"], methods=["lpi"])


def test_scores_of_one_name_are_told_apart_by_the_metrics_entry(bench):
    bench.scores("ig", rows(["i0", "i1"]))
    bench.scores("ig", rows(["i0", "i1"], shift=5.0), metric="diffid_signed")
    assert bench.found.scores(["diffid_auc"], by="diffid")["value"].tolist() == [0.0, 1.0]
    assert bench.found.scores(["diffid_auc"], by="diffid_signed")["value"].tolist() == [5.0, 6.0]
    with refused("comes twice"):
        bench.found.scores(["diffid_auc"])
    with refused("no scores"):
        bench.found.scores(["diffid_auc"], by="rise")


def test_absolute_is_vanilla_where_only_that_was_scored(bench):
    bench.scores("ig", rows(["i0", "i1"]))
    table = bench.found.scores(["diffid_auc"], ["vanilla", "absolute"])
    assert table.groupby("variant")["value"].sum().to_dict() == {"absolute": 1.0, "vanilla": 1.0}


def test_a_score_that_comes_twice_is_refused(bench):
    bench.scores("ig", rows(["i0", "i1"]))
    bench.scores("ig", rows(["i1", "i2"]), start=1)
    with refused("i1", "ig", "comes twice"):
        bench.found.scores(["diffid_auc"])


@pytest.mark.parametrize("others", [["i0"], ["i0", "i1", "i2"], ["i0", "i2"]], ids=["fewer", "more", "others"])
def test_methods_measured_on_different_images_are_refused(bench, others):
    bench.scores("ig", rows(["i0", "i1"]))
    bench.scores("eg", rows(others))
    with refused("different", "ig", "eg"):
        bench.found.scores(["diffid_auc"])


def test_a_stale_file_and_one_of_other_images_are_refused(bench):
    bench.scores("ig", rows(["i0"]), digest="other")
    with refused("expected other"):
        bench.found.scores(["diffid_auc"])
    bench.inputs["scores"].clear()
    bench.scores("ig", rows(["i0"]))
    bench.inputs["scores"][0].about["stop"] = 3
    with refused("1 images", "expected 3"):
        bench.found.scores(["diffid_auc"])


def test_a_map_is_found_by_its_place_in_the_split(bench, tmp_path):
    maps = torch.randn(4, 3, 4, 4)
    for number, (method, start) in enumerate((("ig", 0), ("eg", 0), ("eg", 2))):
        index = pd.DataFrame({"image_id": [f"i{start}", f"i{start + 1}"], "target": [4, 2]})
        path, values = tmp_path / f"{number}.arrow", {"vanilla": maps[:2] * (number + 1)}
        store.write_maps(path, index, values, pd.DataFrame({"gradients": [1, 1]}), "float32", {"digest": DIGEST})
        bench.inputs["maps"].append(File(str(path), DIGEST, model="vgg", method=method, start=start, stop=start + 2))
    assert np.array_equal(bench.found.map("vgg", "eg", 3), 3 * maps[1].numpy())
    for place in (("vgg", "eg", 4), ("vgg", "lpi", 0), ("resnet", "ig", 0)):
        with refused("no vanilla map", str(place[2]), place[1]):
            bench.found.map(*place)


def test_predictions_are_the_largest_logit_and_its_share(bench, tmp_path):
    logits = np.array([[0.0, np.log(3.0)], [1.0, 1.0 - np.log(4.0)]], np.float32)
    columns = {"image_id": ["i0", "i1"], "label": np.array([0, 0]), "logits": logits}
    store.write_arrays(tmp_path / "l.arrow", columns, {"digest": DIGEST})
    bench.inputs["test_logits"].append(File(str(tmp_path / "l.arrow"), DIGEST, model="vgg", training="vgg"))
    table = bench.found.predictions("vgg")
    assert table["predicted"].tolist() == [1, 0] and table["label"].tolist() == [0, 0]
    assert table["confidence"].tolist() == pytest.approx([0.75, 0.8], rel=1e-6)
    assert np.array_equal(bench.found.logits("vgg", "test"), logits)


TABLE_1 = {  # LPI paper: insertion VGG-16, ResNet-34, deletion VGG-16, ResNet-34
    "random": (0.227, 0.355, 0.227, 0.356),
    "inputgrad": (0.418, 0.487, 0.204, 0.175),
    "ig": (0.425, 0.489, 0.222, 0.425),
    "eg": (0.443, 0.526, 0.180, 0.259),
    "agi": (0.484, 0.531, 0.184, 0.278),
    "lpi": (0.487, 0.547, 0.175, 0.257),
}


def test_the_printed_numbers_of_the_lpi_paper_are_table_1s(bench):
    bench.params["reported"] = {"file": "lpi-aaai2023.csv", "names": {}}
    printed = bench.found.reported("table1").set_index(["method", "metric", "model"])["value"]
    assert len(printed) == 24
    for method, values in TABLE_1.items():
        places = [(metric, model) for metric in ("insertion_auc", "deletion_auc") for model in ("vgg16", "resnet34")]
        assert [printed[(method, *place)] for place in places] == list(values)


def test_printed_methods_go_by_our_names(bench):
    bench.params["reported"] = {"file": "lpi-aaai2023.csv", "names": {"agi": "agi_as_released"}}
    methods = set(bench.found.reported("table1")["method"])
    assert "agi_as_released" in methods and "agi" not in methods


def test_what_is_explained_is_told_beside_the_label(bench, tmp_path, monkeypatch):
    """Images 0 to 3 of classes cat, dog and one without a name; what is predicted stands with the maps."""
    index = pd.DataFrame({"image_id": [f"i{row}" for row in range(4)], "label": [0, 1, 0, 7], "name": ["cat", "dog", "cat", "7"]})
    monkeypatch.setattr(Found, "test", lambda self, model: Split(index, None))
    for number, start in enumerate((0, 2)):
        path, targets = tmp_path / f"{number}.arrow", index[start : start + 2].assign(target=[[0, 0], [3, 7]][number])
        store.write_maps(path, targets, {"vanilla": torch.zeros(2, 1, 2, 2)}, pd.DataFrame({"gradients": [1, 1]}), "float32", {})
        bench.inputs["maps"].append(File(str(path), model="vgg", method="ig", start=start, stop=start + 2))
    assert bench.found.explained("vgg", 4) == ["class cat", "class dog", "class cat", "class 7"]
    bench.params |= {"targets": {"vgg": "predicted"}, "classes": {"vgg": {"3": "cow"}}}
    assert bench.found.targets("vgg", 3).tolist() == [0, 0, 3] and bench.found.targets("vgg", 4).tolist() == [0, 0, 3, 7]
    words = ["class cat", "class dog,\nexplained: cat", "class cat,\nexplained: cow", "class 7"]
    assert bench.found.explained("vgg", 4) == words
    bench.params["targets"] = {"vgg": 1}
    assert bench.found.explained("vgg", 2) == ["class cat,\nexplained: dog", "class dog"]
    index["label"] = -1
    assert bench.found.explained("vgg", 1) == ["explained: 1"]


def test_a_models_accuracy_is_that_saved_with_its_weights(bench, tmp_path):
    for accuracy, expected in ((0.75, 0.75), (None, np.nan)):
        store.write_tensors(tmp_path / "w.safetensors", {"a": torch.zeros(1)}, {"test_accuracy": accuracy})
        bench.inputs["accuracy"] = [File(str(tmp_path / "w.safetensors"), model="vgg")]
        assert bench.found.accuracy("vgg") == pytest.approx(expected, nan_ok=True)
