"""`sealer-scan` as a program: what it prints, and how it ends."""

from __future__ import annotations

import json
import re

from sealer import schema
from tests.hooks.labelled import pem, random_text
from tests.hooks.repo import Repo, secret

CLUSTER = "version: 1\nclusters: {local: {}}\n"
TOOK = r"\d+\.\d\d s"


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
    assert re.fullmatch(f"4 findings; 3 staged files, 1 KB, {TOOK}", last)
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
        "  change it where it is used, then hand the new one over sealed: `sealer set`",
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
        "  change it where it is used, then hand the new one over sealed: `sealer set`",
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
    assert re.fullmatch(f"0 findings; 0 staged files, 0 B, {TOOK}\n", done.stdout)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_binary_is_counted_in_the_line(repo: Repo) -> None:
    repo.add("a.txt", "x\n")
    repo.add("b.bin", b"\0" * 100)
    done = repo.scan("--staged")
    assert (done.returncode, done.stderr) == (0, "")
    assert "; 2 staged files, 1 binary passed over, " in done.stdout


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
