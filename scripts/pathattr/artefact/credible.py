"""What only the credible paper shows (Akhtar and Jalwana, ICML 2023)."""

from ..plot.names import label
from ..registry import artefact


@artefact("credible_examples", table=True)
def credible_examples(found):
    """Examples 1 and 2, computed by the same code as everything else, beside the printed numbers. F is :math:`x_1 + 4 x_2 + 1`
    where both are at most 1, :math:`4 x_1 + x_2 + 2` where both are above 1, and 0 elsewhere. IG from the reference 0 crosses from
    one piece to the other at (1, 1): the printed scores are not the integral's. The proposed method from (3, 3), in the points'
    own piece, gives what is printed; from (2, 3) the ratio is not 4: it follows from references on the diagonal through the point.
    """
    from ..paper.credible import examples

    data = examples()
    shown = data.assign(method=data["method"].map(label))
    return data, shown.rename(columns={name: name.replace("_", " ") for name in shown})
