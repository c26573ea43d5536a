"""Tables as pages of HTML."""

import html
import re

from ..store import replacing

STYLE = """<style>
body { font: 14px/1.4 sans-serif; margin: 1.5em; color: #222; }
table { border-collapse: collapse; } caption { text-align: left; margin-bottom: .6em; max-width: 60em; }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #444; } td.text, th.text { text-align: left; }
</style>"""
ROWS = 500  # shown of a longer table


def prose(caption: str) -> str:
    """A caption as HTML: its emphasis and its formulas."""
    text = html.escape(caption, quote=False)
    text = re.sub(r":math:`(.*?)`", lambda found: f"<i>{found[1]}</i>".replace(r"\delta", "&delta;"), text)
    text = re.sub(r"_(\w)(?=[^<]*</i>)", r"<sub>\1</sub>", text)
    return re.sub(r"\*(\w[^*]*)\*", r"<em>\1</em>", text)


def write_html(path, table, caption: str, note: str = ""):
    """Write a table with its caption as a page of its own, the `note` below; numbers to 3 decimals, text left-aligned, **so** in
    bold."""
    text = [column for column in table if not hasattr(table[column].iloc[0], "__float__")]
    head = "".join(f"<th{' class=text' * (c in text)}>{html.escape(str(c))}</th>" for c in table)
    rows = []
    for _, row in table.head(ROWS).iterrows():
        cells = []
        for column, value in row.items():
            shown = "" if value != value else (str(value) if column in text else f"{value:.3f}" if value % 1 else f"{value:.0f}")
            shown = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(shown))
            cells.append(f"<td{' class=text' * (column in text)}>{shown}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    left = f"<p>{len(table) - ROWS} more rows in the CSV file beside this page.</p>" if len(table) > ROWS else ""
    left += f"<p>{prose(note)}</p>" if note else ""
    page = f"<!doctype html><meta charset=utf-8>{STYLE}<table><caption>{prose(caption)}</caption>"
    page += f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{left}\n"
    with replacing(path) as temporary:
        temporary.write_text(page)
