"""Every format: what its readers take it for, names that would break it, and no value in any of them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import jsonschema
import pytest

from hooks import formats
from hooks.finding import Finding
from hooks.options import FORMATS
from hooks.report import Report, counts
from hooks.rule import KUBERNETES_SECRET
from sealer import schema
from sealer.emit import emit
from sealer.errors import DocumentError
from tests.hooks.labelled import random_text
from tests.hooks.repo import Repo, secret
from tests.hooks.results.made import EMPTY, HOSTILE, PLANTED, TOKEN, report

SARIF = Path(__file__).parents[2] / "vectors" / "sarif" / "sarif-schema-2.1.0.json"


def written(name: str, made: Report, folder: Path) -> bytes:
    """A report as its file holds it."""
    emit(formats.render(name, made), str(folder / "report"))
    return (folder / "report").read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_holds_a_value_or_a_control_character(name: str, tmp_path: Path) -> None:
    data = written(name, report(), tmp_path)
    assert PLANTED.encode() not in data
    assert b"acme-token" in data
    assert not set(data) & {*range(9), *range(11, 32)}
    data.decode("utf-8")
    assert written(name, EMPTY, tmp_path)


def test_json_lines_are_one_each_and_the_last_counts(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in written("jsonl", report(), tmp_path).splitlines()]
    assert [one["kind"] for one in lines] == ["finding"] * len(HOSTILE) + ["unread"] * 2 + ["run"]
    assert [one["path"] for one in lines[: len(HOSTILE)]] == list(HOSTILE)
    assert lines[-1]["findings"] + lines[-1]["warnings"] == len(HOSTILE)


@pytest.mark.parametrize("made", [report(), EMPTY])
def test_each_json_line_is_what_its_schema_says_and_nothing_more(made: Report) -> None:
    lines = [json.loads(line) for line in formats.render("jsonl", made).splitlines()]
    assert lines[-1]["binary"] == made.binary
    for line in lines:
        schema.validate(line, "findings-line", file="report")
        others = [{**line, "another": 1}, {**line, "kind": "other"}, {**line, "version": 2}]
        for wrong in (*others, *({name: line[name] for name in line if name != left} for left in ("version", "kind"))):
            with pytest.raises(DocumentError):
                schema.validate(wrong, "findings-line", file="report")


def test_binary_files_are_counted_in_the_last_line() -> None:
    assert ", 3 binary passed over, " in counts(report())
    assert "binary" not in counts(EMPTY)


@pytest.mark.parametrize("made", [report(), EMPTY])
def test_json_is_what_its_schema_says(made: Report) -> None:
    schema.validate(json.loads(formats.render("json", made)), "findings", file="report")


def test_no_cell_of_the_csv_is_a_formula(tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(written("csv", report(), tmp_path).decode())))
    assert len(rows) == 1 + len(HOSTILE) + 2
    assert {len(row) for row in rows} == {11}
    assert not [cell for row in rows for cell in row if cell.lstrip(" ").startswith(tuple("=+-@|\t"))]
    assert rows[1][3] == "'" + HOSTILE[0]


# --- SARIF ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [report(), EMPTY])
def test_sarif_is_what_the_official_schema_says(made: Report) -> None:
    validator = jsonschema.Draft4Validator(json.loads(SARIF.read_bytes()))
    assert [error.message for error in validator.iter_errors(json.loads(formats.render("sarif", made)))] == []


def test_sarif_has_what_code_scanning_wants() -> None:
    run = json.loads(formats.render("sarif", report()))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["acme-token", "kubernetes-secret", "private-key", "encrypted-private-key"]
    assert rules[0]["helpUri"] == "https://acme.example/tokens?a=1&b=2"
    assert "helpUri" not in rules[1], "no page of ours is there to be looked at"
    assert "informationUri" not in run["tool"]["driver"]
    assert "Revoke" in rules[0]["help"]["text"]
    assert "security" in rules[0]["properties"]["tags"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == rules[result["ruleIndex"]]["defaultConfiguration"]["level"]
        assert result["level"] in ("error", "warning")
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert [unquote_to_bytes(one["artifactLocation"]["uri"]) for one in places] == [
        name.encode("utf-8", "surrogateescape") for name in HOSTILE
    ]
    assert {one["artifactLocation"]["uriBaseId"] for one in places} == {"SRCROOT"}
    assert run["invocations"][0]["executionSuccessful"] is False


def prints(*findings: Finding) -> list[str]:
    run = json.loads(formats.render("sarif", Report("paths", findings)))["runs"][0]
    return [one["partialFingerprints"]["primaryLocationLineHash"] for one in run["results"]]


def test_a_fingerprint_moves_with_neither_line_nor_commit() -> None:
    one = Finding("a.py", 3, TOKEN, "token")
    assert prints(one) == prints(Finding("a.py", 99, TOKEN, "token", commit="0123456789ab"))
    others = (Finding("b.py", 3, TOKEN, "token"), Finding("a.py", 3, KUBERNETES_SECRET, "token"), one, one)
    assert len({*prints(*others)}) == 4


# --- JUnit ----------------------------------------------------------------------------------------------------------


def test_junit_counts_what_it_holds(tmp_path: Path) -> None:
    made = report()
    root = ElementTree.fromstring(written("junit", made, tmp_path))
    cases = root.findall(".//testcase")
    assert root.attrib["tests"] == str(len(cases)) == str(len(HOSTILE) + 2)
    assert root.attrib["failures"] == str(len(root.findall(".//failure"))) == str(made.errors)
    assert root.attrib["errors"] == str(len(root.findall(".//error"))) == "2"
    assert "<script>alert(1)</script>.html" in [case.attrib["classname"] for case in cases]
    passed = ElementTree.fromstring(written("junit", EMPTY, tmp_path))
    assert (passed.attrib["tests"], passed.attrib["failures"]) == ("1", "0")


_JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"},
        {"name", "tests", "failures", "errors"},
        {"testcase"},
    ),
    "testcase": (
        {"name", "classname", "time", "file", "line"}, {"name", "classname"}, {"failure", "error", "system-out"}
    ),
    "failure": ({"type", "message"}, {"type"}, set()),
    "error": ({"type", "message"}, {"type"}, set()),
    "system-out": (set(), set(), set()),
}  # fmt: skip
"""Of each element: attributes, those it must have, children. What the schemas of Ant and of Jenkins' xUnit plugin have
in common, and the places that GitLab reads."""


@pytest.mark.parametrize("of", ["findings", "none"])
def test_junit_holds_what_all_of_its_readers_take(tmp_path: Path, of: str) -> None:
    root = ElementTree.fromstring(written("junit", report() if of == "findings" else EMPTY, tmp_path))
    assert root.tag == "testsuites"
    for one in root.iter():
        may, must, children = _JUNIT[one.tag]
        assert must <= one.attrib.keys() <= may, one.tag
        assert {child.tag for child in one} <= children, one.tag
        assert len(one) <= 1 or one.tag != "testcase"
    for suite in root:
        cases = list(suite)
        assert suite.attrib["tests"] == str(len(cases))
        for name in ("failure", "error"):
            assert suite.attrib[f"{name}s"] == str(len(suite.findall(f"./testcase/{name}")))
    assert float(root.attrib["time"]) >= 0


# --- GitHub ---------------------------------------------------------------------------------------------------------


def test_annotations_are_a_line_each_whatever_the_names_hold(tmp_path: Path) -> None:
    made = report()
    lines = written("github", made, tmp_path).decode().splitlines()
    commands = [line for line in lines if line.startswith("::")]
    assert len(commands) == len(HOSTILE) + 2 == len(lines) - 1
    for line, name in zip(commands, HOSTILE, strict=False):
        level, _, rest = line.removeprefix("::").partition(" ")
        assert level in ("error", "warning")
        properties, _, _ = rest.partition("::")
        fields = dict(part.split("=", 1) for part in properties.split(","))
        assert fields.keys() == {"file", "line", "title"}
        if name.isprintable():
            assert unescaped(fields["file"]) == name


def unescaped(text: str) -> str:
    for sign, code in ((":", "%3A"), (",", "%2C"), ("\n", "%0A"), ("\r", "%0D"), ("%", "%25")):
        text = text.replace(code, sign)
    return text


def test_the_summary_is_added_to_the_step_s_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "summary.md"
    page.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    formats.render("github", report())
    said = page.read_text()
    assert said.startswith("# before\n### Secrets in plaintext\n")
    assert PLANTED not in said
    rows = [line for line in said.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 4 + 1 + len(HOSTILE)
    assert "<script" not in said
    assert "](https" not in said


# --- which, and where to --------------------------------------------------------------------------------------------


def test_each_file_has_the_format_of_its_ending(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    value = random_text("alnum", 24)
    repo.add("s.yaml", secret(value))
    names = ("a.json", "a.jsonl", "a.sarif", "a.xml", "a.csv", "a.html", "a.md", "a.txt", "b.sarif.json", "plain")
    done = repo.scan("--staged", *(word for name in names for word in ("-o", name)))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("1 finding; 1 staged file")
    begins = dict(
        zip(names, ("{", '{"version"', "{", "<?xml", "severity,", "<!doctype", "### ", "s.yaml:7"), strict=False)
    )
    for name, begin in begins.items():
        text = (repo.path / name).read_text()
        assert text.startswith(begin), name
        assert value not in text
    assert json.loads((repo.path / "b.sarif.json").read_text())["version"] == "2.1.0"
    assert (repo.path / "plain").read_text() == (repo.path / "a.txt").read_text()


def test_stdout_has_the_format_that_no_file_has(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.add("s.yaml", secret())
    assert repo.scan("--staged", "--format", "text", "-o", "a.sarif").stdout.startswith("s.yaml:7  kubernetes-secret")
    assert repo.scan("--staged", "--format", "sarif", "-o", "a.sarif").stdout == ""
    assert repo.scan("--staged", "--format", "sarif", "-o", "report").stdout == ""
    assert json.loads((repo.path / "report").read_text())["version"] == "2.1.0"


def test_a_file_that_can_not_be_written_is_an_error_and_stays(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "repo")
    repo.add("s.yaml", secret())
    (repo.path / "there").mkdir()
    done = repo.scan("--staged", "-o", "missing/a.json")
    assert done.returncode == 2
    assert "missing/a.json: can't be written" in done.stderr
    assert not (repo.path / "missing").exists()
    assert not list(repo.path.glob(".*tmp"))


def test_formats_are_imported_where_they_are_asked_for(tmp_path: Path) -> None:
    program = "import sys, hooks.scan; print([name for name in sys.modules if name.startswith('hooks.formats')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
