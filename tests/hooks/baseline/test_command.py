"""`sealer-scan baseline` as a program."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.hooks.labelled import pem, random_text
from tests.hooks.repo import BIN, Repo, run, secret

FILE = ".sealer/baseline.yaml"


def test_what_is_there_is_accepted_and_what_comes_is_found(repo: Repo) -> None:
    value = random_text("alnum", 32)
    repo.add("s.yaml", secret(value))
    repo.add("key.pem", "\n".join(pem("PRIVATE KEY")) + "\n")
    done = repo.scan("baseline", "--reason", "fixtures of\nthe test server")
    assert done.returncode == 0, done.stderr
    assert "accepted  s.yaml:7  kubernetes-secret  stringData.password: ********\n" in done.stdout
    assert "2 entries added to .sealer/baseline.yaml" in done.stdout
    text = (repo.path / FILE).read_text()
    assert value not in text
    assert text.count('reason: "fixtures of the test server"') == 2
    assert (repo.path / ".sealer/.gitattributes").read_text() == "baseline.yaml merge=union\n"
    done = repo.scan()
    assert (done.returncode, done.stdout[:25]) == (0, "0 findings, 2 accepted; 4")
    assert repo.scan("--staged", folder=".sealer").returncode == 0
    repo.add("new.yaml", secret())
    done = repo.scan("--staged")
    assert done.returncode == 1
    assert "new.yaml:7" in done.stdout
    assert "s.yaml:7" not in done.stdout.replace("new.yaml", "")


def test_lines_that_move_stay_accepted(repo: Repo) -> None:
    value = random_text("alnum", 32)
    repo.add("s.yaml", secret(value))
    repo.scan("baseline", "--reason", "fixture")
    repo.add("s.yaml", "# one\n# two\n" + secret(value))
    repo.commit()
    assert repo.scan().returncode == 0


def test_a_second_run_adds_only_and_keeps_the_salt(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    repo.scan("baseline", "--reason", "one")
    before = (repo.path / FILE).read_text().splitlines()
    assert "0 entries added" in repo.scan("baseline", "--reason", "two").stdout
    assert (repo.path / FILE).read_text().splitlines() == before
    repo.add("t.yaml", secret())
    repo.scan("baseline", "--reason", "two", "--expires", "90d")
    after = (repo.path / FILE).read_text().splitlines()
    assert set(before) < set(after)
    assert f'expires: "{date.today() + timedelta(days=90)}"' in "\n".join(after)


def test_an_expired_entry_counts_again_and_is_named(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    repo.scan("baseline", "--reason", "until the move", "--expires", "1d")
    path = repo.path / FILE
    path.write_text(path.read_text().replace(str(date.today() + timedelta(days=1)), "2020-01-31"))
    done = repo.scan("--staged")
    assert done.returncode == 1
    assert "warning: s.yaml:7: kubernetes-secret was accepted until 2020-01-31 (until the move)" in done.stderr
    done = repo.scan("baseline", "--prune")
    assert "expired  .sealer/baseline.yaml:" in done.stdout
    assert "2020" not in path.read_text()
    repo.scan("baseline", "--reason", "again")
    assert repo.scan("--staged").returncode == 0


def test_many_expired_entries_are_one_line_with_their_count(repo: Repo) -> None:
    for number in range(12):
        repo.add(f"{number:02}.yaml", secret())
    repo.scan("baseline", "--reason", "until the move", "--expires", "1d")
    path = repo.path / FILE
    path.write_text(path.read_text().replace(str(date.today() + timedelta(days=1)), "2020-01-31"))
    done = repo.scan("--staged")
    assert done.returncode == 1
    expired, way_out = done.stderr.splitlines()
    assert expired.startswith(f"warning: 12 entries of {FILE} have expired: 00.yaml:7: kubernetes-secret was accepted")
    assert [name in expired for name in ("00.yaml", "01.yaml", "02.yaml", "03.yaml")] == [True, True, True, False]
    assert expired.endswith("; and 9 more")
    assert way_out == "  way out: change the value, or accept it again: sealer scan baseline --reason TEXT"


def test_prune_names_what_is_not_found_any_more(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    repo.add("t.yaml", secret())
    repo.scan("baseline", "--reason", "gone soon")
    (repo.path / "s.yaml").unlink()
    before = (repo.path / FILE).read_text()
    done = repo.scan("baseline", "--prune", "--dry-run")
    assert done.returncode == 1
    assert "unused   .sealer/baseline.yaml:" in done.stdout
    assert "(gone soon)" in done.stdout
    assert (repo.path / FILE).read_text() == before
    done = repo.scan("baseline", "--prune")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 entry taken out of .sealer/baseline.yaml")
    assert (repo.path / FILE).read_text().count("gone soon") == 1
    assert repo.scan().returncode == 0


def test_it_is_where_the_configuration_says(repo: Repo) -> None:
    repo.write(".sealer.yaml", "version: 1\nclusters: {local: {}}\nscan: {baseline: ci/accepted.yaml}\n")
    repo.add("s.yaml", secret())
    assert repo.scan("baseline", "--reason", "fixture").returncode == 0
    assert (repo.path / "ci/accepted.yaml").is_file()
    assert not (repo.path / "ci/.gitattributes").exists()
    assert repo.scan("--staged").returncode == 0
    (repo.path / "sub").mkdir()
    assert repo.scan("--staged", folder="sub").returncode == 0


def test_it_is_where_the_option_says(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    assert repo.scan("--baseline", "b.yaml").returncode == 2
    assert repo.scan("baseline", "--baseline", "b.yaml", "--reason", "fixture").returncode == 0
    assert repo.scan("--staged").returncode == 1
    assert repo.scan("--staged", "--baseline", "b.yaml").returncode == 0


def test_only_what_is_asked_for_is_accepted(repo: Repo) -> None:
    repo.add("a/s.yaml", secret())
    repo.add("b/s.yaml", secret())
    repo.add("key.pem", "\n".join(pem("PRIVATE KEY")) + "\n")
    assert "1 entry added" in repo.scan("baseline", "--reason", "x", "--rule", "private-key").stdout
    assert "1 entry added" in repo.scan("baseline", "--reason", "x", "a").stdout
    done = repo.scan()
    assert (done.returncode, done.stdout.count("kubernetes-secret  ")) == (1, 1)


def test_a_broken_baseline_is_an_error_and_never_passes(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    repo.scan("baseline", "--reason", "x")
    path = repo.path / FILE
    path.write_text(path.read_text() + "<<<<<<< HEAD\n")
    done = repo.scan("--staged")
    assert done.returncode == 2
    assert ".sealer/baseline.yaml:" in done.stderr
    assert "is not merged yet" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "says no reason"),
        (["--reason", " "], "says no reason"),
        (["--reason", "x", "--expires", "soon"], "a date or a number of days"),
        (["--reason", "x", "--expires", "2020-01-01"], "is in the past"),
        (["--prune", "--staged"], "has to look everywhere"),
        (["--prune", "--reason", "x"], "adds nothing"),
        (["--dry-run", "--reason", "x"], "belongs to --prune"),
        (["--from", "missing"], "missing: can't be read"),
    ],
)
def test_options_that_contradict_each_other(repo: Repo, arguments: list[str], said: str) -> None:
    done = repo.scan("baseline", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_sealer_scan_baseline_is_the_same(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    done = run([str(BIN / "sealer"), "scan", "baseline", "--reason", "fixture"], repo.path)
    assert done.returncode == 0, done.stderr
    assert "--prune" in run([str(BIN / "sealer"), "scan", "baseline", "--help"], repo.path).stdout


def test_what_gitleaks_accepts_by_its_commit_is_in_history(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    commit = repo.commit()
    repo.git("rm", "-q", "s.yaml")
    repo.write("ignore", f"{commit}:s.yaml:generic-api-key:7\n")
    repo.git("add", ".")
    repo.commit()
    done = repo.scan("baseline", "--from", "ignore")
    assert done.returncode == 1, "nothing was taken over"
    assert "s.yaml:generic-api-key:7: is not found here" in done.stderr
    assert "sealer-scan baseline --from ignore --history" in done.stderr
    for _ in range(2):
        done = repo.scan("baseline", "--from", "ignore", "--history")
        assert (done.returncode, done.stderr) == (0, ""), "also when it is there already"
    assert repo.scan("--history").returncode == 0


@pytest.mark.parametrize("line", ["{rule: x-y, mac: 12zz, reason: a}", "{rule: x-y, reason: a}", "{rule: x-y, mac: 12"])
def test_of_a_damaged_line_it_is_said_what_is_expected(repo: Repo, line: str) -> None:
    repo.add("s.yaml", secret())
    salt = "00" * 32
    repo.write(".sealer/baseline.yaml", f'version: 1\naccepted:\n  - {{salt: "{salt}"}}\n  - {line}\n')
    done = repo.scan()
    assert done.returncode == 2
    assert "a line is  - {rule: ID, mac: HEX, reason: TEXT}" in done.stderr
