"""The README's own method: one file with one function, and one config line, and it is everywhere."""

import re

import yaml

from helpers import REPOSITORY, copy_repository, planned, planned_outputs, snakemake

FILE = "scripts/pathattr/method/mine.py"


def example() -> tuple[str, str]:
    """The README's method file and its config line."""
    text = (REPOSITORY / "README.md").read_text()
    (code,) = re.findall(r"```python\n# scripts/pathattr/method/mine\.py\n(.*?)```", text, re.DOTALL)
    (lines,) = re.findall(r"```yaml\nmethods:\n(  halfway: .*?\n)```", text, re.DOTALL)
    return code, lines


def test_the_example_is_ten_lines_and_one():
    code, line = example()
    body = code[code.index("@method") :]
    assert len([row for row in body.splitlines() if row.strip()]) <= 10
    assert line.count("\n") == 1


def test_a_new_method_is_in_maps_scores_and_figures(tmp_path):
    folder = copy_repository(tmp_path / "repository")
    code, line = example()
    (folder / FILE).write_text(code)
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("methods:  ", f"methods:\n{line}  #", 1))
    assert "halfway" in yaml.safe_load(config.read_text())["methods"]
    outputs = planned_outputs(folder, "--configfile", "config/smoke.yaml")
    mine = [path for path in outputs if "/halfway/" in path]
    assert [path.split("/")[1] for path in sorted(mine)] == ["maps", "scores"]
    for figure in ("gallery", "scores"):
        target = f"results/figures/methods/{figure}.pdf"
        shown = snakemake(folder, "-n", "--quiet", "host", "--configfile", "config/smoke.yaml", "--", target).stdout
        inputs = re.findall(r"rule figure:\n\s+input: (.*)", shown)  # the gallery is in the order of the scores
        assert len(inputs) == 1 + (figure == "gallery") and all("/halfway/" in one for one in inputs)


def test_a_new_method_reruns_no_other(workbench):
    """After a finished run: its own maps and scores, and the figures that show it."""
    code, line = example()
    (workbench / FILE).write_text(code)
    config = workbench / "config.yaml"
    config.write_text(config.read_text().replace("methods:  ", f"methods:\n{line}  #", 1))
    jobs = planned(workbench, "--configfile", "config/smoke.yaml")
    assert jobs == {"attribute": 1, "measure": 1, "figure": 3, "all": 1}
    snakemake(workbench, "--configfile", "config/smoke.yaml")
    assert "halfway" in (workbench / "results/tables/methods/scores.csv").read_text()
    assert planned(workbench, "--configfile", "config/smoke.yaml") == {}
