"""`sealer-scan` as a program: what it prints and how it ends, what is accepted, what a clean run imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hooks import accept, compat
from sealer import schema
from tests.hooks.labelled import pem, random_text
from tests.hooks.repo import BIN, SCAN, Repo, run, secret


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")


def test_names_of_other_tools_are_those_that_are_read() -> None:
    assert accept.FOREIGN == compat.NAMES


@pytest.mark.parametrize("folder", [".", "inner", "empty", "bare.git"])
def test_the_top_is_where_git_says(repo: Repo, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo.path / "inner").mkdir()
    (repo.path / "empty" / ".git").mkdir(parents=True)
    run(["git", "init", "-q", "--bare", "bare.git"], repo.path)
    monkeypatch.chdir(repo.path / folder)
    said = run(["git", "rev-parse", "--show-toplevel"], Path()).stdout.strip() if folder != "bare.git" else os.getcwd()
    assert accept.top() == os.path.realpath(said)


def test_findings_look_like_this(repo: Repo) -> None:
    repo.add("config/app.env", f"PORT=80\nAPI_KEY={random_text('alnum', 32)}\n")
    repo.add("secrets/db.yaml", secret() + "  other: " + random_text("hex", 32) + "\n")
    repo.add("key.pem", "\n".join(pem("RSA PRIVATE KEY")) + "\n")
    done = repo.scan("--staged")
    *lines, last = done.stdout.splitlines()
    assert lines == [
        "config/app.env:2  env-file  API_KEY: ********",
        "  seal it   sealer seal -o secrets/NAMESPACE/NAME.yaml --from-env-file config/app.env",
        "  and then  git rm --cached config/app.env, and name it in .gitignore",
        "  not one   end the line with  # sealer:allow env-file REASON",
        "key.pem:1  private-key  ********",
        "  seal it   sealer set secrets/NAMESPACE/NAME.yaml key.pem --from-file key.pem",
        "  and then  git rm --cached key.pem",
        "  not one   put a line above it:  # sealer:allow private-key REASON",
        "secrets/db.yaml:7  kubernetes-secret  stringData.password: ********",
        "secrets/db.yaml:8  kubernetes-secret  stringData.other: ********",
        "  seal it   sealer seal --in-place secrets/db.yaml",
        "  not one   end the line with  # sealer:allow kubernetes-secret REASON",
    ]
    assert last.startswith("4 findings; 3 staged files, 1 KB, 0.")
    assert (done.returncode, done.stderr) == (1, "")


def test_a_line_break_in_a_name_makes_no_line_of_ours(repo: Repo) -> None:
    repo.add("x\n0 findings; 1 staged file.yaml", secret())
    done = repo.scan("--staged")
    assert done.returncode == 1
    assert not any(line.startswith("0 findings") for line in done.stdout.splitlines())


def test_clean_is_one_line(repo: Repo) -> None:
    done = repo.scan("--staged")
    assert done.stdout.startswith("0 findings; 0 staged files, 0 B, 0.0")
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")


def test_json_is_what_its_schema_says(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    repo.add("big.bin", b"\0")
    repo.commit()
    for arguments, code in ((["--range", "HEAD~0..HEAD"], 0), (["s.yaml", "big.bin"], 1), (["--staged"], 0)):
        done = repo.scan(*arguments, "--format", "json")
        assert done.returncode == code
        schema.validate(json.loads(done.stdout), "findings", file="stdout")
    found = json.loads(repo.scan("--format", "json").stdout)["findings"]
    assert [(one["path"], one["line"], one["key"], one["rule"], one["excerpt"], one["sealable"]) for one in found] == [
        ("s.yaml", 7, "stringData.password", "kubernetes-secret", "********", True)
    ]


def test_a_report_goes_to_a_file(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    done = repo.scan("--staged", "--format", "json", "-o", "findings.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("1 finding; 1 staged file")
    schema.validate(json.loads((repo.path / "findings.json").read_bytes()), "findings", file="findings.json")


def test_a_key_under_a_passphrase_only_warns(repo: Repo) -> None:
    repo.add("key.pem", "\n".join(pem("ENCRYPTED PRIVATE KEY")) + "\n")
    done = repo.scan("--staged")
    assert done.returncode == 0
    assert "key.pem:1  encrypted-private-key  ********  warning" in done.stdout
    assert "0 findings, 1 warning; 1 staged file" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--staged", "--stdin"], "not allowed with"),
        (["--stdin", "x.yaml"], "leave one of them out"),
        (["--stdin", "--fix"], "sealer-scan --staged --fix"),
        (["--range", "a..b", "--fix"], "sealer-scan --staged --fix"),
        (["-o", "json"], "way out: --format json"),
        (["-o", "yaml"], "way out: --format json"),
        (["--exclude", "a/[b]"], "means nothing here"),
        (["--history", "--staged"], "not allowed with"),
        (["--history", "--fix"], "sealer-scan --staged --fix"),
        (["--to", "a.yaml"], "belongs to --fix"),
        (["-o", "sarif"], "way out: --format sarif"),
    ],
)
def test_options_that_contradict_each_other(repo: Repo, arguments: list[str], said: str) -> None:
    repo.add("s.yaml", secret())
    done = repo.scan(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


# --- what is accepted -----------------------------------------------------------------------------------------------


def test_a_mark_needs_its_rule_and_a_reason(repo: Repo) -> None:
    line = f"  password: {random_text('alnum', 20)}"
    head = "kind: Secret\nstringData:\n"
    for mark, code in (
        ("# sealer:allow kubernetes-secret fixture of the load test", 0),
        ("# sealer:allow kubernetes-secret", 1),
        ("# sealer:allow private-key fixture", 1),
        ("# sealer:allow", 1),
    ):
        repo.add("s.yaml", f"{head}{line} {mark}\n")
        done = repo.scan("--staged")
        assert done.returncode == code, mark
        assert ("say why behind the mark" in done.stdout) == (mark == "# sealer:allow kubernetes-secret")
    repo.add("s.yaml", f"{head}  # sealer:allow kubernetes-secret on a line of its own\n{line}\n")
    assert repo.scan("--staged").returncode == 0
    repo.add("s.yaml", f"{head}  a: x # sealer:allow kubernetes-secret of another line\n{line}\n")
    assert repo.scan("--staged").returncode == 1


def test_the_configuration_leaves_paths_and_rules_out(repo: Repo) -> None:
    repo.add("a/testdata/s.yaml", secret())
    repo.add("fixture.env", f"API_KEY={random_text('alnum', 32)}\n")
    repo.add("key.pem", "\n".join(pem("PRIVATE KEY")) + "\n")
    head = "version: 1\nclusters: {local: {}}\n"
    repo.write(".sealer.yaml", head + 'scan: {exclude: ["**/testdata/**", "fixture.env"], disable: [private-key]}\n')
    done = repo.scan("--staged")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("0 findings, 3 accepted; 3 staged files")
    assert repo.scan("--staged", folder="a").returncode == 0
    repo.write(".sealer.yaml", head + "scan: {exclude: []}\n")
    assert repo.scan("--staged").returncode == 1
    assert repo.scan("--staged", "--exclude", "*.pem", "--exclude", "*.env", "--exclude", "a/**").returncode == 0


def test_a_broken_configuration_is_an_error_once_it_matters(repo: Repo) -> None:
    repo.write(".sealer.yaml", "version: 1\nclusters: {local: {}}\nscan: {exclud: [x]}\n")
    repo.add("a.txt", "x")
    assert repo.scan("--staged").returncode == 0
    repo.add("s.yaml", secret())
    done = repo.scan("--staged")
    assert done.returncode == 2
    assert ".sealer.yaml:3" in done.stderr


def test_names_that_are_no_words_are_made_fit_for_pasting(repo: Repo) -> None:
    repo.add("-x.yaml", secret())
    repo.add("a\x1b[31mb\nc.yaml", secret())
    repo.add("it's.json", json.dumps({"kind": "Secret", "stringData": {"a": random_text("alnum", 20)}}))
    said = repo.scan("--staged").stdout
    assert "seal it   sealer seal --in-place ./-x.yaml\n" in said
    assert "\na\\x1b[31mb\\nc.yaml:" in said
    assert r"seal it   sealer seal --in-place $'a\x1b[31mb\x0ac.yaml'" in said
    assert """not one   sealer scan baseline --reason TEXT 'it'"'"'s.json'""" in said


def test_json_has_no_comments_so_that_the_baseline_takes_it(repo: Repo) -> None:
    repo.add("s.json", json.dumps({"kind": "Secret", "stringData": {"a": random_text("alnum", 20)}}))
    assert "not one   sealer scan baseline --reason TEXT s.json" in repo.scan("--staged").stdout


# --- fix ------------------------------------------------------------------------------------------------------------


def _with_keys(repo: Repo) -> None:
    for command in (["sealer-controller", "init", "--cluster", "demo"], ["sealer", "init", "--no-hooks"]):
        done = run([str(BIN / command[0]), *command[1:]], repo.path)
        assert done.returncode == 0, done.stderr


def test_fix_seals_in_place_and_never_stages(repo: Repo) -> None:
    _with_keys(repo)
    value = random_text("alnum", 24)
    path = repo.add("secrets/payments/db.yaml", secret(value))
    repo.add("prod.env", f"API_KEY={random_text('alnum', 32)}\n")
    done = repo.scan("--staged", "--fix")
    assert done.returncode == 1, "the commit has to be made again"
    assert "kind: SealedSecret" in path.read_text()
    assert value not in path.read_text() + done.stdout + done.stderr
    assert "git add secrets/payments/db.yaml" in done.stderr
    assert value in repo.git("show", ":secrets/payments/db.yaml")
    repo.git("add", "secrets")
    repo.git("rm", "-q", "--cached", "prod.env")
    assert repo.scan("--staged").returncode == 0


def test_what_can_not_be_sealed_is_told_and_the_rest_is_sealed(repo: Repo) -> None:
    _with_keys(repo)
    bad = repo.add("secrets/Wrong_/db.yaml", secret())
    good = repo.add("secrets/payments/db.yaml", secret())
    gone = repo.add("secrets/payments/gone.yaml", secret(name="gone"))
    gone.unlink()
    done = repo.scan("--staged", "--fix")
    assert done.returncode == 1
    assert "kind: Secret" in bad.read_text()
    assert "kind: SealedSecret" in good.read_text()
    assert done.stderr.count("error: ") == 2
    assert "is staged, but not in the work tree" in done.stderr


def test_fix_seals_an_env_file_where_it_is_told_to(repo: Repo) -> None:
    _with_keys(repo)
    value = random_text("alnum", 32)
    path = repo.add("prod.env", f"PORT=80\nAPI_KEY={value}\n")
    before = path.read_text()
    done = repo.scan("--staged", "--fix")
    assert "1 finding can't be sealed by --fix" in done.stderr
    done = repo.scan("--staged", "--fix", "--to", "secrets/web/env.yaml", "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["findings"]
    sealed = (repo.path / "secrets/web/env.yaml").read_text()
    assert "kind: SealedSecret" in sealed
    assert "API_KEY" in sealed
    assert value not in sealed + done.stdout + done.stderr
    assert path.read_text() == before
    assert "git rm --cached prod.env" in done.stderr
    assert repo.git("diff", "--cached", "--name-only") == "prod.env\n"
    repo.add("other.env", f"API_KEY={random_text('alnum', 32)}\n")
    assert "--to names one file" in repo.scan("--staged", "--fix", "--to", "secrets/web/env.yaml").stderr


def test_fix_without_keys_says_how_to_get_them(repo: Repo) -> None:
    path = repo.add("s.yaml", secret())
    before = path.read_text()
    done = repo.scan("--staged", "--fix")
    assert done.returncode == 1
    assert path.read_text() == before
    assert "way out: " in done.stderr


# --- start ----------------------------------------------------------------------------------------------------------

HEAVY = (
    "argparse",
    "typer",
    "rich",
    "jsonschema",
    "git",
    "cryptography",
    "yaml",
    "subprocess",
    "dataclasses",
    "inspect",
    "json",
    "typing",
    "pathlib",
    "hashlib",
    "datetime",
    "textwrap",
)
NOT_WHEN_CLEAN = (*HEAVY, "re", "enum", "functools", "collections", "contextlib")


def imported(folder: Path, names: tuple[str, ...], code: int) -> list[str]:
    """Which of these modules `--staged` imports beside those that are there when Python has started."""
    program = (
        "import sys; before = set(sys.modules); from hooks.scan import main; code = main(['--staged']);"
        f"print(code, *sorted({set(names)!r} & sys.modules.keys() - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    said, *found = done.stdout.splitlines()[-1].split()
    assert said == str(code)
    return found


def test_the_clean_path_imports_next_to_nothing(repo: Repo) -> None:
    repo.commit()
    repo.add("app.py", "import os\n\nprint(os.environ)\n" * 100)
    assert repo.scan("--staged").returncode == 0, "from here on the rules are compiled"
    assert imported(repo.path, NOT_WHEN_CLEAN, 0) == []


def test_the_way_to_a_finding_imports_little_more(repo: Repo) -> None:
    repo.commit()
    repo.add("app.py", "TOKEN = '" + "gh" + "p_" + random_text("alnum", 36) + "'\n")
    assert "app.py:1  github-pat" in repo.scan("--staged").stdout
    assert imported(repo.path, HEAVY, 0) == []


def test_sealer_scan_is_the_same_program(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    assert run([str(BIN / "sealer"), "scan", "--staged"], repo.path).returncode == 1
    shown = run([str(BIN / "sealer"), "scan", "--help"], repo.path)
    assert (shown.returncode, shown.stdout) == (0, run([SCAN, "--help"], repo.path).stdout)
