"""The verdicts as a page for people: one file, no script, nothing from elsewhere."""

import html

from ..store import replacing
from .tables import prose

# Okabe and Ito's colours, safe for colour-blind readers; the mark and the word say the same.
LOOKS = {
    "reproduced": ("#0072b2", "\N{BLACK CIRCLE}"),
    "holds": ("#0072b2", "\N{BLACK CIRCLE}"),
    "mixed": ("#8a5a83", "\N{CIRCLE WITH LEFT HALF BLACK}"),
    "undecided": ("#666666", "\N{WHITE CIRCLE}"),
    "reversed": ("#c04e00", "\N{BLACK DIAMOND}"),
    "does not hold": ("#c04e00", "\N{BLACK DIAMOND}"),
    "not run": ("#666666", "\N{EN DASH}"),
}
SIDES = {"for": "#0072b2", "against": "#c04e00", "open": "#666666"}
WIDTH, HEIGHT = 300, 18  # pixels of a cell's picture
FEW = 12  # exact numbers listed where all are as printed
ENDS = ("estimate", "low", "high")
STYLE = """<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #222; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; margin-top: 2.2em; border-bottom: 2px solid #444; }
article { border-bottom: 1px solid #ddd; padding: .9em 0; } h3 { font-size: 1em; margin: 0; } blockquote { margin: .3em 0; }
.verdict { font-weight: bold; white-space: nowrap; } .small { font-size: .85em; color: #555; } code { font-size: .9em; }
table { border-collapse: collapse; font-size: .85em; margin: .4em 0; }
td, th { padding: 0 .6em 0 0; text-align: left; font-weight: normal; }
th { color: #555; } td.name { min-width: 15em; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.summary td, .summary th { padding: .1em 1.2em .1em 0; } svg { display: block; }
</style>"""


def write_page(path, document: dict, titles: dict, shown: dict):
    """Write all verdicts of a `judging.document`: the sentence, what was compared, every cell as a dot with its interval, the
    verdict. `titles`: paper -> title. `shown`: PAPER.ARTEFACT -> title, and whether it is a figure."""
    claims, parts = document["claims"], []
    for paper, title in titles.items():
        mine = [one for one in claims if one["paper"] == paper]
        models = f'<p>Its models, each with its accuracy, and what is left out: <a href="summary/{paper}.html">summary</a>.</p>'
        parts.append(
            f'<h2 id="{paper}">{html.escape(title)}</h2>{_summary(mine)}{models}' + "".join(_article(one, shown) for one in mine)
        )
    page = f"""<!doctype html><html lang=en><meta charset=utf-8><title>pathattr: verdicts</title>{STYLE}<h1>Claims and verdicts</h1>
<p>A claim is a sentence of a paper turned into a comparison. A verdict is a finding about the networks and images named, not about
the paper's own. Every dot is a mean over images, in the claimed direction, so right of the line is for the claim; bars are
intervals that hold together at 95 % for all cells of a claim. {_mark("reproduced")}: every cell is for it; {_mark("mixed")}: some
are; {_mark("undecided")}: none is, and none is against it; {_mark("reversed")}: some are against it and none for it. Exact claims
{_mark("holds", "hold")} or {_mark("does not hold", "do not hold")}.</p>{"".join(parts)}</html>
"""
    with replacing(path) as temporary:
        temporary.write_text(page)


def _mark(verdict: str, word: str | None = None) -> str:
    colour, mark = LOOKS[verdict]
    return f'<span class=verdict style="color:{colour}">{mark} {word or verdict}</span>'


def _summary(claims: list[dict]) -> str:
    words = [one["verdict"] for one in claims]
    return f"<p>{len(words)} claims: " + ", ".join(f"{words.count(word)} {_mark(word)}" for word in LOOKS if word in words) + "</p>"


def _article(one: dict, shown: dict) -> str:
    word = f"mixed ({one['cells_for']} of {len(one['cells'])})" if one["verdict"] == "mixed" else None
    links = "See " * bool(one["artefacts"]) + ", ".join(_link(one["paper"], name, shown) for name in one["artefacts"])
    cost = "" if one["seconds"] is None else f": {_seconds(one['seconds'])} in {one['jobs']} jobs, from nothing"
    cost += "" if one["megabytes"] is None else f", {one['megabytes'] / 1000:.1f} GB at most"
    notes = "".join(f"<p class=small>{prose(note)}</p>" for note in one["notes"])
    on = f" Measured on {html.escape(one['measured_on'])}." if one["measured_on"] else ""
    compared = f"{html.escape(one['compared'])}." if one["compared"] else ""
    return (
        f'<article id="{one["paper"]}.{one["id"]}"><h3>{one["paper"]}.{one["id"]} &ensp; {_mark(one["verdict"], word)}</h3>'
        f"<blockquote>{html.escape(one['says'])} <span class=small>({html.escape(one['where'])})</span></blockquote>"
        f"<p class=small>{compared}{on} {links}.</p>{_cells(one)}{notes}"
        f"<p class=small>Remake alone: <code>{html.escape(one['command'])}</code>{cost}.</p></article>"
    )


def _seconds(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


def _link(paper: str, name: str, shown: dict) -> str:
    about = shown[f"{paper}.{name}"]
    place = f"figures/{paper}/{name}.png" if about["figure"] else f"tables/{paper}/{name}.html"
    return f'<a href="{place}">{html.escape(about["title"])}</a>'


def _cells(one: dict) -> str:
    cells, exact = one["cells"], one["verdict"] in ("holds", "does not hold")
    if exact and len(cells) > FEW:  # only what does not hold
        cells = [cell for cell in cells if cell["side"] != "for"]
    count = f"<p class=small>{len(one['cells'])} numbers, {len(cells)} of them not as printed.</p>" if cells != one["cells"] else ""
    if not cells:
        return count
    extra = [key for key in ("printed", "estimate_correct", "beside_estimate") if any(cell.get(key) is not None for cell in cells)]
    heads = {"printed": "reported", "estimate_correct": "right images", "beside_estimate": "beside [interval], trimmed"}
    borders = cells[0].get("within") or [cells[0].get("border", 0.0)]
    points = [value for cell in cells for value in (cell["low"], cell["high"], *cell.get("trainings", []))] + borders
    span = min(points), max(points)
    head = ["", "" if exact else _scale(cells[0], borders, *span), "computed" if exact else "estimate [interval]"]
    head = "".join(f"<th>{name}</th>" for name in [*head, *(heads[key] for key in extra), *([] if exact else ["n"])])
    rows = []
    for cell in cells:
        numbers = f"{cell['estimate']:.4g}" if exact else "{} [{}, {}]".format(*(_short(cell[key]) for key in ENDS))
        picture = f'<span style="color:{SIDES[cell["side"]]}">{cell["side"]}</span>' if exact else _picture(cell, borders, *span)
        row = f"<td class=name>{html.escape(cell['label'])}</td><td>{picture}</td><td class=number>{numbers}</td>"
        for key in extra:
            row += f"<td class=number>{_number(cell, key)}</td>"
        rows.append(f"<tr>{row}" + ("" if exact else f"<td class=number>{cell['n']}</td>") + "</tr>")
    return f"{count}<table><tr>{head}</tr>{''.join(rows)}</table>"


def _short(value: float) -> str:
    """Three decimals, or two digits of what is smaller."""
    return f"{value:.3f}" if abs(value) >= 0.001 or not value else f"{value:.2g}"


def _at(value: float, low: float, high: float) -> float:
    """Place of a value in a picture, pixels."""
    return 6 + (WIDTH - 12) * (value - low) / ((high - low) or 1)


def _scale(cell: dict, borders: list, low: float, high: float) -> str:
    """The head of the pictures: which side is for the claim, on either side of its border."""
    if len(borders) > 1:
        return "alike within the two lines"
    left, right = ("for", "against") if cell.get("lower") else ("against", "for")
    at = _at(borders[0], low, high)
    words = "" if at < 60 else f'<text x="{at - 5:.1f}" y="13" text-anchor="end">{left} \N{LEFTWARDS ARROW}</text>'
    words += "" if at > WIDTH - 60 else f'<text x="{at + 5:.1f}" y="13">\N{RIGHTWARDS ARROW} {right}</text>'
    return f'<svg width="{WIDTH}" height="{HEIGHT}" font-size="12" fill="#555">{words}</svg>'


def _number(cell: dict, key: str) -> str:
    if cell.get(key) is None:
        return ""
    text = f"{cell[key]:.4g}" if key == "printed" else f"{cell[key]:.3f}"
    if key == "beside_estimate":
        text += f" [{cell['beside_low']:.3f}, {cell['beside_high']:.3f}], {cell['beside_trimmed']:.3f}"
    return text


def _picture(cell: dict, borders: list, low: float, high: float) -> str:
    """A dot with its interval on the claim's own scale, a line at the border of the claim, a small mark a training."""
    colour, middle = SIDES[cell["side"]], HEIGHT / 2
    fill, at = "white" if cell["side"] == "open" else colour, _at(cell["estimate"], low, high)
    dot = f'<circle cx="{at:.1f}" cy="{middle}" r="4" fill="{fill}" stroke="{colour}" stroke-width="1.5"/>'
    if cell["side"] == "against":
        dot = f'<path d="M{at:.1f} {middle - 5} l5 5 l-5 5 l-5 -5 z" fill="{fill}" stroke="{colour}"/>'
    marks = [(one, colour, middle - 5, 10) for one in cell.get("trainings", [])]
    marks = [(one, "#999", 0, HEIGHT) for one in borders] + marks
    lines = "".join(f'<path d="M{_at(one, low, high):.1f} {top} v{tall}" stroke="{ink}"/>' for one, ink, top, tall in marks)
    words = f"{cell['label']}: {cell['estimate']:.3f}, interval {cell['low']:.3f} to {cell['high']:.3f}, {cell['side']}"
    ends = [_at(cell[end], low, high) for end in ("low", "high")]
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{html.escape(words, quote=True)}">{lines}'
        f'<path d="M{ends[0]:.1f} {middle} H{ends[1]:.1f}" stroke="{colour}" stroke-width="1.5"/>{dot}</svg>'
    )
