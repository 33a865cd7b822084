"""One self-contained page: counts, charts by rule, path and time, and a table of findings.

It has no script, and its policy lets none in: every name in it may be a stranger's.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING

from hooks.formats.chart import columns, rows
from hooks.rule import ERROR
from sealer import console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hooks.finding import Finding
    from hooks.report import Report

_MOST_BARS = 15
_MOST_ROWS = 5000
_MOST_DAYS = 60
_CSS = """\
:root{color-scheme:light dark;--text:#1b1f24;--dim:#59636e;--back:#fff;--card:#f6f8fa;--line:#d1d9e0;--error:#c9302c;
--warning:#d4932a;--ok:#1a7f37}
@media (prefers-color-scheme:dark){:root{--text:#e6edf3;--dim:#9198a1;--back:#0d1117;--card:#161b22;--line:#30363d;
--error:#f0635c;--warning:#e0a83e;--ok:#3fb950}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.5rem 4rem;max-width:72rem;font:15px/1.5 system-ui,sans-serif;color:var(--text);
background:var(--back)}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2.2rem 0 .6rem}
.dim{color:var(--dim)}.numbers{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0}
.numbers div{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.7rem 1.1rem;min-width:8rem}
.numbers b{display:block;font-size:1.6rem;line-height:1.2}
.bad b{color:var(--error)}.odd b{color:var(--warning)}.good b{color:var(--ok)}
svg{max-width:100%;height:auto;display:block}svg text{font:13px system-ui,sans-serif;fill:var(--text)}
svg .label{text-anchor:end}svg .number,svg .axis{fill:var(--dim)}svg .above{text-anchor:middle;fill:var(--dim)}
svg .error{fill:var(--error)}svg .warning{fill:var(--warning)}svg .line{stroke:var(--line)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;color:var(--dim);font-weight:600}
th,td{padding:.45rem .8rem .45rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td code{overflow-wrap:anywhere}code{font:13px ui-monospace,monospace}
.tag{display:inline-block;border-radius:4px;padding:0 .45rem;font-size:12px;color:#fff;background:var(--error)}
.tag.warning{background:var(--warning);color:#1b1f24}
th,summary{white-space:nowrap}
details summary{cursor:pointer;color:var(--dim)}dl{margin:.3rem 0;display:grid;grid-template-columns:auto 1fr;
gap:.1rem .8rem}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html(report: Report) -> str:
    """The page."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Secrets in plaintext: {len(report.findings):,}</title>",
        f"<style>\n{_CSS}\n</style></head><body>",
        "<h1>Secrets in plaintext</h1>",
        f'<p class="dim">Found by sealer-scan in {_text(_scanned(report))}. No value is in this page.</p>',
        *_numbers(report),
        *_charts(report),
        *_table(report),
        *_unread(report),
        "</body></html>",
    ]
    return "\n".join(parts)


def _numbers(report: Report) -> Iterator[str]:
    warnings = len(report.findings) - report.errors
    yield '<div class="numbers">'
    for number, word, kind in (
        (report.errors, "findings", "bad"),
        (warnings, "warnings", "odd"),
        (len(report.unread), "not scanned", "bad"),
        (report.accepted, "accepted", ""),
        (report.files, "files", ""),
    ):
        shown = kind if number else "good" if word == "findings" else ""
        yield f'<div class="{shown}"><b>{number:,}</b>{word}</div>'
    yield "</div>"


def _charts(report: Report) -> Iterator[str]:
    if not report.findings:
        return
    yield "<h2>By rule</h2>"
    yield rows("Findings by rule", _counted(report, lambda one: one.rule.id))
    yield "<h2>By path</h2>"
    inside = folders(report.findings)
    yield rows("Findings by path", _counted(report, lambda one: _line(inside[one.path])))
    if steps := by_time(report):
        yield "<h2>By time</h2>"
        yield '<p class="dim">When the commit was made that brought it in.</p>'
        yield columns("Findings by time", steps)


def _counted(report: Report, by: Callable[[Finding], str]) -> list[tuple[str, int, int]]:
    """The most frequent, with all others in one last bar."""
    errors: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for one in report.findings:
        label = by(one)
        found[label] += 1
        errors[label] += one.rule.severity == ERROR
    bars = [(label, errors[label], count - errors[label]) for label, count in found.most_common()]
    if len(bars) > _MOST_BARS:
        rest = bars[_MOST_BARS - 1 :]
        bars = bars[: _MOST_BARS - 1]
        bars.append((f"{len(rest):,} others", sum(e for _, e, _ in rest), sum(w for _, _, w in rest)))
    return bars


def folders(findings: Sequence[Finding]) -> dict[str, str]:
    """The folder that each path is in, at most two deep below the one that all are in."""
    parts = {one.path: one.path.partition("!")[0].split("/")[:-1] for one in findings}
    first, last = min(parts.values()), max(parts.values())  # of sorted lists only the outermost need be compared
    shared = next((at for at, two in enumerate(zip(first, last, strict=False)) if len(set(two)) > 1), len(first))
    return {path: "/".join([*names[: shared + 2], ""]) if names else path for path, names in parts.items()}


def by_time(report: Report) -> list[tuple[str, int]]:
    """Findings by the day of their commit; by month where the days are many. Empty if no day is known."""
    days = [found for one in report.findings if (found := _day(report.date(one)))]
    if not days:
        return []
    first, last = min(days), max(days)
    if (last - first).days < _MOST_DAYS:
        counted = Counter(days)
        steps = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [(step.strftime("%d %b"), counted[step]) for step in steps]
    months = Counter((day.year, day.month) for day in days)
    span = (last.year - first.year) * 12 + last.month - first.month + 1
    numbers = [first.year * 12 + first.month - 1 + n for n in range(span)]
    return [(f"{n // 12}-{n % 12 + 1:02}", months[(n // 12, n % 12 + 1)]) for n in numbers]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _table(report: Report) -> Iterator[str]:
    if not report.findings:
        return
    yield '<h2>Findings</h2><div class="wide"><table><thead><tr><th>Where</th><th>Rule</th><th>What to do</th></tr>'
    yield "</thead><tbody>"
    for one in report.findings[:_MOST_ROWS]:
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in _cells(one, report)) + "</tr>"
    yield "</tbody></table></div>"
    if len(report.findings) > _MOST_ROWS:
        yield f'<p class="dim">{len(report.findings) - _MOST_ROWS:,} more are not shown.</p>'


def _cells(one: Finding, report: Report) -> Iterator[str]:
    where = f"<code>{_text(f'{one.path}:{one.line}')}</code>"
    if one.key:
        where += f'<br><span class="dim">{_text(one.key)}: ********</span>'
    made = [one.commit[:12], report.author(one), report.date(one)[:10]]
    if any(made):
        where += f'<br><span class="dim">{_text(", ".join(filter(None, made)))}</span>'
    yield where
    kind = "" if one.rule.severity == ERROR else " warning"
    said = f'<br><span class="dim">{_text(one.rule.description)}</span>'
    yield f'<span class="tag{kind}">{_text(one.rule.id)}</span>{said}'
    ways = "".join(f"<dt>{_text(label)}</dt><dd>{_linked(text)}</dd>" for label, text in report.ways(one))
    yield f"<details><summary>ways out</summary><dl>{ways}</dl></details>"


def _unread(report: Report) -> Iterator[str]:
    if report.unread:
        yield "<h2>Not scanned</h2><ul>"
        yield from (f"<li><code>{_text(one.where)}</code>: {_text(one.what)}</li>" for one in report.unread)
        yield "</ul>"


def _scanned(report: Report) -> str:
    from hooks.counts import line

    return line(report.source, report.files, report.bytes, report.seconds).partition("; ")[2]


def _linked(text: str) -> str:
    """A text; a page of a provider is a link, which says nothing of where it was clicked."""
    if text.startswith("https://") and " " not in text:
        return f'<a href="{_text(text)}" rel="noreferrer noopener">{_text(text)}</a>'
    return f"<code>{_text(text)}</code>"


def _line(text: str) -> str:
    return console.line(console.printable(text))


def _text(text: str) -> str:
    """A stranger's text on one line, for between tags and in attributes."""
    return escape(_line(text), quote=True)
