"""ro-crate-metadata.json: what a package holds and how each result was made, in the terms of the Provenance Run Crate profile.

Every job is a `CreateAction`: its rule's script is the `instrument`, what it read the `object`, what it wrote the `result`, its
digest the `identifier`; seconds and megabytes are those of its benchmark file. The `@id` of a file that is named but not packed
begins with #. The context is written out beside its addresses: nothing need be fetched to know what a term means. No torch.
"""

import json
import mimetypes
from pathlib import Path

import yaml

from .errors import InputError
from .plan import ENVIRONMENTS, Plan

NAME = "ro-crate-metadata.json"
CRATE = "https://w3id.org/ro/crate/1.1"
WORKFLOW = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
SNAKEMAKE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    WORKFLOW: "Workflow RO-Crate",
}
SCHEMA = (
    "ComputerLanguage ControlAction CreateAction CreativeWork Dataset HowTo HowToStep OrganizeAction Organization Person Place "
    "PropertyValue ScholarlyArticle SoftwareApplication SoftwareSourceCode about actionStatus additionalProperty agent author "
    "citation contentSize datePublished description encodingFormat familyName givenName hasPart identifier instrument isPartOf "
    "license location mainEntity mentions name object position programmingLanguage propertyID result softwareRequirements step "
    "unitText url value version workExample"
)
TERMS = {term: f"http://schema.org/{term}" for term in SCHEMA.split()} | {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "File": "http://schema.org/MediaObject",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
    "resourceUsage": "https://w3id.org/ro/terms/workflow-run#resourceUsage",
    "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
}
CONTEXT = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context", TERMS]
USED = {"s": "seconds", "cpu_time": "seconds of processor time", "max_rss": "megabytes"}  # columns of a benchmark file


def ids(names) -> list[dict]:
    return [{"@id": name} for name in names]


def write(plan: Plan, packed: dict, about: dict, root) -> bytes:
    """The text of the crate's metadata.

    `packed`: names of all other files -> (SHA-256, bytes). `about`: `commit`, its `time` (ISO 8601), a `note` on it, `machines`
    (of `machine.noted`), `configs` (names of the configuration files), `used` (path of a job's result -> its benchmark's columns).
    """
    cited = yaml.safe_load((Path(root) / "CITATION.cff").read_text())
    paths = sorted({path for path in plan.made if path in plan.results()})
    authors, works = _people(cited["authors"], "author"), _works(cited["references"])
    machines = [_machine(number, one) for number, one in enumerate(about["machines"])]
    licence = f"https://spdx.org/licenses/{cited['license']}"
    named = lambda path: path if path in packed else f"#{path}"  # noqa: E731
    actions = _actions(plan, paths, named, about["used"], machines)
    results = [one for path in paths for one in plan.outputs(path) if one in packed]
    left = sorted({named(file) for path in paths for file in (*plan.outputs(path), *plan.made[path].files)} - set(packed))
    rules = sorted({plan.made[path].rule for path in paths})
    tools = {rule: f"scripts/{rule}.py" for rule in rules}
    files = {name: _file(name, *sealed) for name, sealed in sorted(packed.items())}
    for path in paths:
        for one in plan.outputs(path):
            if one in files:
                files[one]["identifier"] = plan.made[path].told["digest"]
        for kind, end in (("logs", "log"), ("benchmarks", "tsv")):
            if (name := beside(plan, path, kind, end)) in files:
                files[name]["about"] = {"@id": _action(plan, path)}
    for rule, tool in tools.items():
        files[tool] |= {"@type": ["File", "SoftwareSourceCode"], "softwareRequirements": {"@id": f"envs/{ENVIRONMENTS[rule]}.yaml"}}
    files["Snakefile"] |= {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": cited["title"],
        "author": ids(one["@id"] for one in authors),
        "license": {"@id": licence},
        "version": about["commit"],
        "programmingLanguage": {"@id": SNAKEMAKE},
        "hasPart": ids(tools.values()),
        "step": ids(f"Snakefile#{rule}" for rule in rules),
    }
    run = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "The run that made these results",
        "instrument": {"@id": "Snakefile"},
        "object": ids(about["configs"]),
        "result": ids(results),
        "agent": ids(one["@id"] for one in authors),
        "location": ids(one[0]["@id"] for one in machines),
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }
    engine = {"@id": "#snakemake", "@type": "SoftwareApplication", "name": "Snakemake", "url": "https://snakemake.github.io"}
    organised = {
        "@id": "#engine",
        "@type": "OrganizeAction",
        "name": "The run of the workflow engine",
        "instrument": {"@id": "#snakemake"},
        "object": ids(f"#control/{rule}" for rule in rules),
        "result": {"@id": "#run"},
    }
    steps = [
        {
            "@id": f"Snakefile#{rule}",
            "@type": "HowToStep",
            "name": rule,
            "position": str(number),
            "workExample": {"@id": tools[rule]},
        }
        for number, rule in enumerate(rules)
    ]
    controls = [
        {
            "@id": f"#control/{rule}",
            "@type": "ControlAction",
            "name": f"The jobs of rule {rule}",
            "instrument": {"@id": f"Snakefile#{rule}"},
            "object": ids(_action(plan, path) for path in paths if plan.made[path].rule == rule),
        }
        for rule in rules
    ]
    root_entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{cited['title']} {cited['version']}: code and results at {about['commit'][:12]}",
        "description": f"{cited['message']} {about['note']}".strip(),
        "datePublished": about["time"],
        "version": about["commit"],
        "conformsTo": ids(PROFILES),
        "license": {"@id": licence},
        "author": ids(one["@id"] for one in authors),
        "citation": ids(one["@id"] for one in works if one["@type"] == "ScholarlyArticle"),
        "mainEntity": {"@id": "Snakefile"},
        "mentions": ids(["#engine", "#run", *(one["@id"] for one in actions if one["@type"] == "CreateAction")]),
        "hasPart": ids(files),
    }
    descriptor = {"@id": NAME, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": ids([CRATE, WORKFLOW])}
    known = [
        {"@id": one, "@type": "CreativeWork", "name": name, "version": one.rpartition("/")[2]} for one, name in PROFILES.items()
    ]
    known += [
        {"@id": SNAKEMAKE, "@type": "ComputerLanguage", "name": "Snakemake", "url": "https://snakemake.github.io"},
        {"@id": licence, "@type": "CreativeWork", "name": cited["license"]},
    ]
    away = [
        {"@id": name, "@type": "CreativeWork", "name": name[1:], "description": "not in the package: a run makes it from what is"}
        for name in left
    ]
    graph = [descriptor, root_entity, *files.values(), run, engine, organised, *steps, *controls, *actions]
    graph += [*(part for one in machines for part in one), *authors, *works, *known, *away]
    return (
        json.dumps({"@context": CONTEXT, "@graph": list({one["@id"]: one for one in graph}.values())}, indent=1) + "\n"
    ).encode()


def beside(plan: Plan, path: str, kind: str, end: str) -> str:
    """The log or benchmark file of the job that is known by `path`."""
    job = plan.made[path]
    return "/".join(filter(None, ("results", kind, job.rule, job.place))) + f".{end}"


def _action(plan: Plan, path: str) -> str:
    return f"#job/{path}"


def _actions(plan: Plan, paths: list[str], named, used: dict, machines: list) -> list[dict]:
    """What each job did, and what it took."""
    found = []
    for path in paths:
        job, name = plan.made[path], _action(plan, path)
        taken = [
            {
                "@id": f"{name}/{key}",
                "@type": "PropertyValue",
                "propertyID": key,
                "name": key,
                "value": value,
                "unitText": USED[key],
            }
            for key, value in used.get(path, {}).items()
            if key in USED
        ]
        action = {
            "@id": name,
            "@type": "CreateAction",
            "name": f"{job.rule} {job.place}".strip(),
            "instrument": {"@id": f"scripts/{job.rule}.py"},
            "object": ids(dict.fromkeys(named(str(file)) for file in job.files)),
            "result": ids(map(named, plan.outputs(path))),
            "identifier": job.told["digest"],
            "actionStatus": "http://schema.org/CompletedActionStatus",
            "resourceUsage": ids(one["@id"] for one in taken),
        }
        if len(machines) == 1:
            action["location"] = {"@id": machines[0][0]["@id"]}
        found += [action, *taken]
    return found


def _file(name: str, digest: str, size: int) -> dict:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return {"@id": name, "@type": "File", "name": name, "contentSize": str(size), "encodingFormat": kind, "sha256": digest}


def _machine(number: int, about: dict) -> list[dict]:
    """A machine, and each thing that is known of it."""
    name = f"#machine-{number + 1}"
    said = {key: value for key, value in about.items() if key != "versions"} | about["versions"]
    parts = [{"@id": f"{name}/{key}", "@type": "PropertyValue", "name": key, "value": str(value)} for key, value in said.items()]
    whole = {"@id": name, "@type": "Place", "name": f"{about['processor']}, {about['cores']} cores, {about['system']}"}
    return [whole | {"additionalProperty": ids(one["@id"] for one in parts)}, *parts]


def _people(people: list[dict], role: str) -> list[dict]:
    found = []
    for one in people:
        if "family-names" in one:
            name = f"{one['given-names']} {one['family-names']}"
            person = {"@type": "Person", "name": name, "givenName": one["given-names"], "familyName": one["family-names"]}
        else:
            name, person = one["name"], {"@type": "Organization", "name": one["name"]}
        found.append({"@id": one.get("orcid", f"#{role}/{name.replace(' ', '-')}"), **person})
    return found


def _works(references: list[dict]) -> list[dict]:
    """Cited works, their authors and the places they appeared in."""
    found = []
    for number, one in enumerate(references, 1):
        authors = _people(one["authors"], "author")
        work = {"@id": f"https://doi.org/{one['doi']}" if "doi" in one else one.get("url", f"#paper-{number}")}
        work |= {"@type": "ScholarlyArticle", "name": one["title"], "datePublished": str(one["year"])}
        work["author"] = ids(author["@id"] for author in authors)
        found += [work, *authors]
        if place := one.get("collection-title") or one.get("journal"):
            work["isPartOf"] = {"@id": f"#in/{place.replace(' ', '-')}"}
            found.append({**work["isPartOf"], "@type": "CreativeWork", "name": place})
    return found


def check(folder, packed: dict[str, str]) -> list[dict]:
    """The entities of an unpacked crate, if it is well formed: `packed` are the names and SHA-256 of all files beside SHA256SUMS.

    Raises `InputError`, in one line, for what is not as RO-Crate 1.1 and the Provenance Run Crate profile have it.
    """
    try:
        crate = json.loads((Path(folder) / NAME).read_text())
        graph, terms = crate["@graph"], crate["@context"][-1]
        entities = {one["@id"]: one for one in graph}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{NAME}: no RO-Crate ({type(error).__name__}: {error})") from None
    problems = [f"{one} twice" for one in _twice([one["@id"] for one in graph])]
    for one in graph:
        words = {key for key in one if not key.startswith("@")} | set(_list(one.get("@type", [])))
        problems += [f"{one['@id']}: no @type"] if "@type" not in one else []
        problems += [f"{one['@id']}: {word} is not in the context" for word in sorted(words - set(terms))]
        problems += [f"{one['@id']}: {to} is not described" for to in _mentioned(one) if to not in entities and to != CRATE]
    described = {name: one.get("sha256") for name, one in entities.items() if "File" in _list(one.get("@type", []))}
    problems += [f"{name}: packed but not described" for name in sorted(packed.keys() - described.keys() - {NAME})]
    problems += [f"{name}: described but not packed" for name in sorted(described.keys() - packed.keys())]
    problems += [f"{name}: another SHA-256" for name in sorted(described.keys() & packed) if described[name] != packed[name]]
    root, main = entities.get("./", {}), entities.get("Snakefile", {})
    if entities.get(NAME, {}).get("about") != {"@id": "./"} or {"@id": CRATE} not in entities[NAME].get("conformsTo", []):
        problems.append(f"{NAME}: does not describe ./ as {CRATE}")
    wanted = ("name", "description", "datePublished", "license", "author", "citation", "mainEntity", "mentions", "hasPart")
    problems += [f"./: no {key}" for key in wanted if not root.get(key)]
    problems += [f"./: does not conform to {one}" for one in PROFILES if {"@id": one} not in root.get("conformsTo", [])]
    problems += [] if "ComputationalWorkflow" in main.get("@type", []) else ["Snakefile: no ComputationalWorkflow"]
    parts, actions = main.get("hasPart", []), [one for one in graph if str(one["@id"]).startswith("#job/") and "instrument" in one]
    problems += [f"{one['@id']}: its tool is no part of Snakefile" for one in actions if one["instrument"] not in parts]
    problems += [f"{one['@id']}: no {key}" for one in actions for key in ("object", "result", "identifier") if key not in one]
    made = [file for one in actions for file in one.get("result", [])]
    problems += [f"{file['@id']}: no job made it" for file in entities.get("#run", {}).get("result", []) if file not in made]
    if problems:
        more = f" (and {len(problems) - 1} more)" * (len(problems) > 1)
        raise InputError(f"{NAME}: {problems[0]}{more}")
    return graph


def _list(value) -> list:
    return value if isinstance(value, list) else [value]


def _twice(names: list) -> list:
    return sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []


def _mentioned(entity: dict) -> list[str]:
    """Identifiers that an entity refers to."""
    values = (one for key, value in entity.items() if not key.startswith("@") for one in _list(value))
    return [one["@id"] for one in values if isinstance(one, dict) and "@id" in one]
