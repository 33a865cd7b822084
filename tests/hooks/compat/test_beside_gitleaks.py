"""Rules and allowlists of `.gitleaks.toml`: what ours finds by them is what gitleaks itself finds on the same files.

The configurations are written after what public repositories have; findings are compared by rule, file and line.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hooks.compat import names
from tests.benchmarks.scanners import PEERS
from tests.hooks.labelled import random_text
from tests.hooks.repo import Repo

A, B, C = (random_text("alnum", 24).lower() for _ in range(3))
FILES = {
    "src/app.py": f'import os\n\nACME = "acme_{A}"\nclient_id = "id-{B[:12]}"\nclient_secret = "sec-{C}"\n',
    "src/far.py": f'client_id = "id-{A[:12]}"\n' + "\n" * 20 + f'client_secret = "sec-{B}"\n',
    "tests/fixture.py": f'ACME = "acme_{B}"  # a fixture\nOTHER = "acme_dummy{C[:19]}"\n',
    "docs/read.md": f"Use acme_{C} as token,\r\nor acme_{A}.\r\nlast acme_{B}",
    "deploy/values.yaml": f"acme:\n  token: acme_{A}\n  low: acme_{'ab' * 12}\n  url: https://me:{B}@db.internal/x\n",
    "node_modules/x.js": f"token('acme_{A}')\n",
    "package-lock.json": f'{{"a": "acme_{A}"}}\n',
    "keys/id_rsa": "a key would stand here\n",
    "keys/server.p12": b"\x30\x82\x00\x01binary\x00\x00",
    "keys/empty.p12": "",
    ".env.production": f"INTERNAL_API_KEY={A}\nDB_PASSWORD='{B}'\n",
    "latin.txt": b"caf\xe9 acme_" + A.encode() + b"\n",
    "encoded.txt": base64.b64encode(f"token is acme_{B} here".encode()).decode() + "\n",
}
ACME = "[[rules]]\nid = 'acme'\ndescription = 'a token of Acme'\nregex = '''acme_([a-z0-9]{24})'''\n"
KEYWORD = ACME + "keywords = ['acme_']\n"
PAIR = (
    "[[rules]]\nid = 'client-secret'\nregex = '''client_secret = \"(sec-[a-z0-9]{24})\"'''\n"
    "[[rules.required]]\nid = 'client-id'\n@\n"
    "[[rules]]\nid = 'client-id'\nregex = '''client_id = \"(id-[a-z0-9]{12})\"'''\n"
)
CONFIGS = {
    "a rule": ACME,
    "no words": ACME.replace("'acme'", "'Acme Token'"),
    "keywords": KEYWORD,
    "keyword in capitals": ACME + "keywords = ['Acme_', 'other']\n",
    "keyword that is nowhere": ACME + "keywords = ['no-such-word']\n",
    "one keyword as a text": ACME + "keywords = 'acme_'\n",
    "fields in other cases": ACME.replace("regex", "Regex") + "secretgroup = 1\nKeyWords = ['acme']\nEntropy = 3\n",
    "entropy": KEYWORD + "entropy = 3.0\n",
    "entropy as a text": KEYWORD + "entropy = '3.0'\n",
    "path and regex": KEYWORD + "path = '''\\.(py|md)$'''\n",
    "tags": KEYWORD + "tags = ['acme', 'internal']\n",
    "only a path": "[[rules]]\nid = 'key-file'\npath = '''(?:^|/)id_rsa$|\\.p12$'''\n",
    "a path, allowed": "[[rules]]\nid = 'key-file'\npath = 'id_rsa|p12$'\n[[rules.allowlists]]\npaths = ['rsa$']\n",
    "a path and an allowlist of values": "[[rules]]\nid = 'key-file'\npath = 'id_rsa'\n[[rules.allowlists]]\n"
    "condition = 'AND'\npaths = ['keys/']\nregexes = ['key']\n",
    "only a path, with a keyword": "[[rules]]\nid = 'key-file'\npath = 'keys/'\nkeywords = ['would']\n",
    "required": PAIR.replace("@", ""),
    "required within lines": PAIR.replace("@", "withinLines = 5"),
    "required within a line": PAIR.replace("@", "withinLines = 0"),
    "required within columns": PAIR.replace("@", "withinLines = 3\nwithinColumns = 1"),
    "required and hidden": PAIR.replace("@", "withinLines = 5") + "skipReport = true\n",
    "required by path": "[[rules]]\nid = 'acme'\nregex = 'acme_[a-z0-9]{24}'\n[[rules.required]]\nid = 'in-tests'\n"
    "[[rules]]\nid = 'in-tests'\npath = '^tests/'\nskipReport = true\n",
    "secret group": "[[rules]]\nid = 'url'\nregex = '''https://(\\w+):([^@]+)@'''\nsecretGroup = 2\nentropy = 3\n"
    "keywords = ['https://']\n",
    "first group that is filled": "[[rules]]\nid = 'either'\nregex = '''"
    "(?:INTERNAL_API_KEY=(\\w+)|DB_PASSWORD='(\\w+)')'''\n",
    "line feed first": "[[rules]]\nid = 'after'\nregex = '''\\n(OTHER|client_id) = \"([^\"]+)\"'''\nsecretGroup = 2\n",
    "over lines": "[[rules]]\nid = 'block'\nregex = '''(?s)client_id.{1,40}client_secret = \"([^\"]+)'''\n",
    "begin of a line": "[[rules]]\nid = 'begin'\nregex = '''(?m)^ACME = \"(acme_\\w+)\"'''\nkeywords = ['acme']\n",
    "global paths": KEYWORD + "[allowlist]\npaths = ['''^tests/''', '''(^|/)docs/.*\\.md$''']\n",
    "global regexes": KEYWORD + "[allowlist]\nregexes = ['''^dummy''']\n",
    "stop words": KEYWORD + "[[allowlists]]\nstopwords = ['DUMMY', 'abab']\n",
    "match": KEYWORD + "[[allowlists]]\nregexTarget = 'match'\nregexes = ['''^acme_dummy''']\n",
    "match, not the line": KEYWORD + "[[allowlists]]\nregexTarget = 'match'\nregexes = ['''fixture''', '''token''']\n",
    "line": KEYWORD + "[[allowlists]]\nregexTarget = 'line'\nregexes = ['''# a fixture''', '''token: acme''']\n",
    "begin of the line": KEYWORD + "[[allowlists]]\nregexTarget = 'line'\nregexes = ['''^ACME = ''', '''^  token''']\n",
    "of a rule": KEYWORD + "[rules.allowlist]\nregexes = ['dummy']\npaths = ['^docs/']\n",
    "several of a rule": KEYWORD
    + "[[rules.allowlists]]\npaths = ['^src/']\n[[rules.allowlists]]\nstopwords = ['dummy']\n",
    "all of it": KEYWORD + "[[rules.allowlists]]\ncondition = 'AND'\npaths = ['^tests/']\nregexes = ['dummy']\n",
    "all of it, paths alone": KEYWORD + "[[allowlists]]\ncondition = 'AND'\npaths = ['^docs/']\n",
    "any of it": KEYWORD + "[[allowlists]]\ncondition = 'or'\npaths = ['^docs/']\nstopwords = ['dummy']\n",
    "target rules": KEYWORD + "[[rules]]\nid = 'other'\nregex = 'acme_[a-z0-9]+'\n[[allowlists]]\n"
    "targetRules = ['other']\npaths = ['^docs/']\n[[allowlists]]\n"
    "targetRules = ['acme', 'other']\nstopwords = ['dummy']\n",
    "defaults": "[extend]\nuseDefault = true\n" + KEYWORD,
    "defaults, with a list": "[extend]\nuseDefault = true\n" + KEYWORD + "[allowlist]\npaths = ['^docs/']\n",
    "disabled": "[extend]\nuseDefault = true\ndisabledRules = ['generic-api-key']\n" + KEYWORD,
    "extended": "[extend]\npath = 'more/base.toml'\n" + KEYWORD + "[allowlist]\npaths = ['^docs/']\n",
    "extended, one disabled": "[extend]\npath = 'more/base.toml'\ndisabledRules = ['base']\n" + KEYWORD,
    "extended, one changed": "[extend]\npath = 'more/base.toml'\n[[rules]]\nid = 'base'\nentropy = 3.9\n"
    "[[rules.allowlists]]\npaths = ['^tests/']\n",
    "generic": "[[rules]]\nid = 'my-generic'\nregex = 'acme_([a-z0-9]+)'\n" + KEYWORD,
    "as an old file": KEYWORD + "[[rules.Entropies]]\nMin = '3.5'\nMax = '4.5'\nGroup = '1'\n",
    "unicode": "[[rules]]\nid = 'word'\nregex = '''\\bcaf\\S\\sacme_\\w+'''\n",
    "ungreedy": "[[rules]]\nid = 'lazy'\nregex = '''(?i)acme\\S{0,10}?[_-]([a-z0-9]{10,30}?)(?:[\"'\\s]|$)'''\n",
}
# A global list of which all has to hold leaves its paths out whole in `gitleaks dir`, as if any had to: a mistake that
# `gitleaks git` lacks.
IN_GIT = {
    "all of it, signs": KEYWORD + "[[allowlists]]\ncondition = '&&'\npaths = ['^docs/']\nstopwords = ['dummy']\n",
    "all of it, and a value": KEYWORD
    + "[[allowlists]]\ncondition = 'AND'\npaths = ['^tests/']\nregexTarget = 'match'\nregexes = ['^acme_dummy']\n",
    "any of it": CONFIGS["any of it"],
    "only a path": CONFIGS["only a path"].replace("|\\.p12$", ""),
    "required within lines": CONFIGS["required within lines"],
}
BASE = (
    "[[rules]]\nid = 'base'\ndescription = 'of the base'\nregex = '''(?i)internal_api_key=(\\w+)|acme_(dummy\\w+)'''\n"
    "keywords = ['internal', 'acme']\n[allowlist]\npaths = ['^deploy/']\n"
)


def made(tmp_path: Path, config: str, files: dict[str, str | bytes] | None = None) -> Repo:
    repo = Repo(tmp_path / "repo")
    repo.write(".gitleaks.toml", config)
    repo.write("more/base.toml", BASE)
    for name, text in (files or FILES).items():
        repo.write(name, text)
    return repo


def theirs(repo: Repo, *words: str, report: Path) -> set[tuple[str, str, int]]:
    """What gitleaks finds; a file that it names has line 0 there."""
    peer = next(one for one in PEERS if one.name == "gitleaks")
    command = [*peer.program(), *words, "--no-banner", "-f", "json", "-r", str(report)]
    done = subprocess.run(command, cwd=repo.path, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert "FTL" not in done.stderr, done.stderr
    found = json.loads(report.read_text())
    return {(names.own(one["RuleID"]), one["File"], one["StartLine"] or 1) for one in found}


def ours(repo: Repo, *words: str, **environment: str) -> set[tuple[str, str, int]]:
    done = repo.scan(*words, "--format", "json", **environment)
    assert done.returncode in (0, 1), done.stderr
    return {(one["rule"], one["path"], one["line"]) for one in json.loads(done.stdout)["findings"]}


def of(config: str, found: set[tuple[str, str, int]]) -> set[tuple[str, str, int]]:
    """Findings of the rules that a configuration names."""
    wanted = {names.own(part.partition("'")[0]) for part in (config + BASE).split("id = '")[1:]}
    return {one for one in found if one[0] in wanted}


@pytest.mark.parametrize("name", CONFIGS)
def test_the_same_rule_file_and_line(tmp_path: Path, name: str) -> None:
    config = CONFIGS[name]
    repo = made(tmp_path, config)
    expected = of(config, theirs(repo, "dir", ".", report=tmp_path / "report.json"))
    found = of(config, ours(repo, "."))
    assert found == expected


@pytest.mark.parametrize("name", IN_GIT)
def test_the_same_in_a_history(tmp_path: Path, name: str) -> None:
    config = IN_GIT[name]
    repo = made(tmp_path, config)
    repo.git("add", "-A", "-f")
    repo.commit()
    expected = of(config, theirs(repo, "git", ".", report=tmp_path / "report.json"))
    assert expected
    assert of(config, ours(repo, "--history")) == expected


def test_a_commit_of_an_allowlist(tmp_path: Path) -> None:
    repo = made(tmp_path, KEYWORD, {"a.txt": f"acme_{A}\n"})
    repo.git("add", "-A")
    first = repo.commit()
    repo.add("b.txt", f"acme_{B}\n")
    repo.commit()
    for config in (f"[allowlist]\ncommits = ['{first}']\n", f"[[rules.allowlists]]\ncommits = ['{first.upper()}']\n"):
        repo.write(".gitleaks.toml", KEYWORD + config)
        expected = theirs(repo, "git", ".", report=tmp_path / "report.json")
        assert ours(repo, "--history") == expected == {("acme", "b.txt", 1)}


SOURCES = {
    "work tree": (),
    "paths": ("src", "tests/fixture.py", "keys"),
    "staged": ("--staged",),
    "range": ("--range", "HEAD~1..HEAD"),
    "history": ("--history",),
}
EVERY = KEYWORD + "[[rules]]\nid = 'key-file'\npath = 'id_rsa|p12$'\n" + PAIR.replace("@", "withinLines = 5")
WANTED = {
    ("acme", "src/app.py", 3),
    ("acme", "tests/fixture.py", 1),
    ("acme", "tests/fixture.py", 2),
    ("client-secret", "src/app.py", 5),
    ("key-file", "keys/id_rsa", 1),
    ("key-file", "keys/server.p12", 1),
}


@pytest.mark.parametrize("how", ["file", "GITLEAKS_CONFIG", "GITLEAKS_CONFIG_TOML"])
@pytest.mark.parametrize("source", SOURCES)
def test_rules_reach_every_source(tmp_path: Path, source: str, how: str) -> None:
    repo = Repo(tmp_path / "repo")
    environment = {}
    if how == "GITLEAKS_CONFIG":
        (tmp_path / "own.toml").write_text(EVERY)
        environment[how] = "../own.toml"
    elif how == "GITLEAKS_CONFIG_TOML":
        environment[how] = EVERY
    else:
        repo.write(".gitleaks.toml", EVERY)
    repo.commit()
    for name, text in FILES.items():
        if name.startswith(("src/", "tests/", "keys/")):
            repo.add(name, text)
    if source in ("range", "history"):
        repo.commit()
    found = {one for one in ours(repo, *SOURCES[source], **environment) if not one[0].startswith("generic-")}
    assert found - {("client-id", "src/app.py", 4), ("client-id", "src/far.py", 1)} == WANTED
    if source == "history":
        assert ours(repo, *SOURCES[source], **environment) >= WANTED, "what is remembered is told again"


def test_rules_reach_a_pipe(tmp_path: Path) -> None:
    repo = made(tmp_path, EVERY + "[allowlist]\npaths = ['stdin']\n")
    program = str(Path(sys.executable).with_name("sealer-scan"))
    done = subprocess.run(
        [program, "--stdin", "--format", "json"],
        cwd=repo.path,
        input=FILES["src/app.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = {(one["rule"], one["line"]) for one in json.loads(done.stdout)["findings"]}
    assert {("acme", 3), ("client-secret", 5)} <= found


def test_another_file_of_rules_makes_the_history_new(tmp_path: Path) -> None:
    repo = made(tmp_path, "", {"a.txt": f"acme_{A}\n"})
    repo.git("add", "-A")
    repo.commit()
    assert ours(repo, "--history") == set()
    repo.write(".gitleaks.toml", KEYWORD)
    assert ours(repo, "--history") == {("acme", "a.txt", 1)}


def test_an_expression_that_can_t_be_read_stops_the_scan(tmp_path: Path) -> None:
    repo = made(tmp_path, "[[rules]]\nid = 'mine'\nregex = 'acme(?=_)'\n")
    for source in ((), ("--staged",), ("--history",)):
        done = repo.scan(*source)
        assert done.returncode == 2
        assert ".gitleaks.toml: rule mine: its regex can't be read" in done.stderr
        assert "correct the rule" in done.stderr
    done = repo.scan("--staged", GITLEAKS_CONFIG="gone.toml")
    assert done.returncode == 2
    assert "gone.toml" in done.stderr


def test_a_mark_in_the_line_accepts(tmp_path: Path) -> None:
    repo = made(tmp_path, KEYWORD, {"a.txt": f"acme_{A}  # gitleaks:allow\nacme_{B}\n"})
    assert ours(repo, ".") == theirs(repo, "dir", ".", report=tmp_path / "r.json") == {("acme", "a.txt", 2)}


def test_fingerprints_of_its_own_rules(tmp_path: Path) -> None:
    config = EVERY + "[[allowlists]]\npaths = ['^(?:docs|deploy|node_modules)/', 'json$', 'txt$', '^\\.env', 'far']\n"
    repo = made(tmp_path, config)
    repo.git("add", "-A", "-f")
    commit = repo.commit()
    report = tmp_path / "report.json"
    theirs(repo, "git", ".", report=report)
    prints = [one["Fingerprint"] for one in json.loads(report.read_text())]
    assert all(one.startswith(commit) for one in prints)
    assert len(prints) >= 5
    repo.write(".gitleaksignore", "\n".join(prints))
    assert not of(config, {one for one in ours(repo, "--history") if one[1] != "keys/server.p12"})
    repo.write(".gitleaksignore", "\n".join(one.removeprefix(commit + ":") for one in prints))
    assert not of(config, {one for one in ours(repo, ".") if one[1] != "keys/server.p12"})
