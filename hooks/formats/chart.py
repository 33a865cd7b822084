"""Bars as inline SVG, drawn here: no script, nothing from elsewhere. Every text is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

WIDTH = 720
_ROW = 26
_LABEL = 270
_NUMBER = 60
_HEIGHT = 160
_AXIS = 34


def rows(name: str, counts: Sequence[tuple[str, int, int]]) -> str:
    """A bar a line, longest first: (label, errors, warnings)."""
    height = len(counts) * _ROW + 4
    most = max((errors + warnings for _, errors, warnings in counts), default=1)
    room = WIDTH - _LABEL - _NUMBER
    parts = [_open(name, height)]
    for number, (label, errors, warnings) in enumerate(counts):
        y = number * _ROW + 2
        first = round(room * errors / most, 1)
        second = round(room * warnings / most, 1)
        parts.append(f"<g><title>{escape(f'{label}: {errors + warnings:,}')}</title>")
        parts.append(f'<text x="{_LABEL - 10}" y="{y + 16}" class="label">{escape(_short(label))}</text>')
        parts.append(f'<rect x="{_LABEL}" y="{y + 3}" width="{first}" height="{_ROW - 8}" rx="2" class="error"/>')
        parts.append(
            f'<rect x="{_LABEL + first}" y="{y + 3}" width="{second}" height="{_ROW - 8}" rx="2" class="warning"/>'
        )
        end = _LABEL + first + second + 8
        parts.append(f'<text x="{end}" y="{y + 16}" class="number">{errors + warnings:,}</text></g>')
    return "\n".join([*parts, "</svg>"])


def columns(name: str, counts: Sequence[tuple[str, int]]) -> str:
    """A column for each step of time, in order: (label, number)."""
    most = max((count for _, count in counts), default=1) or 1
    step = (WIDTH - 20) / max(len(counts), 1)
    every = max(1, -(-len(counts) // 12))
    parts = [_open(name, _HEIGHT + _AXIS)]
    for number, (label, count) in enumerate(counts):
        x = 10 + number * step
        tall = round((_HEIGHT - 20) * count / most, 1)
        parts.append(f"<g><title>{escape(f'{label}: {count:,}')}</title>")
        width = max(1.0, round(min(step - 2, 60), 1))
        parts.append(
            f'<rect x="{x:.1f}" y="{_HEIGHT - tall:.1f}" width="{width}" height="{tall}" rx="2" class="error"/>'
        )
        if count and len(counts) <= 40:
            middle = x + width / 2
            parts.append(f'<text x="{middle:.1f}" y="{_HEIGHT - tall - 5:.1f}" class="above">{count:,}</text>')
        if number % every == 0:
            parts.append(f'<text x="{x:.1f}" y="{_HEIGHT + 18}" class="axis">{escape(label)}</text>')
        parts.append("</g>")
    parts.append(f'<line x1="10" y1="{_HEIGHT}" x2="{WIDTH - 10}" y2="{_HEIGHT}" class="line"/>')
    return "\n".join([*parts, "</svg>"])


def _open(name: str, height: int) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img"'
        f' aria-label="{escape(name, quote=True)}">'
    )


def _short(label: str, most: int = 38) -> str:
    """The end of a long label: of a path that says most."""
    return label if len(label) <= most else f"…{label[1 - most :]}"
