"""Pins, environments, schema, README: that what is said in two places agrees."""

import ast
import json
import re
import subprocess
import sys

import pytest
import yaml

from helpers import DISTRIBUTIONS, REPOSITORY


def pins(path) -> dict[str, str]:
    """Package -> version of a requirements file."""
    found = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", path.read_text(), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


@pytest.mark.parametrize("environment", sorted((REPOSITORY / "envs").glob("*.yaml")), ids=lambda path: path.name)
def test_environment_pins_equal_the_requirements(environment):
    required = pins(REPOSITORY / "requirements.txt")
    dependencies = yaml.safe_load(environment.read_text())["dependencies"]
    listed = next(entry["pip"] for entry in dependencies if isinstance(entry, dict))
    assert listed
    for pin in listed:
        name, _, version = pin.partition("==")
        assert required[name.lower()] == version, pin


def test_nothing_is_pinned_twice():
    lists = [set(pins(REPOSITORY / f"requirements{suffix}.txt")) for suffix in ("", "-dev", "-lock")]
    assert not lists[0] & lists[1] and not lists[0] & lists[2] and not lists[1] & lists[2]


def test_installed_versions_are_the_pinned_ones():
    listed = subprocess.run([sys.executable, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=True)
    installed = {entry["name"].lower().replace("_", "-"): entry["version"] for entry in json.loads(listed.stdout)}
    for name, version in pins(REPOSITORY / "requirements.txt").items():
        assert installed[name].partition("+")[0] == version, name


def test_every_rule_names_an_environment_that_exists():
    for path in (REPOSITORY / "rules").rglob("*.smk"):
        rules = re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]
        for rule in rules:
            if "script:" not in rule:
                continue
            name = rule.split(":")[0]
            for directive in ("conda:", "log:", "threads:", "resources:", "mem_mb=needs.memory(", "runtime=needs.minutes("):
                assert directive in rule, f"{name} lacks {directive}"
            assert "benchmark:" in rule or name == "benchmark", f"{name} lacks benchmark:"
            (environment,) = re.findall(r'conda:\s+"([^"]+)"', rule)
            assert (path.parent / environment).resolve().is_file(), f"{name}: {environment}"
            (script,) = re.findall(r'script:\s+"([^"]+)"', rule)
            assert (path.parent / script).resolve() == REPOSITORY / "scripts" / f"{name}.py"
            assert f"results/logs/{name}" in rule, f"{name}: its log has another name"


def test_profiles_share_no_key():
    """The workflow profile wins and replaces whole keys, so a key in both would vanish from one."""
    profiles = [yaml.safe_load((REPOSITORY / name / "config.yaml").read_text()) for name in ("slurm", "profiles/default")]
    assert not set(profiles[0]) & set(profiles[1])


FUNCTIONS = ("datasets.*", "methods.*", "metrics.*", "models.*.training", "papers.*.artefacts.*", "papers.*.claims.*")
OPEN = {f"config.{key}" for key in FUNCTIONS}  # the other keys are the registered functions' own


def described(schema: dict, path: str = "config"):
    """Keys of a schema that nobody described, and mappings that are open by oversight."""
    for key, part in schema.get("properties", {}).items():
        if "$ref" not in part and not part.get("description") and "properties" not in part and "additionalProperties" not in part:
            yield f"{path}.{key} has no description"
        yield from described(part, f"{path}.{key}")
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        yield from described(extra, f"{path}.*")
    if "properties" in schema and extra is None and path not in OPEN:
        yield f"{path} is open"


def test_schema_is_closed_and_described():
    schema = yaml.safe_load((REPOSITORY / "resources" / "config.schema.yaml").read_text())
    assert list(described(schema)) == []


def test_overlays_hold_differences_only():
    base = yaml.safe_load((REPOSITORY / "config.yaml").read_text())

    def repeated(overlay, under, path=""):
        for key, value in overlay.items():
            if isinstance(value, dict) and isinstance(under.get(key), dict):
                yield from repeated(value, under[key], f"{path}{key}.")
            elif key in under and under[key] == value:
                yield path + key

    for overlay in (REPOSITORY / "config").glob("*.yaml"):
        assert list(repeated(yaml.safe_load(overlay.read_text()), base)) == [], overlay.name


def test_readme_example_runs(tmp_path):
    """The README's block of the library, word for word, with the library on the path."""
    (example,) = re.findall(
        r"```python\n(import torch\nimport pathattr as pa\n.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL
    )
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY / "scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "diffid_output_auc" in done.stdout


def test_every_deviation_names_tests_that_exist():
    rows = [line for line in (REPOSITORY / "docs" / "deviations.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 40
    there = {path.name for path in (REPOSITORY / "tests").rglob("test_*.py")}
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 7, row
        named = re.findall(r"test_\w+\.py", cells[6])
        assert named and set(named) <= there, row


def imported(path, seen) -> set[str]:
    """Packages outside the library that are imported when the file at `path` is, itself or through the library."""
    if path in seen:
        return set()
    seen.add(path)
    library, found = REPOSITORY / "scripts" / "pathattr", set()
    tree = ast.parse(path.read_text())
    blocks = [tree.body] + [node.body for node in tree.body if isinstance(node, ast.With)]
    for node in [node for block in blocks for node in block]:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            inside = node.level or node.module.split(".")[0] == "pathattr"
            if inside:
                base = path.parents[node.level - 1] if node.level else REPOSITORY / "scripts"
                stem = base.joinpath(*(node.module or "").split("."))
                for file in [stem.with_suffix(".py"), stem / "__init__.py", *(stem / f"{alias.name}.py" for alias in node.names)]:
                    found |= imported(file, seen) if file.is_file() and library in file.parents else set()
            else:
                names = [node.module]
        found |= {name.split(".")[0] for name in names}
    return found - {"pathattr"} - sys.stdlib_module_names


def test_an_environment_has_what_its_rules_import():
    checked = 0
    for path in (REPOSITORY / "rules").rglob("*.smk"):
        for rule in re.split(r"^rule ", path.read_text(), flags=re.MULTILINE)[1:]:
            if "script:" not in rule:
                continue
            name, (environment,) = rule.split(":")[0], re.findall(r'conda:\s+"([^"]+)"', rule)
            dependencies = yaml.safe_load((path.parent / environment).resolve().read_text())["dependencies"]
            there = {pin.partition("==")[0].lower() for entry in dependencies if isinstance(entry, dict) for pin in entry["pip"]}
            needed = {DISTRIBUTIONS.get(one, one).lower() for one in imported(REPOSITORY / "scripts" / f"{name}.py", set())}
            assert needed <= there, f"{name} imports {sorted(needed - there)}, which {environment} lacks"
            checked += bool(needed)
    assert checked > 10
