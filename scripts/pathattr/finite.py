"""NaN and infinity, refused where they arise, before they are taken for a result."""

import math

import torch

from .errors import InputError


def check_finite(values, what: str):
    """Raise `InputError` where values, an array or tensor of any shape, are not all finite numbers; `what` they are of."""
    values = torch.as_tensor(values)
    if not values.is_floating_point() or math.isfinite(float(values.detach().sum())):  # a sum forgets no NaN and no infinity
        return
    bad = int((~torch.isfinite(values)).sum())
    if bad:
        raise InputError(f"{what}: {bad} of {values.numel()} numbers are not finite; accepted: finite ones")


def all_finite(*values) -> bool:
    """Whether no tensor (None is one of none) holds NaN or infinity; on a GPU one synchronisation for all of them. A sum that
    overflows says false, too."""
    sums = [value.detach().sum(dtype=torch.float32) for value in values if value is not None]  # a sum forgets no NaN, no infinity
    return not sums or math.isfinite(float(torch.stack(sums).sum()))


def watched(steps, image_id: str):
    """Run a generator of questions about an image within another, refusing answers that are not finite; its result. Answers are
    looked at where something in their micro-batch is not."""
    answer = None
    while True:
        try:
            ask = steps.send(answer)
        except StopIteration as end:
            return end.value
        answer = yield ask
        if answer.suspect and answer.logits is not None:
            check_finite(answer.logits, f"the network's logits of image {image_id}, or of one made from it")
        if answer.suspect and answer.gradient is not None:
            check_finite(answer.gradient, f"the network's gradients at image {image_id}, or at one made from it")
