"""How much memory tensors take, counted: the same number on every run, unlike the memory of a process."""

import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Peak(TorchDispatchMode):
    """Counts, while it is on (`with Peak() as peak`), the bytes of the tensors that operations make, backward passes too, from then
    until they are freed. `peak.bytes`: the most alive at a time. Tensors from before, and what a kernel takes and frees within
    itself, are not counted.
    """

    def __init__(self):
        super().__init__()
        self.bytes, self._now, self._alive = 0, 0, set()

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        for storage in _storages((arguments, options)):
            self._count(storage, 0)  # not made here, unless it is known
        result = function(*arguments, **(options or {}))
        for storage in _storages(result):
            self._count(storage, storage.nbytes())
        self.bytes = max(self.bytes, self._now)
        return result

    def _count(self, storage, size: int):
        key = storage._cdata
        if key not in self._alive:
            self._alive.add(key)
            self._now += size
            weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int):
        self._alive.discard(key)
        self._now -= size


def _storages(values) -> list:
    return [leaf.untyped_storage() for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]
