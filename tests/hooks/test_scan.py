"""`sealer-scan` as a program: what it prints and how it ends, what is accepted, what a clean run imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hooks import accept, compat, scan
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


CLUSTER = "version: 1\nclusters: {local: {}}\n"


def test_findings_look_like_this(repo: Repo) -> None:
    repo.write(".sealer.yaml", CLUSTER)
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


def test_without_a_cluster_it_says_what_such_a_user_can_do(repo: Repo) -> None:
    repo.add("app.env", f"API_KEY={random_text('alnum', 32)}\n")
    repo.add("main.go", f'var password = "{random_text("alnum", 20)}"\n')
    repo.add("s.yaml", secret())
    done = repo.scan("--staged")
    assert done.stdout.splitlines()[:-1] == [
        "app.env:1  env-file  API_KEY: ********",
        "  change it where it is used: whoever reads this file knows it",
        "  take out  git rm --cached app.env, and name it in .gitignore",
        "  not one   end the line with  # sealer:allow env-file REASON",
        "main.go:1  generic-password  password: ********",
        "  revoke it change it where it is used, then hand the new one over sealed: `sealer seal`",
        "  take out  read it from the environment, or seal it: sealer init has to come first",
        "  not one   end the line with  // sealer:allow generic-password REASON",
        "s.yaml:7  kubernetes-secret  stringData.password: ********",
        "  change it where it is used: whoever reads this file knows it",
        "  seal it   sealer init, then  sealer seal --in-place s.yaml",
        "  not one   end the line with  # sealer:allow kubernetes-secret REASON",
    ]


def test_what_is_the_same_for_many_is_said_once(repo: Repo) -> None:
    for number in range(20):
        repo.add(f"s{number:02}.yaml", secret())
        repo.add(f"t{number:02}.js", f'const password = "{random_text("alnum", 20)}";\n')
    lines = repo.scan("--staged").stdout.splitlines()
    assert lines[0] == "s00.yaml:7  kubernetes-secret  stringData.password: ********"
    assert lines[40:-1] == [
        "",
        "kubernetes-secret:",
        "  change it where it is used: whoever reads this file knows it",
        "  seal it   sealer init, then  sealer seal --in-place FILE",
        "  not one   end the line with  # sealer:allow RULE REASON",
        "generic-password:",
        "  revoke it change it where it is used, then hand the new one over sealed: `sealer seal`",
        "  take out  read it from the environment, or seal it: sealer init has to come first",
        "  not one   end the line with  // sealer:allow RULE REASON",
    ]
    repo.add("t19.js", f'password = "{random_text("alnum", 20)}";  // sealer:allow\n')
    for number in range(20):
        repo.add(f"u{number:02}.go", f'password := "{random_text("alnum", 20)}"\n')
    lines = repo.scan("--staged").stdout.splitlines()
    assert "t19.js:1  generic-password  password: ********  mark: no rule" in lines
    assert len(lines) == 60 + 10, "nothing more for more of the same"
    for number in range(20):
        repo.git("rm", "-q", "--cached", f"u{number:02}.go")
    assert len(repo.scan("--staged", "--quiet").stdout.splitlines()) == 40


def test_a_line_break_in_a_name_makes_no_line_of_ours(repo: Repo) -> None:
    repo.add("x\n0 findings; 1 staged file.yaml", secret())
    done = repo.scan("--staged")
    assert done.returncode == 1
    assert not any(line.startswith("0 findings") for line in done.stdout.splitlines())


def test_clean_is_one_line(repo: Repo) -> None:
    done = repo.scan("--staged")
    assert done.stdout.startswith("0 findings; 0 staged files, 0 B, 0.0")
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")


def test_a_binary_is_counted_in_the_line(repo: Repo) -> None:
    repo.add("a.txt", "x\n")
    repo.add("b.bin", b"\0" * 100)
    done = repo.scan("--staged")
    assert (done.returncode, done.stderr) == (0, "")
    assert "; 2 staged files, 1 binary passed over, " in done.stdout


def test_a_hook_has_the_options_that_the_parser_gives() -> None:
    """Hooks start with `--staged` alone, which is not worth a parser."""
    parsed = vars(scan._parser().parse_args(["--staged"]))
    quick = {name: getattr(scan._Staged, name, None) for name in vars(scan._Staged) if not name.startswith("_")}
    assert {name: value or None for name, value in quick.items()} == {
        name: value or None for name, value in parsed.items()
    }


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


# --- options ----------------------------------------------------------------------------------------------------


def test_warnings_fail_if_asked_to(repo: Repo) -> None:
    repo.add("key.pem", "\n".join(pem("ENCRYPTED PRIVATE KEY")) + "\n")
    assert repo.scan("--staged", "--strict").returncode == 1
    assert repo.scan("--staged").returncode == 0
    repo.write(".sealer.yaml", "version: 1\nscan: {strict: true}\n")
    assert repo.scan("--staged").returncode == 1


def test_stdin_has_a_sign_and_a_name(repo: Repo) -> None:
    def piped(*arguments: str) -> subprocess.CompletedProcess[str]:
        text = f"API_KEY={random_text('alnum', 32)}\n"
        return subprocess.run(
            [SCAN, *arguments], input=text, capture_output=True, text=True, check=False, cwd=repo.path
        )

    assert "stdin:1  " in piped("-").stdout
    assert "prod/.env:1  env-file  API_KEY" in piped("--stdin", "--stdin-name", "prod/.env").stdout
    assert piped("-", "a.txt").returncode == 2
    assert piped("--stdin-name", "x").returncode == 2


def test_only_one_rule_is_asked_for(repo: Repo) -> None:
    repo.add("key.pem", "\n".join(pem("PRIVATE KEY")) + "\n")
    repo.add("s.yaml", secret())
    done = repo.scan("--staged", "--rule", "private-key")
    assert (done.returncode, done.stdout.splitlines()[-1][:26]) == (1, "1 finding; 2 staged files,")
    done = repo.scan("--staged", "--rule", "privat-key")
    assert (done.returncode, "private-key" in done.stderr) == (2, True)


def test_quiet_prints_findings_alone(repo: Repo) -> None:
    repo.add("a.txt", "x\n")
    done = repo.scan("--staged", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    repo.add("s.yaml", secret())
    done = repo.scan("--staged", "--quiet")
    assert (done.returncode, done.stdout) == (1, "s.yaml:7  kubernetes-secret  stringData.password: ********\n")


def test_an_excluded_file_does_not_count_as_scanned(repo: Repo) -> None:
    repo.add("a/s.yaml", secret())
    repo.add("b.txt", "x\n")
    assert repo.scan("--exclude", "s.yaml").stdout.startswith("0 findings; 1 file, 2 B")
    assert repo.scan("--staged", "--exclude", "**").stdout.startswith("0 findings; 0 staged files, 0 B")


def test_what_was_wrong_with_an_option_is_named_but_no_value_is(repo: Repo) -> None:
    value = random_text("alnum", 24)
    for word, said, way_out in (
        ("--stagd", "no such option: --stagd", "--staged"),
        (f"--token={value}", "no such option: --token", "sealer-scan --help"),
        (f"-z{value}", "no such option: -z", "sealer-scan --help"),
        (f"--{value}0", "no such option", "sealer-scan --help"),
    ):
        done = repo.scan(word)
        assert (done.returncode, done.stderr) == (2, f"error: {said}\n  way out: {way_out}\n")
        assert value not in done.stdout + done.stderr
    done = repo.scan("a.txt", "--staged", value)
    assert (done.returncode, value in done.stderr) == (2, False)


def test_an_ending_that_is_no_report_s_is_an_error(repo: Repo) -> None:
    done = repo.scan("-o", "report.pdf")
    assert (done.returncode, ".sarif" in done.stderr) == (2, True)
    assert repo.scan("-o", "report.log", "--format", "json").returncode == 0


def test_its_version_is_told(repo: Repo) -> None:
    assert repo.scan("--version").stdout.startswith("sealer-scan ")


# --- what a rename brings in ----------------------------------------------------------------------------------------


def test_a_rename_alone_brings_nothing_in(repo: Repo) -> None:
    value = random_text("alnum", 20)
    repo.add("in/a.yaml", secret(value))
    first = repo.commit()
    repo.git("mv", "in/a.yaml", "in/b.yaml")
    for folder in (".", "in"):
        done = repo.scan("--staged", folder=folder)
        assert done.returncode == 0, done.stdout
    repo.write("in/b.yaml", secret(value) + f"  other: {random_text('alnum', 20)}\n")
    repo.git("add", ".")
    assert repo.scan("--staged").stdout.count("kubernetes-secret  ") == 2, "a changed file is a new one"
    repo.write("in/b.yaml", secret(value))
    repo.git("add", ".")
    repo.commit()
    done = repo.scan("--range", f"{first}..")
    assert done.returncode == 0, done.stdout
    repo.add("x/d.yaml", secret(value))
    before = repo.git("rev-parse", "HEAD").strip()
    repo.commit()
    repo.git("mv", "x/d.yaml", "x/e.yaml")
    repo.commit()
    done = repo.scan("--range", f"{before}..")
    assert "x/d.yaml:7" in done.stdout
    assert "x/e.yaml" not in done.stdout
    assert "x/e.yaml:7" in repo.scan("--range", f"{before}..", "x/e.yaml").stdout, "what is asked for alone is told"
    repo.git("mv", "x/e.yaml", "x/f.yaml")
    repo.add("x/g.yaml", secret(value))
    done = repo.scan("--staged")
    assert "x/g.yaml:7" in done.stdout, "a copy is new"


def test_a_rename_to_where_it_counts_is_told(repo: Repo) -> None:
    repo.write(".sealer.yaml", "version: 1\nscan: {exclude: ['testdata/**']}\n")
    repo.add("testdata/a.yaml", secret())
    repo.commit()
    repo.git("mv", "testdata/a.yaml", "a.yaml")
    done = repo.scan("--staged")
    assert (done.returncode, "a.yaml:7" in done.stdout) == (1, True)


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
        assert ("the mark there gives no reason" in done.stdout) == (mark == "# sealer:allow kubernetes-secret")
        assert ("the mark there is for another rule:" in done.stdout) == ("private-key" in mark)
        assert ("the mark there names no rule:" in done.stdout) == (mark == "# sealer:allow")
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
    repo.write(".sealer.yaml", CLUSTER)
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


def test_what_was_fixed_in_the_work_tree_is_open_no_more(repo: Repo) -> None:
    _with_keys(repo)
    repo.write("secrets/payments/db.yaml", secret())
    done = repo.scan("--fix")
    assert (done.returncode, done.stdout.startswith("0 findings; ")) == (0, True)
    repo.write("secrets/payments/db.yaml", secret())
    repo.write("a.env", f"API_KEY={random_text('alnum', 32)}\n")
    done = repo.scan("--fix")
    assert (done.returncode, "db.yaml" in done.stdout, "a.env:1" in done.stdout) == (1, False, True)
    repo.write("no-rule.yaml", secret().replace("  namespace: payments\n", ""))
    done = repo.scan("--fix", "no-rule.yaml")
    assert (done.returncode, "sealer seal --in-place --namespace NAMESPACE no-rule.yaml" in done.stderr) == (1, True)


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
    assert "sealer-scan --fix --to secrets/NAMESPACE/NAME.yaml prod.env" in done.stderr
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
