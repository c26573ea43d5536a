"""The classifier that is explained: pixels in [0, 1] in, logits out, frozen and ready for many gradients."""

from collections.abc import Iterable, Sequence
from itertools import islice

import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse

from ..batching import LOGITS, MULTIPLE, Answer, Ask, run
from ..errors import InputError, problem
from ..finite import check_finite
from . import contract
from .layout import LAYOUTS, fastest

PRECISIONS = ("float32", "tf32", "bfloat16")
FOLDING_TOLERANCE = 1e-5  # of the largest logit


class Classifier:
    """A network with its own preprocessing.

    Everything is attributed in pixel space and the classifier normalises: (x - mean) / std per channel. Products of a
    displacement and a gradient do not change under that map; a plain gradient is 1/std of the gradient in normalised
    space, a constant per channel.

    Parameters: `module` maps (N, C, H, W) normalised images to (N, classes) logits; it is put in evaluation mode, its
    parameters are frozen and its memory format becomes that of the layout. `mean` and `std`: one number a channel. `device`:
    "cpu" or "cuda". `fold_batch_norm`: merge batch norms into the convolutions before them where torch.fx can trace the network
    and the logits stay within 1e-5 of the largest; `module` itself stays as it is. `classes`: how many there are, where the module
    is known to give so many logits; by default it is tried on the first image (`contract.check`). `layout`: "channels_last",
    "contiguous", or "measured": whichever is faster here, in float32 at images of the first call's size, folded or not; `measured`
    then says what that was. Another layout, or folding, rounds otherwise. `precision`: "float32"; "bfloat16", by torch.autocast
    around the network's forward pass (sums and normalisation stay float32); "tf32", of a GPU's convolutions and products, float32
    on a CPU.
    """

    def __init__(
        self,
        module: nn.Module,
        mean=(0.0,),
        std=(1.0,),
        device: str = "cpu",
        fold_batch_norm: bool = True,
        classes: int | None = None,
        layout: str = "channels_last",
        precision: str = "float32",
    ):
        if not isinstance(module, nn.Module):
            raise InputError(f"found a {type(module).__name__}; accepted: a torch.nn.Module")
        for name, value, known in (("layout", layout, (*LAYOUTS, "measured")), ("precision", precision, PRECISIONS)):
            if value not in known:
                raise InputError(f"{name} is {value!r}; accepted: {', '.join(known)}")
        if not mean or len(mean) != len(std) or not all(value > 0 for value in std):
            raise InputError(f"mean {tuple(mean)} and std {tuple(std)} must have one number a channel, std above 0")
        self.device = torch.device(device)
        self.layout, self.precision, self.measured = layout, precision, {}
        self.module = module.eval().requires_grad_(False).to(self.device, memory_format=LAYOUTS.get(layout, torch.channels_last))
        self._fold, self._network = fold_batch_norm, None  # chosen at the first call, when the shape is known
        self._classes = classes
        self.mean = torch.tensor(mean, dtype=torch.float32, device=self.device).view(1, -1, 1, 1)
        self.std = torch.tensor(std, dtype=torch.float32, device=self.device).view(1, -1, 1, 1)

    def classes(self, image: Tensor) -> int:
        """How many classes there are, found with one image (C, H, W) at the first call (`contract.check`). Raises `InputError`."""
        if self._classes is None:
            where = type(self.module).__name__
            self._classes = contract.check(self.module, self.normalise(image[None].to(self.device))[0], None, where)
        return self._classes

    def normalise(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W) pixels in [0, 1] -> what the network was trained on."""
        return (pixels - self.mean) / self.std

    def __call__(self, pixels: Tensor) -> Tensor:
        """(N, C, H, W) pixels in [0, 1] -> (N, classes) logits, differentiable, all in one batch."""
        if self._network is None:
            self._network = self._chosen(pixels.shape[1:])
        if self.device.type == "cuda":  # here, since the backward pass that follows reads them too
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = self.precision == "tf32"
        if self.precision != "bfloat16":
            return self._network(self.normalise(self.laid_out(pixels)))
        with torch.autocast(self.device.type, torch.bfloat16):
            return self._network(self.normalise(self.laid_out(pixels))).float()

    def laid_out(self, pixels: Tensor) -> Tensor:
        """Pixels (N, C, H, W) in the layout of the network; gradients at them come in it without a copy."""
        return pixels.contiguous(memory_format=LAYOUTS.get(self.layout, torch.channels_last))

    def _chosen(self, shape) -> nn.Module:
        """The network that runs: with its batch norms folded, or the fastest one."""
        network = self._folded(shape) if self._fold else self.module
        if self.layout == "measured":
            forms = [self.module] if network is self.module else [self.module, network]
            network, self.layout = fastest(forms, shape, self.device.type)
            self.module.to(memory_format=LAYOUTS[self.layout])
            self.measured = {"layout": self.layout, "folded": network is not self.module, "measured_on": self.device.type}
        return network.to(memory_format=LAYOUTS[self.layout])

    def _folded(self, shape) -> nn.Module:
        """The network with its batch norms folded, or as it is where that cannot be done or changes the logits."""
        if not any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in self.module.modules()):
            return self.module
        try:
            folded = fuse(self.module).requires_grad_(False)
        except Exception as error:  # tracing runs the network's own code: whatever it raises, it cannot be folded
            print(f"batch norm is not folded: {problem(error)}")
            return self.module
        probe = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0)).to(self.device)
        with torch.no_grad():
            plain, fast = (network(self.normalise(probe)) for network in (self.module, folded))
        error = float((plain - fast).abs().max() / plain.abs().max())
        if not error <= FOLDING_TOLERANCE:
            print(f"batch norm is not folded: it changes the logits by {error:.1e} of the largest")
            return self.module
        return folded

    def answer(self, points: Tensor, target: Tensor, rule: str) -> Answer:
        """Logits alone, as `batching.run` asks for them."""
        assert rule == LOGITS, "gradients are the integrator's"
        with torch.no_grad():
            return Answer(self(points), None)

    def logits(self, pixels: Iterable[Tensor], micro_batch: int = 32, ids: Sequence | None = None) -> Tensor:
        """N images (C, H, W), a tensor or one by one -> (N, classes) logits on the CPU, batch-free (see `batching`).

        Raises `InputError` for logits that are not finite, naming the image: by `ids`, or 0, 1, ...
        """

        named = iter(enumerate(pixels) if ids is None else zip(ids, pixels, strict=True))

        def some(images: list[tuple]):
            answer = yield Ask(torch.stack([image for _, image in images]).to(self.device), rule=LOGITS)
            for (name, _), row in zip(images, answer.logits, strict=True) if answer.suspect else ():
                check_finite(row, f"the network's logits of image {name}")
            return answer.logits.cpu()

        walks = map(some, iter(lambda: list(islice(named, MULTIPLE)), []))
        rows = dict(run(walks, self.answer, micro_batch))
        return torch.cat([rows[number] for number in range(len(rows))])
