"""The reference of methods: what is committed is what the registry gives."""

import pathattr
from helpers import REPOSITORY
from pathattr import document

DESIGN = {
    "lpi",
    "deeplift",
    "ig2",
    "ig",
    "attexplore",
    "credible",
    "perturbation_patch",
    "smoothgrad",
    "big",
    "random",
    "ig_sq",
    "ig_gaussian",
    "inputgrad",
    "gig",
    "la",
    "ig_uniform",
    "agi",
    "lrp_epsilon",
    "eg",
    "fig",
    "ig3",
    "gradient_x_input",
    "ig_sg",
    "ig_average",
    "mfaba",
    "fullgrad",
    "perturbation_1",
    "ig1",
    "rise",
}  # the names that stay stable


def test_the_page_is_up_to_date():
    assert (REPOSITORY / "docs" / "methods.md").read_text() == document.methods(), "run: make docs"


def test_every_method_has_a_section_with_its_parameters():
    page = document.methods()
    for _, row in pathattr.methods().iterrows():
        assert f"\n## {row['name'].partition(':')[0]}\n" in page
        assert all(f"`{name}` = " in page for name, default in row["parameters"].items() if not isinstance(default, type))


def test_all_methods_of_the_design_are_there_with_cost_and_source():
    table = pathattr.methods().set_index("name")
    assert DESIGN | {"captum:CLASS"} == set(table.index)
    assert (table[["paper", "equation", "gradients"]].map(len) > 0).all(axis=None)


def test_defaults_say_where_they_come_from():
    for _, row in pathattr.methods().iterrows():
        numbers = [value for value in row["parameters"].values() if isinstance(value, int | float) and not isinstance(value, bool)]
        assert not numbers or row["defaults"], row["name"]
