"""The HTML page: whole in itself, nothing in it runs, and what a browser (Debian's chromium) makes of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from hooks import formats
from hooks.finding import Finding
from hooks.formats import html
from hooks.report import Report
from hooks.rule import ENCRYPTED_KEY, KUBERNETES_SECRET
from sealer.emit import emit
from tests.hooks.results.made import EMPTY, HOSTILE, PLANTED, TOKEN, report

VOID = {"meta", "br", "rect", "line"}


class Page(HTMLParser):
    """What a page is made of; raises where a tag is closed that is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def dated(*days: str) -> Report:
    """A report of one finding for each day on which a commit was made."""
    commits = [f"{number:012x}" for number in range(len(days))]
    people = dict(zip(commits, (("<b>Jane</b>", day) for day in days), strict=True))
    return Report("history", [Finding("a.py", 1, TOKEN, commit=commit) for commit in commits], people=people)


def page(made: Report) -> str:
    return formats.render("html", made)


def test_nothing_in_it_runs_or_is_fetched() -> None:
    text = page(report())
    parsed = Page(text)
    assert parsed.open == []
    tags = {tag for tag, _ in parsed.tags}
    assert not tags & {"script", "iframe", "object", "embed", "img", "link", "form", "base", "foreignobject", "image"}
    for _, attributes in parsed.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style", "xlink:href")]
    assert {attributes.get("href", "") for tag, attributes in parsed.tags if tag == "a"} == {
        "https://acme.example/tokens?a=1&b=2"
    }
    policy = next(a["content"] for tag, a in parsed.tags if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert "url(" not in text
    assert "@import" not in text


def test_every_finding_is_in_it_as_text() -> None:
    said = "".join(Page(page(report())).texts)
    for number, name in enumerate(HOSTILE, 1):
        if name.isprintable():
            assert f"{name}:{number}" in said
    assert "a/<b>&.yaml: can't be read: permission denied" in said.replace("\n", "")
    assert PLANTED not in said


def test_charts_count_what_there_is() -> None:
    titles = re.findall(r"<title>([^<]*)</title>", page(report()))[1:]
    assert titles[:4] == ["acme-token: 3", "kubernetes-secret: 3", "private-key: 3", "encrypted-private-key: 3"]
    assert "By time" not in page(report())
    many = Report("paths", [Finding(f"d{n}/a/b.py", 1, TOKEN) for n in range(40)])
    assert "26 others: 26" in page(many)


def test_paths_differ_below_the_folder_that_all_are_in() -> None:
    below = [Finding(f"/srv/data/app/{each}", 1, TOKEN) for each in ("deploy/eu/a.yaml", "deploy/us/b.yaml", "c.py")]
    titles = re.findall(r"<title>([^<]*)</title>", page(Report("paths", below)))
    assert {"/srv/data/app/: 1", "/srv/data/app/deploy/eu/: 1", "/srv/data/app/deploy/us/: 1"} <= set(titles)


def test_time_goes_by_day_or_by_month() -> None:
    short = dated("2026-02-27", "2026-03-01T10:00:00+01:00", "2026-03-01", "", "x")
    assert html.by_time(short) == [("27 Feb", 1), ("28 Feb", 0), ("01 Mar", 2)]
    long = dated("2025-11-30", "2026-02-01", "2026-02-28")
    assert html.by_time(long) == [("2025-11", 1), ("2025-12", 0), ("2026-01", 0), ("2026-02", 2)]
    text = page(long)
    assert "By time" in text
    assert "&lt;b&gt;Jane&lt;/b&gt;, 2026-02-28" in text
    assert "<b>Jane" not in text


def test_a_clean_run_has_a_page_too() -> None:
    said = "".join(Page(page(EMPTY)).texts)
    assert "0findings" in said
    assert "By rule" not in said


def test_a_browser_shows_it(tmp_path: Path) -> None:
    """Its document after parsing is ours, no name has made an element, and the picture is not blank."""
    browser = shutil.which("chromium")
    findings = [Finding("a.py", 3, TOKEN, "token"), Finding("b.yaml", 7, KUBERNETES_SECRET), *report().findings]
    made = Report("paths", [*findings, Finding("k.pem", 1, ENCRYPTED_KEY)])
    emit(page(made), str(tmp_path / "report.html"))
    text = (tmp_path / "report.html").read_text()
    shown = _run(browser, "--dump-dom", tmp_path, tmp_path / "report.html") if browser else text
    read = [tag for tag, _ in Page(text).tags]
    for tag in ("svg", "tr", "details", "rect", "code"):
        # Where no browser is installed, Python's parser alone says what the page holds.
        assert shown.count(f"<{tag}") == text.count(f"<{tag}") == read.count(tag) > 0, tag
    assert "<script" not in shown
    assert "<h2>Findings</h2>" in shown
    if browser:
        _run(browser, f"--screenshot={tmp_path / 'shot.png'}", tmp_path, tmp_path / "report.html")
        picture = (tmp_path / "shot.png").read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 30_000, "a blank page of this size has less than 10 KB"


def _run(browser: str, what: str, home: Path, file: Path) -> str:
    done = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-dev-shm-usage",
            f"--user-data-dir={home / 'profile'}",
            "--window-size=1200,1600",
            what,
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, "HOME": str(home)},
    )
    return done.stdout
