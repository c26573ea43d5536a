"""Micro-batches filled across images."""

import threading
import weakref
from functools import partial

import pytest
import torch
from torch import nn

from pathattr import Classifier, attribute
from pathattr.api import attributed
from pathattr.batching import AHEAD, BUNCH, GRADIENT, LOGITS, Answer, Ask, run
from pathattr.integrate import evaluate
from pathattr.memory import Peak

from .helpers import assert_same_maps, refused


class Network:
    """Sums and squares of the points, with a record of every call: (points, target, rule). A gradient is 2, 3 or 4 points."""

    TIMES = {GRADIENT: 2, "loss": 3}  # another rule: 4

    def __init__(self, largest: int | None = None):
        self.largest, self.calls = largest, []

    def __call__(self, points, target, rule):
        if self.largest is not None and len(points) > self.largest:
            raise torch.cuda.OutOfMemoryError("simulated")
        self.calls.append((points.clone(), target.clone(), rule))
        total = points.flatten(1).sum(1)
        gradient = None if rule == LOGITS else self.TIMES.get(rule, 4) * points
        return Answer(torch.stack([total, total**2, target.double()], 1), gradient)


def numbered(start: int, count: int) -> torch.Tensor:
    """Points (count, 1, 1, 2) that tell themselves apart."""
    return torch.arange(2 * start, 2 * (start + count), dtype=torch.float64).view(count, 1, 1, 2) + 1


def asking(*asks: Ask):
    """A generator that asks these questions and returns the answers."""
    answers = []
    for ask in asks:
        answers.append((yield ask))
    return answers


def check(ask: Ask, answer: Answer):
    total = ask.points.flatten(1).sum(1)
    target = torch.as_tensor(ask.target).expand(len(total)).double()
    assert torch.equal(answer.logits, torch.stack([total, total**2, target], 1))
    if ask.rule == LOGITS:
        assert answer.gradient is None
    else:
        assert torch.equal(answer.gradient, Network.TIMES.get(ask.rule, 4) * ask.points)


@pytest.mark.parametrize("largest", [None, 32, 16], ids=["fits", "halved once", "halved to 16"])
@pytest.mark.parametrize("sizes", [[1], [16], [5, 40, 3], [100], [7] * 11, [64, 1, 64]], ids=str)
def test_each_image_gets_its_own_answers(sizes, largest):
    questions = []
    for number, size in enumerate(sizes):
        whole, start = Ask(numbered(100 * number, size), target=number), 100 * number + 50
        each = Ask(numbered(start, size), target=torch.arange(size) % 3, rule=LOGITS)
        questions.append((whole, each, Ask(numbered(start, 2), target=1), Ask(numbered(start, 3), rule="loss")))
    network = Network(largest)
    found = dict(run((asking(*asks) for asks in questions), network, 64))
    assert sorted(found) == list(range(len(sizes)))
    for number, asks in enumerate(questions):
        for ask, answer in zip(asks, found[number], strict=True):
            check(ask, answer)


@pytest.mark.parametrize("micro_batch, lengths", [(16, [16, 16, 16]), (32, [32, 16]), (48, [48]), (64, [48])], ids=str)
def test_every_call_is_a_multiple_of_16_the_last_one_padded_with_zeros(micro_batch, lengths):
    network = Network()
    list(run([asking(Ask(numbered(0, 37)))], network, micro_batch))
    assert [len(points) for points, _, _ in network.calls] == lengths
    together = torch.cat([points for points, _, _ in network.calls])
    assert torch.equal(together[:37], numbered(0, 37)) and (together[37:] == 0).all()


def test_questions_of_many_images_share_a_call():
    network = Network()
    list(run([asking(Ask(numbered(number, 1))) for number in range(48)], network, 16))
    assert len(network.calls) == 3
    assert torch.equal(network.calls[0][0], numbered(0, 16))


def own_rule():
    """A rule of a method's own: `Network` knows it by its identity only."""


RULES = (GRADIENT, LOGITS, "loss", own_rule)


def test_questions_of_different_rules_never_share_a_call():
    network = Network()
    asks = [Ask(numbered(4 * number, 4), target=number % 4, rule=RULES[number % 4]) for number in range(16)]
    found = dict(run([asking(ask) for ask in asks], network, 16))
    assert sorted(str(rule) for _, _, rule in network.calls) == sorted(map(str, RULES))
    for _, target, rule in network.calls:
        assert (target == RULES.index(rule)).all()
    for number, ask in enumerate(asks):
        check(ask, found[number][0])


def test_an_image_may_go_from_rule_to_rule_while_others_wait():
    """Each at its own pace; whatever is asked last is answered, with fewer points than fill a call."""
    asks = [[Ask(numbered(20 * n + 5 * k, 1 + (n + k) % 5), rule=RULES[(n + k) % 4]) for k in range(n % 7)] for n in range(20)]
    found = dict(run([asking(*questions) for questions in asks], Network(), 32))
    for number, questions in enumerate(asks):
        assert len(found[number]) == len(questions)
        for ask, answer in zip(questions, found[number], strict=True):
            check(ask, answer)


@pytest.mark.parametrize("size", [1, 5, 100])
def test_a_question_to_be_asked_alone_is_neither_padded_nor_cut_nor_joined(size):
    network = Network()
    asks = [Ask(numbered(200 * number, size), target=number, rule=own_rule, alone=True) for number in range(3)]
    found = dict(run([asking(ask) for ask in asks], network, 32))
    assert len(network.calls) == 3
    for ask, (points, target, _) in zip(asks, network.calls, strict=True):
        assert torch.equal(points, ask.points) and (target == ask.target).all()
    for number, ask in enumerate(asks):
        check(ask, found[number][0])


@pytest.mark.parametrize("order", [(True, False), (False, True), (False, True, False, True, True, False)], ids=str)
def test_alone_holds_also_beside_others_of_the_same_rule(order):
    network = Network()
    asks = [Ask(numbered(10 * number, 3), target=number, alone=alone) for number, alone in enumerate(order)]
    found = dict(run([asking(ask) for ask in asks], network, 16))
    lonely = [target.tolist() for points, target, _ in network.calls if len(points) == 3]
    assert sorted(lonely) == [[number] * 3 for number, alone in enumerate(order) if alone]
    for number, ask in enumerate(asks):
        check(ask, found[number][0])


def test_a_question_to_be_asked_alone_is_asked_before_more_images_are_begun():
    begun = []

    def image(number):
        begun.append(number)
        yield Ask(numbered(number, 1), rule=own_rule, alone=True)

    next(run((image(number) for number in range(100)), Network(), 16))
    assert begun == [0]


def test_running_out_of_memory_with_a_question_alone_ends_the_run():
    """It cannot be asked in parts."""
    with refused("out of memory with 20 points", "accepted"):
        list(run([asking(Ask(numbered(0, 20), alone=True))], Network(largest=16), 64))


def test_running_out_of_memory_halves_for_every_rule(capsys):
    network = Network(largest=16)
    asks = [Ask(numbered(50 * number, 40), rule=rule) for number, rule in enumerate(RULES)]
    found = dict(run([asking(ask) for ask in asks], network, 64))
    for number, ask in enumerate(asks):
        check(ask, found[number][0])
    assert {len(points) for points, _, _ in network.calls} == {16}
    assert capsys.readouterr().out.count("halved") == 2


def test_images_are_begun_only_as_they_are_needed():
    begun = []

    def image(number):
        begun.append(number)
        yield Ask(numbered(number, 8))

    finished = run((image(number) for number in range(100)), Network(), 16)
    next(finished)
    assert len(begun) <= BUNCH * 16 // 8


def test_an_image_that_asks_nothing_is_done_at_once():
    assert list(run([asking()], Network(), 16)) == [(0, [])]


def test_no_images_no_calls():
    network = Network()
    assert list(run([], network, 16)) == [] and network.calls == []


@pytest.mark.parametrize("size", [0, 8, 17, 24, -16])
def test_sizes_that_are_no_multiple_of_16_are_refused(size):
    with refused(f"micro_batch is {size}", "multiple of 16"):
        list(run([], Network(), size))


@pytest.mark.parametrize("size, largest, expected", [(64, 16, 16), (64, 63, 32), (48, 47, 16), (80, 60, 32), (96, 50, 48)])
def test_running_out_of_memory_halves_the_micro_batch_to_a_multiple_of_16(size, largest, expected, capsys):
    network, ask = Network(largest), Ask(numbered(0, 100))
    ((_, (answer,)),) = run([asking(ask)], network, size)
    check(ask, answer)
    *others, last = (len(points) for points, _, _ in network.calls)
    assert set(others) == {expected} and last <= expected and last % 16 == 0
    assert f"halved to {expected}" in capsys.readouterr().out


def test_running_out_of_memory_at_16_ends_the_run():
    with refused("out of memory with 16 points", "accepted"):
        list(run([asking(Ask(numbered(0, 3)))], Network(largest=8), 64))


def too_much(rows: int):
    """What torch itself raises where the machine has not as much memory as 4 PB."""
    torch.empty(2**50)


def gpu_full(rows: int):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


def python_full(rows: int):
    raise MemoryError


def _fails_above(most: int, fail, network):
    """The network as a module that runs out of memory above so many rows, and remembers how many it had."""

    class Failing(nn.Module):
        rows: list[int] = []

        def forward(self, x):
            if len(x) > most:
                fail(len(x))
            self.rows.append(len(x))
            return network(x)

    return Failing()


@pytest.mark.parametrize("fail", [too_much, gpu_full, python_full])
def test_a_method_that_runs_out_of_memory_gives_the_same_maps_bit_for_bit(fail, standin, capsys):
    """In the network's forward pass, above 32 rows, whatever way memory runs out; one line says so."""
    plain = standin.classifier
    failing = _fails_above(32, fail, plain.module)
    classifier = Classifier(failing, plain.mean.flatten().tolist(), plain.std.flatten().tolist(), fold_batch_norm=False)
    unfolded = Classifier(plain.module, plain.mean.flatten().tolist(), plain.std.flatten().tolist(), fold_batch_norm=False)
    given = dict(ids=standin.ids, background=standin.background, references=40)
    expected = attribute("eg", unfolded, standin.x, standin.target, micro_batch=32, **given)
    assert classifier.classes(standin.x[0]) == 10  # tries it at few points, whatever the micro-batch
    failing.rows.clear(), capsys.readouterr()
    assert_same_maps(attribute("eg", classifier, standin.x, standin.target, micro_batch=128, **given), expected)
    assert set(failing.rows) == {32}
    assert capsys.readouterr().out.splitlines() == [f"out of memory: micro-batch halved to {size}" for size in (64, 32)]


def test_an_error_that_is_not_of_memory_is_raised_as_it_is():
    def broken(points, target, rule):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        list(run([asking(Ask(numbered(0, 3)))], broken, 64))


def test_what_a_call_held_is_let_go_before_the_smaller_one():
    """Else the smaller call would have to fit beside it."""
    held, alive = [], []

    def failing(points, target, rule):
        alive.append(sum(one() is not None for one in held))
        held.append(weakref.ref(points))
        if len(points) > 16:
            gpu_full(len(points))
        return Answer(points.flatten(1), None)

    list(run([asking(Ask(numbered(0, 64)))], failing, 64))
    assert alive[:3] == [0, 0, 0]


def test_out_of_memory_does_not_change_a_gradient(standin):
    """The classifier itself, failing above 16 points: bit for bit what the smaller micro-batch gives."""
    whole = partial(evaluate, standin.classifier, "logit")

    def failing(points, target, rule):
        if len(points) > 16:
            raise torch.cuda.OutOfMemoryError("simulated")
        return whole(points, target, rule)

    asks = [Ask(x[None], target) for x, target in zip(standin.x, standin.target, strict=True)]
    plain, halved = (dict(run(map(asking, asks), call, 64)) for call in (whole, failing))
    for number in range(len(asks)):
        assert torch.equal(plain[number][0].gradient, halved[number][0].gradient)
        assert torch.equal(plain[number][0].logits, halved[number][0].logits)


def test_threads_take_the_first_steps_of_the_next_few_and_change_nothing():
    """In order, no more than those few before they are needed, and nothing but the first step."""
    begun, where = [], []

    def image(number):
        begun.append(number)
        where.append(threading.get_ident())
        first = yield Ask(numbered(number, 5 + number % 3), target=number)
        where.append(threading.get_ident())
        return [first, (yield Ask(numbered(number + 50, 20), rule="loss"))]

    expected = dict(run((image(number) for number in range(40)), Network(), 16))
    begun.clear(), where.clear()
    finished = run((image(number) for number in range(40)), Network(), 16, threads=2)
    first = next(finished)
    assert len(begun) <= BUNCH * 4 + AHEAD + 1
    found = dict([first, *finished])
    assert sorted(begun) == list(range(40)) and list(found) == list(expected)
    assert where.count(threading.get_ident()) == 40
    for number in range(40):
        for one, other in zip(found[number], expected[number], strict=True):
            assert torch.equal(one.logits, other.logits) and torch.equal(one.gradient, other.gradient)


def test_what_a_first_step_raises_in_a_thread_comes_out():
    def broken():
        raise ValueError("no such file")
        yield

    with pytest.raises(ValueError, match="no such file"):
        list(run([asking(Ask(numbered(0, 3))), broken()], Network(), 16, threads=2))
    assert list(run([asking()] * 1 + [asking()], Network(), 16, threads=2)) == [(0, []), (1, [])]


class Lazy:
    """Images that exist only when they are asked for."""

    def __init__(self, count: int):
        self.count, self.asked = count, []

    def __len__(self):
        return self.count

    def __getitem__(self, number: int):
        if number >= self.count:
            raise IndexError(number)
        self.asked.append(number)
        return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(number))


def test_memory_does_not_grow_with_the_number_of_images(resnet_small):
    """Counted, of all tensors that are made: 4 times the images take what some take."""
    peaks = []
    for count in (32, 128):
        with Peak() as peak:
            for _ in attributed("eg", resnet_small.classifier, Lazy(count), [0] * count, background=Lazy(500), references=8):
                pass
        peaks.append(peak.bytes)
    assert peaks[1] < 1.05 * peaks[0], peaks


def test_images_read_one_by_one_give_the_maps_of_a_tensor(resnet_small):
    lazy = Lazy(20)
    whole = torch.stack([lazy[number] for number in range(20)])
    given = dict(background=resnet_small.background, references=4)
    expected = attribute("eg", resnet_small.classifier, whole, [1] * 20, **given)
    assert_same_maps(attribute("eg", resnet_small.classifier, lazy, [1] * 20, threads=2, **given), expected)


def test_a_bad_image_is_refused_when_it_is_read(resnet_small):
    bad = [torch.rand(3, 32, 32) for _ in range(4)]
    bad[3] = bad[3] + 1
    with refused("pixels lie in 1", "0 to 1"):
        attribute("inputgrad", resnet_small.classifier, Sequence(bad), [0] * 4)


class Sequence:
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, number):
        return self.items[number]
