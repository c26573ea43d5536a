"""The notebook: its cells run in order, in the public names alone, and what is stored of them names no machine."""

import json
import re

import pytest

from helpers import REPOSITORY
from pathattr import tour
from pathattr.judging import VERDICTS

NOTEBOOK = json.loads((REPOSITORY / "docs" / "tour.ipynb").read_text())
PUBLIC = {"pathattr", "pathattr.judging", "pathattr.dataset.digits"}


def code_of(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def text_of(outputs: list[dict]) -> str:
    return "".join("".join(one.get("text", [])) + "".join(one.get("data", {}).get("text/plain", [])) for one in outputs)


def shape_of(outputs: list[dict]) -> str:
    """What is shown, but for the numbers, which differ between machines, and the words that hang on them."""
    kinds = [[one["output_type"], *one.get("data", {})] for one in outputs]
    return json.dumps(kinds) + re.sub(rf"[-+\d. ]+|\n|open|for|against|{'|'.join(VERDICTS)}", "", text_of(outputs))


def test_the_notebook_is_ten_cells_of_public_names():
    code = ["".join(cell["source"]) for cell in code_of(NOTEBOOK)]
    assert len(code) == 10
    named = re.findall(r"^(?:import|from) (pathattr[\w.]*)", "\n".join(code), re.MULTILINE)
    assert set(named) <= PUBLIC
    assert not re.search(r"\b_\w|\._", re.sub(r"for _ in", "", "\n".join(code)))


def test_the_notebook_runs_and_shows_what_is_stored():
    found = tour.run(NOTEBOOK)
    for now, stored in zip(code_of(found), code_of(NOTEBOOK), strict=True):
        assert shape_of(now["outputs"]) == shape_of(stored["outputs"]), "run: make tour"
    text = "".join(text_of(cell["outputs"]) for cell in code_of(found))
    assert any(f"random maps: {word} (" in text for word in VERDICTS)
    assert float(re.search(r"\nrandom +(\S+)", text)[1]) < float(re.search(r"\neg +(\S+)", text)[1])  # DiffID


def test_what_is_stored_is_small_and_names_no_machine():
    text = (REPOSITORY / "docs" / "tour.ipynb").read_text()
    assert len(text) < 150_000
    assert not re.search(r"/(home|tmp|root|work|usr)/|site-packages|0x[0-9a-f]{6}", text)


def test_an_error_in_a_cell_is_not_hidden():
    cell = {"cell_type": "code", "source": ["1 / 0"], "outputs": []}
    with pytest.raises(ZeroDivisionError):
        tour.run({"cells": [cell]})
