"""Run a notebook's code in order and keep what it shows: `make tour`. Text and small pictures, and nothing of the machine."""

import ast
import base64
import contextlib
import io
import json
import sys
from pathlib import Path


def run(notebook: dict) -> dict:
    """The same notebook with the outputs of its code cells: what they print, the value of their last line unless it ends
    with a semicolon, their figures.

    Cells share their names, and see them as in a notebook. An error in one is raised.
    """
    names, cells = {"__name__": "__main__"}, []
    _figures()  # none of somebody else's
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            outputs = _shown("".join(cell["source"]), names, f"cell {number}")
            cell = cell | {"outputs": outputs, "execution_count": sum(one["cell_type"] == "code" for one in cells) + 1}
        cells.append(cell)
    return notebook | {"cells": cells}


def _shown(code: str, names: dict, where: str) -> list[dict]:
    tree, printed = ast.parse(code, where), io.StringIO()
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, where, "exec"), names)
        value = eval(compile(ast.Expression(last.value), where, "eval"), names) if last else None
    outputs = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.getvalue().splitlines(keepends=True)})
    for picture in _figures():
        outputs.append({"output_type": "display_data", "data": {"image/png": picture}, "metadata": {}})
    if value is not None and not code.rstrip().endswith(";"):
        text = (value.to_string() if hasattr(value, "to_string") else repr(value)).splitlines(keepends=True)
        outputs.append({"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}})
    return outputs


def _figures() -> list[str]:
    """The open figures as PNG in base64; they are closed."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    pictures = []
    for number in plt.get_fignums():
        buffer = io.BytesIO()
        plt.figure(number).savefig(buffer, dpi=72, metadata={"Software": None})
        pictures.append(base64.b64encode(buffer.getvalue()).decode())
    plt.close("all")
    return pictures


def main():
    """`python -m pathattr.tour NOTEBOOK`: run it and write it back."""
    path = Path(sys.argv[1])
    path.write_text(json.dumps(run(json.loads(path.read_text())), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
