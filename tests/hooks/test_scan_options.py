"""`sealer-scan` as a program: its options, and what it says to those that it has not."""

from __future__ import annotations

import subprocess

import pytest

from hooks import scan
from tests.hooks.labelled import pem, random_text
from tests.hooks.repo import SCAN, Repo, secret


def test_a_hook_has_the_options_that_the_parser_gives() -> None:
    """Hooks start with `--staged` alone, which is not worth a parser."""
    parsed = vars(scan._parser().parse_args(["--staged"]))
    quick = {name: getattr(scan._Staged, name, None) for name in vars(scan._Staged) if not name.startswith("_")}
    assert {name: value or None for name, value in quick.items()} == {
        name: value or None for name, value in parsed.items()
    }


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


def test_a_quiet_line_is_one_however_long_its_path(repo: Repo) -> None:
    paths = [f"{'a-folder-of-many/' * 8}{name}.yaml" for name in "ab"]
    for path in paths:
        repo.add(path, secret())
    done = repo.scan("--staged", "-q")
    assert done.stdout.splitlines() == [f"{path}:7  kubernetes-secret  stringData.password: ********" for path in paths]


@pytest.mark.parametrize("where", [("--staged",), ("--range", "HEAD..HEAD"), ("--history",)])
def test_a_path_that_never_was_is_not_clean(repo: Repo, where: tuple[str, ...]) -> None:
    repo.add("once.yaml", secret())
    assert repo.scan("--staged", "--quiet", "nowhere.yaml").returncode == 2, "without any commit, too"
    repo.commit()
    repo.git("rm", "-q", "once.yaml")
    repo.commit()
    assert repo.scan(*where, "once.yaml").returncode == (where == ("--history",))
    done = repo.scan(*where, "nowhere.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: nowhere.yaml: no such file or directory, here or in any commit\n"


@pytest.mark.parametrize(
    ("words", "way_out"),
    [
        ("detect --source .", "sealer-scan PATH"),
        ("detect", "sealer-scan; for commits as well: sealer-scan --history"),
        ("protect --staged", "sealer-scan --staged"),
        ("git --report-path r.json", "-o FILE"),
        ("--since-commit main", "--range COMMIT..HEAD"),
        ("--only-verified", "leave it out: no credential is ever tried out"),
        ("-r r.json", "-o FILE"),
    ],
)
def test_words_of_other_scanners_are_told_what_does_the_same(repo: Repo, words: str, way_out: str) -> None:
    repo.add("s.yaml", secret())
    done = repo.scan(*words.split())
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"  way out: {way_out}")


def test_a_folder_that_is_called_as_a_command_of_theirs_is_scanned(repo: Repo) -> None:
    repo.add("git/s.yaml", secret())
    assert repo.scan("git").returncode == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (secret(), "  seal it   sealer init, then  pipe it into  sealer seal -o secrets/NAMESPACE/NAME.yaml"),
        (
            "\n".join(pem("PRIVATE KEY")),
            "  seal it   sealer init, then  pipe it into  sealer set secrets/NAMESPACE/NAME.yaml KEY",
        ),
    ],
)
def test_what_came_from_a_pipe_is_no_file_to_seal_or_remove(repo: Repo, text: str, said: str) -> None:
    done = subprocess.run([SCAN, "-"], input=text, capture_output=True, text=True, check=False, cwd=repo.path)
    assert said in done.stdout.splitlines()
    assert " stdin" not in done.stdout


def test_a_warning_says_where_it_is_explained(repo: Repo) -> None:
    repo.add("key.pem", "\n".join(pem("ENCRYPTED PRIVATE KEY")) + "\n")
    assert "why it is one: sealer scan explain encrypted-private-key\n" in repo.scan("--staged").stdout
    repo.add("s.yaml", secret())
    assert "explain kubernetes-secret" not in repo.scan("--staged").stdout


def test_versions_of_files_are_called_so(repo: Repo) -> None:
    repo.add("a.txt", "one\n")
    repo.commit()
    repo.add("a.txt", "two\n")
    repo.commit()
    assert repo.scan("--history").stdout.startswith("0 findings; 2 file versions, ")


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
