"""The pages that come of the configuration, the registry and a committed run's verdicts; `make docs` writes them. No torch.

`python -m pathattr.pages --costs results/claims.json` takes what each claim took from a finished run into `resources/reference/`.

What does not change stands in `resources/pages/`, with fields to be filled in; what only people can say, in
`resources/artifact.yaml`.
"""

import argparse
import csv
import json
import sys
from pathlib import Path
from textwrap import fill

from . import keys, source
from .compare import OPPOSITE
from .errors import InputError
from .files import replacing
from .keys import cell, paragraphs
from .plan import Plan, planned
from .strict import read_yaml

ROOT = source.LIBRARY.parents[1]
REFERENCE = "resources/reference"  # of a whole run: claims.csv, its verdicts; costs.csv, what each takes alone; about.json, on what
THRICE = f"{REFERENCE}/three-trainings"  # of a run of config/three-trainings.yaml: the same without tables and costs
COSTS = ("jobs", "seconds", "megabytes")
GENERATED = (
    "Generated from `config.yaml`, `resources/artifact.yaml` and [deviations.md](../deviations.md) by `make docs`; a test "
    "compares. [All papers](../index.md)."
)
SMALL, SMALL_TRAINED = "lpi.e1", "recalibration.c8"  # the smallest examples, without a network and with two

NOUNS = {  # registered kind -> what it is, where the configuration names one
    "dataset": ("images, labels, masks", "`datasets`"),
    "model": ("an architecture", "`models`"),
    "training": ("how weights come about", "`models.NAME.training`"),
    "baseline": ("an image's own references", "`methods.NAME.baseline`"),
    "method": ("a map of an image, from gradients", "`methods`"),
    "metric": ("numbers of a map", "`metrics`"),
    "artefact": ("a kind of figure or table", "`papers.NAME.artefacts`"),
    "claim": ("a comparison that judges", "`papers.NAME.claims`"),
}
PLACES = {  # what one looks for -> files
    "the only backward pass": ["scripts/pathattr/integrate.py"],
    "micro-batches of all images' points": ["scripts/pathattr/batching.py"],
    "pixels in, logits out; what a network must be": ["scripts/pathattr/model/classifier.py", "scripts/pathattr/model/contract.py"],
    "what registering is, and what is registered": ["scripts/pathattr/registry.py", "scripts/pathattr/source.py"],
    "which values a parameter may have": ["scripts/pathattr/values.py"],
    "keys of the configuration, and its checks": [
        "resources/config.schema.yaml",
        "scripts/pathattr/config.py",
        "scripts/pathattr/entries.py",
        "scripts/pathattr/uses.py",
    ],
    "files laid over one another, `like`, what is dropped": ["scripts/pathattr/overlay.py"],
    "names resolved": ["scripts/pathattr/study.py"],
    "paths, digests, inputs of every job": ["scripts/pathattr/plan.py"],
    "memory and minutes of a job": ["scripts/pathattr/resources.py"],
    "the frame of every rule's script": ["scripts/pathattr/job.py"],
    "writing, reading, refusing; seals": ["scripts/pathattr/store.py", "scripts/pathattr/files.py", "scripts/pathattr/seal.py"],
    "one run a folder, what killed ones left": ["scripts/pathattr/run.py", "scripts/pathattr/owner.py"],
    "intervals and verdicts": ["scripts/pathattr/judging.py"],
    "what is left out where a method does not apply": ["scripts/pathattr/gaps.py"],
    "what things are called in figures": ["scripts/pathattr/plot/names.py"],
    "the papers' printed numbers": ["resources/reported"],
    "the public API": ["scripts/pathattr/api.py"],
    "generated pages": [
        "scripts/pathattr/pages.py",
        "scripts/pathattr/keys.py",
        "scripts/pathattr/document.py",
        "scripts/pathattr/cost.py",
    ],
}


class Pages:
    """What the pages are made of: the plan of `config.yaml` in the repository at `root`, and what is committed beside it."""

    def __init__(self, root=ROOT):
        self.root = Path(root)
        self.plan: Plan = planned([], self.root)
        self.notes = read_yaml(self.root / "resources" / "artifact.yaml")
        self.reference, self.thrice = reference(self.root / REFERENCE), reference(self.root / THRICE)
        self.papers = {name: paper for name, paper in self.plan.config["papers"].items() if self.plan.claims_of(name)}
        self.cited = {one["title"]: one for one in read_yaml(self.root / "CITATION.cff")["references"]}

    def all(self) -> dict[str, str]:
        """Path below the root -> text, of every page that this module makes."""
        own = {f"docs/papers/{name}.md": self.paper(name) for name in self.papers}
        return {"config/README.md": keys.page(self.root), "ARTIFACT.md": self.artifact(), "docs/index.md": self.index()} | own

    def _template(self, name: str) -> str:
        return (self.root / "resources" / "pages" / name).read_text(encoding="utf-8")

    # --- ARTIFACT.md --------------------------------------------------------------------------------------------------

    def artifact(self) -> str:
        claims = [f"{paper}.{name}" for paper in self.papers for name in self.plan.claims_of(paper)]
        rows = []
        for name, paper in self.papers.items():
            counts = [len(self.plan.claims_of(name)), *(len(self.plan.artefacts_of(name, table)) for table in (False, True))]
            rows.append([f"[{paper['title']}](docs/papers/{name}.md)", *counts, self._counted(name)])
        megabytes = [float(row["megabytes"]) for row in self.reference.values() if row.get("megabytes")]
        pins = [line.split("==") for line in (self.root / "requirements.txt").read_text().splitlines() if "==" in line]
        text = self._template("artifact.md").format(
            papers=len(self.papers),
            claims=len(claims),
            counted=about(self.root / REFERENCE)
            if self.reference
            else "No run's verdicts are committed (`resources/reference/`): `make` gives them.",
            table=table(["paper", "claims", "figures", "tables", "came out"], rows),
            python=_python(self.root),
            cores=f"{max(megabytes) / 1000:.1f} GB of memory a job, " if megabytes else "",
            pins=fill(", ".join(f"{name} {version}" for name, version in pins) + ".", 132),
            luck=f"\n- {luck}" if (luck := self.luck()) else "",
            small=self._small(SMALL),
            trained=self._small(SMALL_TRAINED),
            small_command=self.command(SMALL),
            trained_command=self.command(SMALL_TRAINED),
            small_file=f"results/claims/{SMALL}.json",
            measured=(
                "Minutes and memory are from the benchmark files of the reference run: the time of all jobs that the verdict hangs "
                "on, one after the other, and the most that one of them took."
                if self.reference
                else "*Jobs*: all that the verdict hangs on. What they take, a run says in `results/claims.html`."
            ),
            verdicts="\n\n".join(f"**{paper['title']}**\n\n{self._verdicts(name)}" for name, paper in self.papers.items()),
        )
        shown = ["### What the embedded default can show, and what it cannot", ""]
        for name, paper in self.papers.items():
            told = self.notes["papers"].get(name)
            if told:
                shown += [f"- **{paper['title']}.** *Can:* {told['shows']} *Cannot:* {told['cannot']}"]
        for word in ("easy", "hard"):
            shown += ["", f"## What was {word}", "", *(f"- {one}" for one in self.notes[word])]
        return text + "\n" + "\n".join(shown) + "\n"

    def _verdicts(self, paper: str) -> str:
        head = ["claim", "says", "decided by", "command", "jobs"] + ["verdict", "minutes", "GB"] * bool(self.reference)
        rows = []
        for name in self.plan.claims_of(paper):
            claim = f"{paper}.{name}"
            row = [name, self._drawn(claim).entry["says"], self._decided(claim), f"`{self.command(claim)}`", self._jobs(claim)]
            told = self.reference.get(claim, {})
            scaled = [(told.get("seconds"), 60), (told.get("megabytes"), 1000)]
            costs = [f"{float(value) / unit:.1f}" if value else "" for value, unit in scaled]
            rows.append(row + [told.get("verdict", "not in it"), *costs] * bool(self.reference))
        return table(head, rows)

    def command(self, claim: str) -> str:
        """What remakes the verdict on a claim alone."""
        return f"snakemake --cores all results/claims/{claim}.json"

    def _drawn(self, claim: str):
        paper, _, name = claim.partition(".")
        return self.plan.study.drawn[paper, "claims", name]

    def _jobs(self, claim: str) -> int:
        return len(self.plan.behind([self.plan.judge(*claim.split("."))]))

    def _decided(self, claim: str) -> str:
        """The comparison, and the tolerance, margin or limit that it has."""
        drawn = self._drawn(claim)
        bounds = [f"{key} {drawn.values[key]:g}" for key in ("tolerance", "margin", "limit") if drawn.values.get(key)]
        return ", ".join([f"`{drawn.known.name}`", *bounds])

    def _counted(self, paper: str) -> str:
        """Verdicts of the reference run, counted."""
        words = [row["verdict"] for name, row in self.reference.items() if name.partition(".")[0] == paper]
        return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(sorted(words)))

    def _small(self, claim: str) -> str:
        """Jobs of a small example, and their time in the reference run."""
        seconds = self.reference.get(claim, {}).get("seconds")
        return f"{self._jobs(claim)} jobs" + (f", {float(seconds):.0f} s in the reference run" if seconds else "")

    def counts(self) -> str:
        """The README's table of the reference run's verdicts: a row a paper, a column a verdict."""
        words = ["reproduced", "mixed", "undecided", "reversed", "holds", "does not hold"]
        rows = []
        for name, paper in self.papers.items():
            found = [row["verdict"] for claim, row in self.reference.items() if claim.partition(".")[0] == name]
            rows.append([f"[{paper['title']}](docs/papers/{name}.md)", len(found), *(found.count(word) for word in words)])
        return table(["paper", "claims", *words], rows)

    def luck(self) -> str:
        """How many verdicts are other ones where every network is trained three times, as README and ARTIFACT.md say it; "" without
        such a committed run."""
        if not self.thrice:
            return ""
        there = [claim for claim in self.reference if claim in self.thrice]
        pairs = {claim: (self.reference[claim]["verdict"], self.thrice[claim]["verdict"]) for claim in there}
        other = [claim for claim, (once, thrice) in pairs.items() if once != thrice]
        opposite = sum(set(pairs[claim]) in OPPOSITE for claim in other)
        named = f" ({', '.join(other)})" if other else ""
        return fill(
            f"With every network trained three times (`config/three-trainings.yaml`), where a comparison counts as decided only if "
            f"all three agree, {len(pairs) - len(other)} of {len(pairs)} verdicts are the same; {len(other)} are other ones"
            f"{named}, {opposite or 'none'} of them the opposite.",
            132,
            subsequent_indent="  ",
        )

    # --- docs/ --------------------------------------------------------------------------------------------------------

    def index(self) -> str:
        papers = [f"- [{paper['title']}](papers/{name}.md): {self._sizes(name)}" for name, paper in self.papers.items()]
        nouns = []
        for kind, (what, where) in NOUNS.items():
            registered = source.registered(kind)
            names = [name for name in sorted(registered) if not registered[name].facts.get("family")]
            known = f"{len(names)}: {', '.join(f'`{one}`' for one in names)}" if len(names) < 12 else str(len(names))
            known += "".join(f", and `{name}:CLASS`" for name in registered if name not in names)
            nouns.append([kind, what, known, f"[`{kind}/`](../scripts/pathattr/{kind})", where])
        places = [[what, ", ".join(f"[`{Path(one).name}`](../{one})" for one in files)] for what, files in PLACES.items()]
        return self._template("index.md").format(
            papers="\n".join(papers),
            count={8: "Eight"}.get(len(NOUNS), len(NOUNS)),
            nouns="\n".join(table([], nouns).splitlines()),
            places="\n".join(table([], places).splitlines()),
        )

    def _sizes(self, paper: str) -> str:
        counts = {"claim": len(self.plan.claims_of(paper))}
        counts |= {word: len(self.plan.artefacts_of(paper, flag)) for word, flag in (("figure", False), ("table", True))}
        return ", ".join(f"{count} {word}{'s' * (count != 1)}" for word, count in counts.items())

    def paper(self, name: str) -> str:
        """The page of one paper."""
        paper, told = self.papers[name], self.notes["papers"].get(name)
        lines = [
            f"# {paper['title']}",
            "",
            GENERATED,
            "",
        ]
        if told:
            lines += [f"{self._citation(told['cites'])}", "", f"**Can be shown here.** {told['shows']}", ""]
            lines += [f"**Cannot.** {told['cannot']}", ""]
        lines += ["```sh", f"snakemake --cores all {name}    # this paper alone", "```", "", "## Networks and data", ""]
        rows = []
        for key, model in paper["models"].items():
            entry = self.plan.config["models"][model]
            stands = paper.get("stands_for", {}).get(key, entry.get("stands_for", ""))
            rows.append(
                [f"`{key}`", f"`{model}`", stands, f"`{entry['dataset']}`", f"`{entry['architecture']}`, {_weights(entry)}"]
            )
        lines += [table(["in the paper's entries", "here", "in place of", "data set", "network"], rows), "", "## What it says", ""]
        lines += [self._says(name), ""]
        if self.reference:
            lines += ["## What came out", "", f"{about(self.root / REFERENCE)} Verdicts: {self._counted(name)}.", ""]
            lines += [*(f"- {one}" for one in (told or {}).get("found", [])), ""]
        lines += ["## What is drawn", ""]
        lines += [f"Files: `results/figures/{name}/ARTEFACT.pdf`, `.png`; `results/tables/{name}/ARTEFACT.csv`.", ""]
        for artefact in self.plan.artefacts_of(name):
            lines += [*self._artefact(name, artefact), ""]
        rows = deviations(self.root, name)
        lines += ["## Where it differs", "", f"Rows of [deviations.md](../deviations.md) that concern this paper, {len(rows)}.", ""]
        return "\n".join(lines + [table(["subject", "paper", "released code", "here", "what it changes"], rows)]) + "\n"

    def _says(self, paper: str) -> str:
        head = ["claim", "says", "where", "shown by", "decided by"] + ["came out"] * bool(self.reference)
        head += ["with three trainings"] * bool(self.thrice)
        rows = []
        for name in self.plan.claims_of(paper):
            drawn, told = self._drawn(f"{paper}.{name}"), self.reference.get(f"{paper}.{name}")
            shown = ", ".join(f"[{self.plan.title(paper, one)}](#{one})" for one in self.plan.study.cited(drawn))
            row = [
                f'<a id="claim-{name}"></a>{name}',
                drawn.entry["says"],
                drawn.entry["where"],
                shown,
                self._decided(f"{paper}.{name}"),
            ]
            row += [_outcome(told)] * bool(self.reference)
            rows.append(row + [_outcome(self.thrice.get(f"{paper}.{name}"))] * bool(self.thrice))
        return table(head, rows)

    def _artefact(self, paper: str, name: str) -> list[str]:
        drawn = self.plan.study.drawn[paper, "artefacts", name]
        claims = [one for one in self.plan.claims_of(paper) if name in self.plan.study.cited(self._drawn(f"{paper}.{one}"))]
        shows = f" Shows {', '.join(f'[{one}](#claim-{one})' for one in claims)}." if claims else ""
        kind = f"[`{drawn.known.name}`](../../config/README.md#{drawn.known.name})"
        lines = [
            f"### {name}",
            "",
            f"**{drawn.title}.** {'Table' if drawn.known.facts.get('table') else 'Figure'} of kind {kind}.{shows}",
            "",
        ]
        numbers = f"{REFERENCE}/tables/{paper}/{name}.csv"
        committed = ["", f"In the reference run: [{name}.csv](../../{numbers})."] if (self.root / numbers).is_file() else []
        return [*lines, paragraphs(self.plan.caption(drawn)), *committed]

    def _citation(self, title: str) -> str:
        one = self.cited[title]
        authors = ", ".join(f"{who['given-names']} {who['family-names']}" for who in one["authors"])
        return f"{authors}: *{title}*. {one['collection-title'] + ', ' if 'collection-title' in one else ''}{one['year']}."


def table(head: list, rows: list[list]) -> str:
    """A Markdown table; without a head, its rows alone."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in ([head] if head else []) + rows]
    return "\n".join(lines[:1] + ["|---" * len(head) + "|"] * bool(head) + lines[1:] if head else lines)


def reference(folder: Path) -> dict[str, dict]:
    """Claim, as paper.name -> its row of a committed run's verdicts, with what it took where that is there; {} without a run."""
    found = {}
    for name in ("claims.csv", "costs.csv"):
        if (folder / name).is_file():
            with (folder / name).open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    if name == "claims.csv" or row["claim"] in found:
                        found.setdefault(row["claim"], {}).update(row)
    return found


def about(folder: Path) -> str:
    """What a committed run ran on, in words."""
    if not (folder / "about.json").is_file():
        return ""
    told = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    machines = [
        "{processor}, {cores} cores, {memory_gb:g} GB, Python {python}, torch {versions[torch]}".format(**one)
        for one in told["machines"]
    ]
    return f"The reference run: {told['date']}, {'; '.join(machines)}."


def costs(claims: Path) -> str:
    """A run's claims.json as CSV: of each claim the jobs that it hangs on, their seconds, and the most megabytes that one took."""
    lines = [",".join(("claim", *COSTS))]
    for one in json.loads(Path(claims).read_text(encoding="utf-8"))["claims"]:
        lines.append(",".join(["{paper}.{id}".format(**one), *("" if one[key] is None else str(one[key]) for key in COSTS)]))
    return "\n".join(lines) + "\n"


def deviations(root: Path, paper: str) -> list[list[str]]:
    """Rows of docs/deviations.md that concern a paper: subject, paper, released code, here, what it changes."""
    rows = []
    for line in (Path(root) / "docs" / "deviations.md").read_text(encoding="utf-8").splitlines():
        cells = [one.strip() for one in line.strip("|").split("|")]
        if line.startswith("| ") and {paper, "all"} & set(cells[1].split()):
            rows.append([cells[0], *cells[2:6]])
    return rows


def _outcome(row: dict | None) -> str:
    """Verdict, mean and interval of a claim in the reference run."""
    if not row:
        return "not in the reference run"
    numbers = [float(row[key]) if row.get(key) else None for key in ("estimate", "low", "high")]
    interval = "" if None in numbers else ": {:.3g} [{:.3g}, {:.3g}]".format(*numbers)
    return f"**{row['verdict']}**{interval}"


def _weights(entry: dict) -> str:
    if "randomised" in entry:
        return f"top {entry['randomised']} blocks of `{entry['weights']}` randomised"
    return {"trained": "trained by the workflow", "published": "published weights"}.get(
        entry["weights"], f"weights of `{entry['weights']}`"
    )


def _python(root: Path) -> str:
    """The version of Python that the environments name."""
    (found,) = {
        one.partition("=")[2]
        for file in (root / "envs").glob("*.yaml")
        for one in read_yaml(file)["dependencies"]
        if isinstance(one, str) and one.startswith("python=")
    }
    return found


def main(arguments=None):
    """Write every page that differs from what is there, costs of a run first where asked for."""
    parser = argparse.ArgumentParser(prog="pathattr.pages", description="Write the generated pages.")
    parser.add_argument("--costs", help="claims.json of a finished run, whose costs become resources/reference/costs.csv")
    given = parser.parse_args(arguments)
    try:
        if given.costs:
            _write(f"{REFERENCE}/costs.csv", costs(given.costs))
        for name, text in Pages().all().items():
            _write(name, text)
    except (InputError, OSError, ValueError) as error:
        sys.exit(str(error))


def _write(name: str, text: str):
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
