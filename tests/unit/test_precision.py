"""Precision of the network's passes: what it changes, what not, and how well it agrees with float32."""

import copy

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from pathattr import Classifier, attribute
from pathattr.api import rank_agreement
from pathattr.artefact.ranking import ranking
from pathattr.config import check
from pathattr.model.classifier import PRECISIONS

from .helpers import assert_same_maps, refused
from .test_config import SCHEMA, changed
from .test_overview_figures import UP, N, Results, form


def made(case, precision: str) -> Classifier:
    return Classifier(copy.deepcopy(case.classifier.module), (0.5,) * 3, (0.25,) * 3, precision=precision)


class Seen(nn.Module):
    """A convolution that remembers the type of what it gave."""

    def __init__(self):
        super().__init__()
        self.layer, self.types = nn.Conv2d(3, 4, 3), set()

    def forward(self, x):
        y = self.layer(x)
        self.types.add((x.dtype, y.dtype))
        return y.flatten(1)


@pytest.mark.parametrize("precision, inside", [("float32", torch.float32), ("tf32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_the_network_alone_runs_in_the_precision(precision, inside):
    module = Seen()
    classifier = Classifier(module, precision=precision)
    x = torch.rand(2, 3, 4, 4)
    classifier.classes(x[0])  # tries what the module is, in float32
    module.types.clear()
    maps = attribute("ig", classifier, x, [0, 1], steps=4)
    assert module.types == {(torch.float32, inside)}
    assert classifier(x).dtype == classifier.logits(x).dtype == maps["vanilla"].dtype == torch.float32


def test_bfloat16_changes_maps_little_and_float32_and_tf32_not_at_all_on_a_cpu(standin):
    maps = {one: attribute("ig", made(standin, one), standin.x, standin.target, steps=8) for one in PRECISIONS}
    assert_same_maps(maps["tf32"], maps["float32"])
    assert_same_maps(attribute("ig", standin.classifier, standin.x, standin.target, steps=8), maps["float32"])
    exact, rough = maps["float32"]["vanilla"], maps["bfloat16"]["vanilla"]
    assert not torch.equal(exact, rough)
    error = (rough - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)
    assert (error < 0.5).all() and (error > 1e-4).all()


def test_in_bfloat16_too_a_map_does_not_depend_on_its_batch(standin):
    classifier = made(standin, "bfloat16")
    whole = attribute("eg", classifier, standin.x, standin.target, ids=standin.ids, background=standin.background, micro_batch=16)
    for rows, micro_batch in (([0, 1, 2], 64), ([2, 0], 32)):
        part = attribute("eg", classifier, **standin.part(rows), background=standin.background, micro_batch=micro_batch)
        assert_same_maps(part, {name: maps[rows] for name, maps in whole.items()})


def test_sums_of_gradients_stay_float32(smooth):
    """A thousand steps: sums in bfloat16, of 8 bits, would stop growing."""
    rough = Classifier(copy.deepcopy(smooth.classifier.module), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3), precision="bfloat16")
    few, many = (attribute("ig", rough, smooth.x, smooth.target, steps=steps)["vanilla"] for steps in (64, 1024))
    assert float((few - many).norm() / many.norm()) < 0.02


def test_rank_agreement_is_spearmans_of_absolute_values_of_each_image(standin):
    both, options = (made(standin, "bfloat16"), standin.classifier), {"ids": standin.ids, "steps": 8}
    rough, exact = (attribute("ig", one, standin.x, standin.target, **options)["vanilla"].abs() for one in both)
    found = rank_agreement("ig", both, standin.x, standin.target, **options)
    assert found == pytest.approx(
        [spearmanr(*(maps[n].flatten() for maps in (rough, exact))).statistic for n in range(3)], abs=1e-6
    )
    assert (found > 0.5).all() and (found < 1).all()


def test_maps_agree_with_themselves_and_baselines_may_be_of_more_images(standin):
    both, baselines = (standin.classifier, standin.classifier), standin.baselines("compute_baseline")
    found = rank_agreement("credible", both, standin.x[:2], standin.target[:2], ids=standin.ids[:2], baselines=baselines, steps=4)
    assert found == pytest.approx([1.0] * 2)


def test_an_unknown_precision_is_refused():
    with refused("precision is 'float16'", "float32, tf32, bfloat16"):
        Classifier(nn.Flatten(), precision="float16")


def test_tf32_is_refused_where_there_is_none():
    assert check(changed(("precision", "tf32"), ("device", "cuda")), SCHEMA) == []
    (problem,) = check(changed(("precision", "tf32")), SCHEMA)
    assert problem == "precision: found tf32, which is a GPU's; accepted where device is cpu: float32, bfloat16"


@pytest.mark.parametrize("agreement", [None, {"ig": 0.75, "eg": 0.5}], ids=["float32", "bfloat16"])
def test_the_table_of_all_methods_shows_the_agreement_where_there_is_one(agreement, tmp_path):
    results, first = Results(tmp_path), np.arange(N) < 2  # it is of the first images alone
    for name, mean in (("ig", 0.5), ("eg", 0.25)):
        more = {"rank_agreement": np.where(first, agreement[name], np.nan)} if agreement else {}
        results.add(name, {UP: np.full(N, mean)}, **more)
    _, table = ranking(results.found, model="resnet", forms=[form("ig"), form("eg")], images=N, scores={"diffid": [UP]})
    assert table.set_index("entry")["mean"].to_dict() == {"ig": 0.5, "eg": 0.25}
    assert ("rank_agreement" in table) == bool(agreement)
    assert agreement is None or table.set_index("entry")["rank_agreement"].to_dict() == agreement
