"""Does it keep what everything registered promises? `make check NAME=mine` tries it on one of your own, a line a promise.

A name is that of a registered method, metric, probe, baseline, data set, model, artefact or claim; of an entry of config.yaml's
`datasets` or `models`; or FILE.py:FUNCTION, an architecture of your own. The tests try the same promises, `pathattr.promise`, on
everything that is registered.
"""

import argparse
import sys
import textwrap

from . import source
from .errors import InputError, NotApplicable, problem
from .promise import KINDS, Broken, Untried, entry, promises, subject
from .values import among

ENTRIES = {"datasets": "dataset", "models": "model"}  # of config.yaml
KEPT, BROKEN, UNTRIED = "holds", "BROKEN", "not tried"
COUNTED = {KEPT: "hold", BROKEN: "broken", UNTRIED: "not tried"}


def kinds_of(name: str) -> list[str]:
    """The kinds of things that are registered by that name. Raises `InputError` where there are none."""
    if ".py:" in name:
        return ["model"]
    found = [kind for kind in KINDS if name.partition(":")[0] in source.registered(kind)]
    found = found or [kind for section, kind in ENTRIES.items() if entry(section, name)]
    if not found:
        known = sorted({one for kind in KINDS for one in source.registered(kind)})
        raise InputError(f"nothing registered is called {name!r}; {among(name, known)}")
    return found


def tried(kind: str, name: str) -> list[tuple[str, str, str]]:
    """Of each promise of that kind: whether it is kept, what is promised and, if it is not kept, what was found."""
    try:
        one = subject(kind, name)
    except (InputError, Untried) as error:
        return [(UNTRIED if isinstance(error, Untried) else BROKEN, f"It can be tried as a {kind}", str(error))]
    rows = []
    for promise in promises(kind):
        if not promise.when(one):
            continue
        kept, found = KEPT, ""
        try:
            promise.keep(one)
        except (Untried, NotApplicable) as error:
            kept, found = UNTRIED, str(error)
        except (Broken, InputError) as error:
            kept, found = BROKEN, str(error)
        except Exception as error:  # the user's own code
            kept, found = BROKEN, f"{problem(error)} ({_place(error)})"
        rows.append((kept, promise.says, found))
    return rows


def _place(error: Exception) -> str:
    """Where an error arose, FILE:LINE."""
    last = error.__traceback__
    while last.tb_next:
        last = last.tb_next
    return f"{last.tb_frame.f_code.co_filename.rpartition('/')[2]}:{last.tb_lineno}"


def page(kind: str, name: str, rows) -> str:
    """What was found, for people."""
    lines = [f"{kind} {name}"]
    for kept, says, found in rows:
        lines += textwrap.wrap(says, 120, initial_indent=f"  {kept:10}", subsequent_indent=" " * 12)
        lines += textwrap.wrap(found, 120, initial_indent=" " * 12 + "found: ", subsequent_indent=" " * 19)
    counts = {word: sum(kept == word for kept, _, _ in rows) for word in (KEPT, BROKEN, UNTRIED)}
    lines.append(f"{kind} {name}: {', '.join(f'{count} {COUNTED[word]}' for word, count in counts.items() if count)}")
    return "\n".join(lines)


def main(arguments=None):
    """`python -m pathattr.check NAME ... [--kind KIND]`. Ends with 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="pathattr.check", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", metavar="NAME", help="what is registered by that name, or FILE.py:FUNCTION")
    parser.add_argument("--kind", choices=KINDS, help="where several kinds have the name; by default all of them are tried")
    given, broken = parser.parse_args(arguments), False
    try:
        wanted = [(kind, name) for name in given.names for kind in ([given.kind] if given.kind else kinds_of(name))]
    except InputError as error:
        sys.exit(str(error))
    for kind, name in wanted:
        rows = tried(kind, name)
        broken |= any(kept == BROKEN for kept, _, _ in rows)
        print(page(kind, name, rows), flush=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
