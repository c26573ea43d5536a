"""Fills micro-batches across images: many images ask for points, few calls of the network answer.

A method or a metric is written for ONE image, as a generator: it yields the points at which it wants the network,
receives the answer, and goes on. This module runs many such generators at once, packs what they ask for into
micro-batches of a multiple of 16 points, and hands each its own answer. So an image's result cannot depend on the images that
it happens to be computed with: on a CPU it is the same bit for bit whatever the batch, the order or the shard.
"""

from collections import Counter, deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from .errors import InputError
from .finite import all_finite

BUNCH = 2  # micro-batches filled at a time: between calls of the network what begins images has left the processor's caches
AHEAD = 8  # images begun before they are needed, where they are begun in threads
MULTIPLE = 16  # batches of all multiples give the same bits a row on 1, 2, 4, ... threads; other sizes take other kernels


LOGITS, GRADIENT = "logits", "gradient"


@dataclass(frozen=True)
class Ask:
    """Points of one image at which the network is wanted.

    `points`: (K, C, H, W) pixels. `target`: the class of each point, one for all or (K,), or what the rule wants in its place,
    a row of numbers a point (K, M). `rule`: what is wanted there:
    "logits" alone, the "gradient" of the method's objective, the name of another objective for the gradient of that, or a
    function of the method's own (see `integrate.evaluate`). Questions of one rule share micro-batches. `alone`: evaluate these
    points by themselves, all at once and not padded, for rules that draw random numbers or make their own batches.
    """

    points: Tensor
    target: int | Tensor = 0
    rule: Hashable = GRADIENT
    alone: bool = False


@dataclass(frozen=True)
class Answer:
    """What the rule gives: `logits` (K, classes) and `gradient` (K, C, H, W), None where it gives none. `suspect`: not all numbers
    of the micro-batch that it comes from are finite."""

    logits: Tensor | None
    gradient: Tensor | None
    suspect: bool = False


@dataclass
class _Walker:
    """One generator, the question that it waits on, and the pieces of the answer so far."""

    number: int
    steps: Generator
    ask: Ask | None = None
    pieces: list[Answer] = field(default_factory=list)
    missing: int = 0

    def next(self, answer: Answer | None):
        """Go on to the next question; raises `StopIteration` with the result at the end."""
        self.ask = self.steps.send(answer)
        self.pieces, self.missing = [], len(self.ask.points)


def check_micro_batch(size: int) -> int:
    """The size itself if it is a positive multiple of 16, else `InputError`."""
    if size < MULTIPLE or size % MULTIPLE:
        raise InputError(f"micro_batch is {size}; accepted: a positive multiple of {MULTIPLE}")
    return size


def run(generators: Iterable[Generator], evaluate: Callable, micro_batch: int, threads: int = 0) -> Iterator[tuple[int, object]]:
    """Run the generators to their ends; yield (position, result) as each finishes.

    `threads`: where a first step reads files and asks nothing of the network, so many threads take it for the next few generators
    while the network works; by default it is taken here, when it is needed.

    `evaluate(points, target, rule)` gets at most `micro_batch` points, filled up with zeros to a multiple of 16 (to all of the
    micro-batch on 3, 5, 6, ... threads, where kernels divide other batches in other ways), and gives an `Answer`.
    Running out of memory halves the micro-batch, down to 16, and goes on; smaller batches would give other bits. Raises
    `InputError` where 16 points are too many, and where a question that is asked alone does not fit.
    """
    check_micro_batch(micro_batch)
    waiting = _begun(generators, threads)
    queues: dict[Hashable, deque] = {}  # by Ask.rule: (walker, start, stop)
    rows = Counter()  # by Ask.rule: points in its queue, kept beside it since they are asked for with each image begun

    def advance(walker: _Walker, step: Callable):
        """Take the walker to its next question by a step; a list of its result where it has ended."""
        try:
            step()
        except StopIteration as end:
            return [(walker.number, end.value)]
        queues.setdefault(walker.ask.rule, deque()).append((walker, 0, walker.missing))
        rows[walker.ask.rule] += walker.missing
        return []

    exhausted = False
    while True:
        wanted = micro_batch
        while not exhausted and not any(rows[rule] >= wanted or queue[0][0].ask.alone for rule, queue in queues.items()):
            wanted = BUNCH * micro_batch
            try:
                walker, step = next(waiting)
            except StopIteration:
                exhausted = True
            else:
                yield from advance(walker, step)
        if not queues:
            return
        rule = max(queues, key=rows.__getitem__)
        queue = queues[rule]
        alone = queue[0][0].ask.alone
        batch = _take(queue, micro_batch)
        answers = None
        try:
            answers = _evaluate(batch, evaluate, 1 if alone else _multiple(micro_batch), rule)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
        if answers is None:  # only here has the error, which held the tensors of the call, let go of them
            torch.cuda.empty_cache()
            queue.extendleft(reversed(batch))
            micro_batch = _halved(micro_batch, _rows(batch) if alone else None)
            continue
        rows[rule] -= _rows(batch)
        if not queue:
            del queues[rule]
        for (walker, start, stop), answer in zip(batch, answers, strict=True):
            walker.pieces.append(answer)
            walker.missing -= stop - start
            if walker.missing == 0:
                yield from advance(walker, partial(walker.next, _join(walker.pieces)))


def _begun(generators: Iterable[Generator], threads: int) -> Iterator[tuple[_Walker, Callable]]:
    """Walkers in order, each with what takes its first step, or waits until a thread has taken it."""
    walkers = (_Walker(number, steps) for number, steps in enumerate(generators))
    if not threads:
        yield from ((walker, partial(walker.next, None)) for walker in walkers)
        return
    with ThreadPoolExecutor(threads) as pool:
        begun = deque()
        for walker in walkers:
            begun.append((walker, pool.submit(walker.next, None).result))
            if len(begun) > AHEAD:
                yield begun.popleft()
        yield from begun


def out_of_memory(error: Exception) -> bool:
    """Whether the GPU's memory or the machine's ran out: of the latter torch says so in words alone."""
    words = ("DefaultCPUAllocator", "not enough memory", "Cannot allocate memory", "can't allocate memory", "bad_alloc")
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or any(one in str(error) for one in words)


def _halved(micro_batch: int, alone: int | None) -> int:
    """Half of a micro-batch that did not fit into memory. `alone`: points of a question that cannot be asked in parts."""
    if alone or micro_batch == MULTIPLE:
        points = f"{alone or MULTIPLE} points in a call of the network"
        raise InputError(f"out of memory with {points}; accepted: more memory, a smaller network or smaller images")
    half = max(MULTIPLE, micro_batch // 2 // MULTIPLE * MULTIPLE)
    print(f"out of memory: micro-batch halved to {half}", flush=True)
    return half


def _multiple(micro_batch: int) -> int:
    """What the rows of a call are a multiple of, so that a row's bits do not depend on how many there are."""
    return MULTIPLE if torch.get_num_threads().bit_count() == 1 else micro_batch


def _rows(queue: Iterable) -> int:
    return sum(stop - start for _, start, stop in queue)


def _take(queue: deque, size: int) -> list:
    """At most `size` rows from the head of the queue, the last question split where it does not fit; or one asked alone."""
    if queue[0][0].ask.alone:
        return [queue.popleft()]
    batch, free = [], size
    while queue and free and not queue[0][0].ask.alone:
        walker, start, stop = queue.popleft()
        if stop - start > free:
            queue.appendleft((walker, start + free, stop))
            stop = start + free
        batch.append((walker, start, stop))
        free -= stop - start
    return batch


def _evaluate(batch: list, evaluate: Callable, multiple: int, rule: Hashable) -> list[Answer]:
    """The rule at one micro-batch, padded to a multiple of rows, cut into an answer for each piece."""
    parts = [walker.ask.points[start:stop] for walker, start, stop in batch]
    padding = -sum(len(part) for part in parts) % multiple
    if padding:
        parts.append(parts[0].new_zeros(padding, *parts[0].shape[1:]))
    points = torch.cat(parts)
    first = batch[0][0].ask.target
    rows = isinstance(first, Tensor) and first.ndim == 2
    target = first.new_zeros(len(points), first.shape[1]) if rows else torch.zeros(len(points), dtype=torch.long)
    at = 0
    for walker, start, stop in batch:
        wanted = walker.ask.target
        target[at : at + stop - start] = wanted[start:stop] if isinstance(wanted, Tensor) else wanted
        at += stop - start
    answer = evaluate(points, target.to(points.device), rule)
    suspect = not all_finite(answer.logits, answer.gradient)
    answers, at = [], 0
    for _, start, stop in batch:
        piece = slice(at, at + stop - start)
        answers.append(Answer(*(None if part is None else part[piece] for part in (answer.logits, answer.gradient)), suspect))
        at = piece.stop
    return answers


def _join(pieces: list[Answer]) -> Answer:
    if len(pieces) == 1:
        return pieces[0]
    logits, gradients = [piece.logits for piece in pieces], [piece.gradient for piece in pieces]
    suspect = any(piece.suspect for piece in pieces)
    return Answer(*(None if parts[0] is None else torch.cat(parts) for parts in (logits, gradients)), suspect)
