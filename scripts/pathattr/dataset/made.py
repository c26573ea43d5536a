"""What a dataset built from embedded data consists of."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Made:
    """One split of a made dataset.

    `index`: one row an image in frozen order: `image_id` (text), `label` (int), `box_x0 box_y0 box_x1 box_y1` (pixels,
    upper ends excluded) and what else the dataset knows. `pixels`: uint8 (N, C, H, W). `masks`: bool (N, H, W), True
    where the labelled object is.
    """

    index: pd.DataFrame
    pixels: np.ndarray
    masks: np.ndarray

    @classmethod
    def of(cls, split, pixels, labels, boxes, masks, extra=None) -> "Made":
        """Assemble a split; ids are the split's name and the row number."""
        index = pd.DataFrame(
            {
                "image_id": [f"{split}-{row:06d}" for row in range(len(labels))],
                "label": np.asarray(labels, np.int64),
                **{f"box_{name}": boxes[:, column] for column, name in enumerate(("x0", "y0", "x1", "y1"))},
            }
        )
        if extra is not None:
            index = pd.concat([index, extra], axis=1)
        return cls(index, pixels.astype(np.uint8), masks)
