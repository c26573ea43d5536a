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
LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
SNAKEMAKE = "https://snakemake.github.io"
DONE = "http://schema.org/CompletedActionStatus"
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
    "license location mainEntity mentions name object position programmingLanguage propertyID result softwareRequirements "
    "softwareVersion step unitCode url value version workExample"
)
TERMS = {term: f"http://schema.org/{term}" for term in SCHEMA.split()} | {
    "ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow",
    "File": "http://schema.org/MediaObject",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
    "resourceUsage": "https://w3id.org/ro/terms/workflow-run#resourceUsage",
    "sha256": "https://w3id.org/ro/terms/workflow-run#sha256",
}
CONTEXT = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context", TERMS]
UNIT = "https://qudt.org/vocab/unit/"
USED = {"s": "SEC", "cpu_time": "SEC", "max_rss": "MegaBYTE"}  # columns of a benchmark file -> their units


def write(plan: Plan, packed: dict, about: dict, root) -> bytes:
    """The text of the crate's metadata.

    `packed`: names of all other files -> (SHA-256, bytes). `about`: `commit`, its `time` (ISO 8601), a `note` on it, `machines`
    (of `machine.noted`), `configs` (names of the configuration files), `used` (path of a job's result -> its benchmark's columns).
    """
    cited = yaml.safe_load((Path(root) / "CITATION.cff").read_text())
    cited["license"] = f"https://spdx.org/licenses/{cited['license']}"
    paths = sorted(plan.made.keys() & plan.results().keys())
    authors, works = _people(cited["authors"]), _works(cited["references"])
    machines = [one for number, machine in enumerate(about["machines"], 1) for one in _machine(number, machine)]
    files, actions = _files(plan, paths, packed, about["commit"]), _actions(plan, paths, packed, about["used"], machines)
    steps = _workflow(plan, paths, files["Snakefile"], cited, about, authors)
    run = [
        _entity("#run", "CreateAction", name="The run that made these results", actionStatus=DONE)
        | {"instrument": _id("Snakefile"), "object": _ids(about["configs"]), "agent": _refer(authors)}
        | {"result": _ids(one for path in paths for one in plan.outputs(path) if one in packed)}
        | {"location": _refer(machines, "Place")},
        _entity(
            "#engine", "OrganizeAction", name="The run of the workflow engine", instrument=_id("#snakemake"), result=_id("#run")
        )
        | {"object": _refer(steps, "ControlAction")},
        _entity("#snakemake", "SoftwareApplication", name="Snakemake", url=SNAKEMAKE)
        | {
            "softwareVersion": sorted({one["versions"]["snakemake"] for one in about["machines"] if "snakemake" in one["versions"]})
        },
    ]
    root_entity = _entity("./", "Dataset", datePublished=about["time"], version=about["commit"], license=_id(cited["license"])) | {
        "name": f"{cited['title']} {cited['version']}: code and results at {about['commit'][:12]}",
        "description": f"{cited['message']} {about['note']}".strip(),
        "conformsTo": _ids(PROFILES),
        "author": _refer(authors),
        "citation": _refer(works, "ScholarlyArticle"),
        "mainEntity": _id("Snakefile"),
        "mentions": _ids(["#engine", "#run"]) + _refer(actions, "CreateAction"),
        "hasPart": _ids(files),
    }
    known = [_entity(one, "CreativeWork", name=name, version=one.rpartition("/")[2]) for one, name in PROFILES.items()]
    known += [
        _entity(LANGUAGE, "ComputerLanguage", name="Snakemake", url=SNAKEMAKE),
        _entity(cited["license"], "CreativeWork", name=cited["license"].rpartition("/")[2]),
    ]
    graph = [_entity(NAME, "CreativeWork", about=_id("./"), conformsTo=_ids([CRATE, WORKFLOW])), root_entity, *files.values()]
    graph += [*run, *steps, *actions, *machines, *authors, *works, *known]
    once = {one["@id"]: {key: _value(value) for key, value in one.items() if value != []} for one in graph}
    return (json.dumps({"@context": CONTEXT, "@graph": list(once.values())}, indent=1) + "\n").encode()


def _value(value):
    """As RO-Crate has it: no list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def listed(value) -> list:
    """The values of a property, which may be one or none."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _id(name: str) -> dict:
    return {"@id": name}


def _ids(names) -> list[dict]:
    return [_id(name) for name in names]


def _entity(place: str, kind: str | list[str], /, **values) -> dict:
    return {"@id": place, "@type": kind, **values}


def _refer(entities: list[dict], kind: str | None = None) -> list[dict]:
    """References to entities: all, or those of a type."""
    return [_id(one["@id"]) for one in entities if kind in (None, one["@type"])]


def beside(plan: Plan, path: str, kind: str, end: str) -> str:
    """The log or benchmark file of the job that is known by `path`."""
    job = plan.made[path]
    return "/".join(filter(None, ("results", kind, job.rule, job.place))) + f".{end}"


def _files(plan: Plan, paths: list[str], packed: dict, commit: str) -> dict[str, dict]:
    """The packed files by name; results with the digest of what made them, logs and benchmark files with their job."""
    files = {}
    for name, (digest, size) in sorted(packed.items()):
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        files[name] = _entity(name, "File", name=name, contentSize=str(size), encodingFormat=kind, sha256=digest)
    for path in paths:
        for one in files.keys() & set(plan.outputs(path)):
            files[one]["identifier"] = plan.made[path].told["digest"]
        for one in files.keys() & {beside(plan, path, "logs", "log"), beside(plan, path, "benchmarks", "tsv")}:
            files[one]["about"] = _id(f"#job/{path}")
    for rule in {plan.made[path].rule for path in paths}:
        needs = _id(f"envs/{ENVIRONMENTS[rule]}.yaml")
        files[_script(rule)] |= {"@type": ["File", "SoftwareSourceCode"], "softwareRequirements": needs, "version": commit}
    files["README.md"]["about"] = _id("./")
    return files


def _script(rule: str) -> str:
    return f"scripts/{rule}.py"


def _workflow(plan: Plan, paths: list[str], snakefile: dict, cited: dict, about: dict, authors: list[dict]) -> list[dict]:
    """Describe the workflow in the entity of its Snakefile; its steps, a rule each, and what they controlled."""
    rules, entities = sorted({plan.made[path].rule for path in paths}), []
    for number, rule in enumerate(rules):
        name, jobs = f"Snakefile#{rule}", [f"#job/{path}" for path in paths if plan.made[path].rule == rule]
        control = _entity(f"#control/{rule}", "ControlAction", name=f"The jobs of rule {rule}", instrument=_id(name))
        entities.append(_entity(name, "HowToStep", name=rule, position=str(number), workExample=_id(_script(rule))))
        entities.append(control | {"object": _ids(jobs)})
    snakefile |= {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": cited["title"],
        "author": _refer(authors),
        "license": _id(cited["license"]),
        "version": about["commit"],
        "programmingLanguage": _id(LANGUAGE),
        "hasPart": _ids(map(_script, rules)),
        "step": _refer(entities, "HowToStep"),
    }
    return entities


def _actions(plan: Plan, paths: list[str], packed: dict, used: dict, machines: list[dict]) -> list[dict]:
    """What each job did, what it took, and the files that it names and that are not packed."""
    found, places = [], _refer(machines, "Place")
    for path in paths:
        job, name = plan.made[path], f"#job/{path}"
        files = {
            role: list(dict.fromkeys(map(str, some))) for role, some in (("object", job.files), ("result", plan.outputs(path)))
        }
        taken = [
            _entity(f"{name}/{key}", "PropertyValue", propertyID=key, name=key, value=value, unitCode=f"{UNIT}{USED[key]}")
            for key, value in used.get(path, {}).items()
            if key in USED
        ]
        action = _entity(name, "CreateAction", name=f"{job.rule} {job.place}".strip(), actionStatus=DONE)
        action |= {"instrument": _id(_script(job.rule)), "identifier": job.told["digest"], "resourceUsage": _refer(taken)}
        action |= {role: _ids(one if one in packed else f"#{one}" for one in some) for role, some in files.items()}
        action |= {"location": places[0]} if len(places) == 1 else {}
        away = [one for some in files.values() for one in some if one not in packed]
        said = "not in the package: a run makes it of what is, or it was taken from outside of the repository"
        found += [action, *taken, *(_entity(f"#{one}", "CreativeWork", name=one, description=said) for one in away)]
    return found


def _machine(number: int, about: dict) -> list[dict]:
    """A machine, and each thing that is known of it."""
    name = f"#machine-{number}"
    said = {key: value for key, value in about.items() if key != "versions"} | about["versions"]
    parts = [_entity(f"{name}/{key}", "PropertyValue", name=key, value=str(value)) for key, value in said.items()]
    called = f"{about['processor']}, {about['cores']} cores, {about['system']}"
    return [_entity(name, "Place", name=called, additionalProperty=_refer(parts)), *parts]


def _people(people: list[dict]) -> list[dict]:
    found = []
    for one in people:
        name = one.get("name") or f"{one['given-names']} {one['family-names']}"
        parts = {} if "name" in one else {"givenName": one["given-names"], "familyName": one["family-names"]}
        kind = "Organization" if "name" in one else "Person"
        found.append(_entity(one.get("orcid", f"#author/{name.replace(' ', '-')}"), kind, name=name, **parts))
    return found


def _works(references: list[dict]) -> list[dict]:
    """Cited works, their authors and the places they appeared in."""
    found = []
    for number, one in enumerate(references, 1):
        name = f"https://doi.org/{one['doi']}" if "doi" in one else one.get("url", f"#paper-{number}")
        authors, place = _people(one["authors"]), one.get("collection-title") or one.get("journal")
        work = _entity(name, "ScholarlyArticle", name=one["title"], datePublished=str(one["year"]), author=_refer(authors))
        found += [work, *authors]
        if place:
            work["isPartOf"] = _id(f"#in/{place.replace(' ', '-')}")
            found.append(_entity(f"#in/{place.replace(' ', '-')}", "CreativeWork", name=place))
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
        words = {key for key in one if not key.startswith("@")} | set(listed(one.get("@type")))
        problems += [f"{one['@id']}: no @type"] if "@type" not in one else []
        problems += [f"{one['@id']}: {word} is not in the context" for word in sorted(words - set(terms))]
        problems += [f"{one['@id']}: {to} is not described" for to in _mentioned(one) if to not in entities and to != CRATE]
    described = {name: one.get("sha256") for name, one in entities.items() if "File" in listed(one.get("@type"))}
    problems += [f"{name}: packed but not described" for name in sorted(packed.keys() - described.keys() - {NAME})]
    problems += [f"{name}: described but not packed" for name in sorted(described.keys() - packed.keys())]
    problems += [f"{name}: another SHA-256" for name in sorted(described.keys() & packed) if described[name] != packed[name]]
    root, main = entities.get("./", {}), entities.get("Snakefile", {})
    if entities.get(NAME, {}).get("about") != {"@id": "./"} or {"@id": CRATE} not in listed(entities[NAME].get("conformsTo")):
        problems.append(f"{NAME}: does not describe ./ as {CRATE}")
    wanted = ("name", "description", "datePublished", "license", "author", "citation", "mainEntity", "mentions", "hasPart")
    problems += [f"./: no {key}" for key in wanted if not root.get(key)]
    problems += [f"./: does not conform to {one}" for one in PROFILES if {"@id": one} not in listed(root.get("conformsTo"))]
    problems += [] if "ComputationalWorkflow" in listed(main.get("@type")) else ["Snakefile: no ComputationalWorkflow"]
    parts, actions = (
        listed(main.get("hasPart")),
        [one for one in graph if str(one["@id"]).startswith("#job/") and "instrument" in one],
    )
    problems += [f"{one['@id']}: its tool is no part of Snakefile" for one in actions if one["instrument"] not in parts]
    problems += [f"{one['@id']}: no {key}" for one in actions for key in ("result", "identifier") if key not in one]
    made = [file for one in actions for file in listed(one.get("result"))]
    problems += [f"{file['@id']}: no job made it" for file in listed(entities.get("#run", {}).get("result")) if file not in made]
    if problems:
        more = f" (and {len(problems) - 1} more)" * (len(problems) > 1)
        raise InputError(f"{NAME}: {problems[0]}{more}")
    return graph


def _twice(names: list) -> list:
    return sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []


def _mentioned(entity: dict) -> list[str]:
    """Identifiers that an entity refers to."""
    values = (one for key, value in entity.items() if not key.startswith("@") for one in listed(value))
    return [one["@id"] for one in values if isinstance(one, dict) and "@id" in one]
