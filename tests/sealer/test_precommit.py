"""Adding to files that belong to somebody: what was there stays, byte for byte."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer.configuration import config_edit, config_reader, precommit
from sealer.documents import yamlio
from sealer.errors import DocumentError

ALL = tuple(precommit.HOOKS)

# Each keeps something that a careless edit would lose or move.
STANDING = [
    "repos:\n  - repo: https://example.com/a\n    rev: v1\n    hooks:\n      - id: x\n",
    "repos:\n- repo: https://example.com/a\n  rev: v1\n  hooks:\n  - id: x",
    (
        "# head\nci: {skip: [a]}\nrepos:\n  - repo: a  # why\n    hooks: [{id: x}]  # tail\n"
        "\n# about what follows\ndefault_stages: [pre-commit]\n"
    ),
    "repos:\r\n  - repo: a\r\n    hooks:\r\n      - id: x\r\nfail_fast: true\r\n",
    "\ufeffrepos:\n  - repo: a\n    hooks: [{id: x}]\n",
    (
        "repos:\n    -   repo: local\n        hooks:\n        -   id: x\n"
        "            entry: |\n                one\n\n                two\n            name: 'n: #'\n"
    ),
    "repos:\n  - repo: local\n    hooks:\n      - id: x\n        entry: |\n          one\n\n\nexclude: y\n",
    "repos:\n  - &a\n    repo: a\n    hooks: [{id: x}]\n  - *a\n",
    "---\nrepos:\n  - repo: a\n    hooks: &h\n      - id: x\n  - repo: b\n    hooks: *h\n...\n",
]


def _plain(data: bytes) -> Any:
    return yamlio.load_config(data, "x")


@pytest.mark.parametrize("text", STANDING)
@pytest.mark.parametrize("hooks", [ALL, ALL[:1]])
def test_hooks_are_added_and_every_byte_stays(text: str, hooks: tuple[str, ...]) -> None:
    before = text.encode()
    after = precommit.with_hooks(before, "x", hooks)
    added = re.search(
        rb"[ ]*- repo: local\r?\n[ ]*hooks:\r?\n[ ]*- id: (scan-secrets|check-sealed)(.|\n)*?false\r?\n", after
    )
    assert added is not None
    old, new = _plain(before), _plain(after)
    assert {**new, "repos": None} == {**old, "repos": None}
    ours = [repo for repo in new["repos"] if repo["hooks"][0]["id"] in ALL]
    assert [repo for repo in new["repos"] if repo not in ours] == old["repos"]
    assert [hook["id"] for repo in ours for hook in repo["hooks"]] == list(hooks)
    # One run of bytes was put in, and nothing else was touched (but a last line may get its newline).
    start = next((i for i in range(len(before)) if before[i] != after[i]), len(before))
    length = len(after) - len(before)
    assert any(after[:at] + after[at + length :] == before for at in range(start + 1))
    if b"\r\n" in before:
        assert b"\n" not in after.replace(b"\r\n", b"")


def test_a_comment_above_what_follows_stays_there() -> None:
    after = precommit.with_hooks(STANDING[2].encode(), "x", ALL).decode()
    assert after.endswith("\n\n# about what follows\ndefault_stages: [pre-commit]\n")


def test_both_hooks_are_as_the_design_says() -> None:
    assert _plain(precommit.first()) == {
        "repos": [
            {
                "repo": "local",
                "hooks": [
                    {
                        "id": hook,
                        "name": precommit.HOOKS[hook][0],
                        "entry": entry,
                        "language": "system",
                        **({"verbose": True} if hook == "scan-secrets" else {}),  # or its warnings are hidden
                        "pass_filenames": False,
                    }
                    for hook, entry in (("scan-secrets", "sealer-scan --staged"), ("check-sealed", "sealer-check"))
                ],
            }
        ]
    }


def test_what_is_there_is_not_missing() -> None:
    assert precommit.missing(b"", "x") == ALL
    assert precommit.missing(STANDING[0].encode(), "x") == ALL
    assert precommit.missing(precommit.first(), "x") == ()
    released = b"repos:\n  - repo: https://example.com/sealer\n    rev: v1\n    hooks: [{id: check-sealed}]\n"
    assert precommit.missing(released, "x") == ("scan-secrets",)


@pytest.mark.parametrize(
    "text", ["repos: []\n", "repos: [{repo: a, hooks: []}]\n", "repos:\n", "ci: {}\n", "repos: x\n"]
)
def test_what_can_not_be_edited_is_said_with_the_lines_to_add(text: str) -> None:
    with pytest.raises(DocumentError) as refused:
        precommit.with_hooks(text.encode(), "x", ALL)
    assert "entry: sealer-check" in refused.value.way_out


def test_an_empty_file_gets_them() -> None:
    assert precommit.missing(precommit.with_hooks(b"# nothing yet", "x", ALL), "x") == ()


# -- .sealer.yaml ------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(["github.com/example/shop", "no", "1e5", "0x1f", "a~b", "y-1"]),
    st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
    | st.sampled_from(["no", "on", "1e5", "0", "y"]),
    st.sampled_from([None, "https://sealer.example.com/v1/keys", "https://h.example/?a=b#c", "https://h.example/it's"]),
)
def test_a_first_file_says_what_it_was_told(source: str, cluster: str, url: str | None) -> None:
    data = config_edit.first(source=source, cluster=cluster, url=url)
    assert data.startswith(b"# +argocd:skip-file-rendering\n")
    read = config_reader.read(data, Path("/r"), "x")
    assert (read.source, list(read.clusters), read.clusters[cluster].url) == (source, [cluster], url)
    assert [(rule.pattern, rule.clusters) for rule in read.rules] == [("secrets/{namespace}/{name}.yaml", (cluster,))]


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nclusters:\n  prod: {}\n",
        (
            "version: 1\nclusters:  # these\n  # the first\n  prod: {}  # one\n\n  # the second\n"
            "  staging:\n    envelope: v1  # the last\n# rules\nrules: []"
        ),
        "version: 1\nclusters:\n  prod: {}",
        "clusters:\r\n    prod: {}\r\nversion: 1\r\n",
        "\ufeffversion: 1\nclusters:\n  prod: {}\n",
    ],
)
@pytest.mark.parametrize("url", [None, "https://sealer.example.com/v1/keys"])
def test_a_cluster_is_added_and_every_byte_stays(text: str, url: str | None) -> None:
    before = text.encode()
    after = config_edit.with_cluster(before, "x", cluster="no", url=url)
    old, new = (config_reader.read(data, Path("/r"), "x") for data in (before, after))
    assert set(new.clusters) == {*old.clusters, "no"}
    assert new.clusters["no"].url == url
    assert set(before.splitlines()) <= set(after.splitlines())
    assert len(after) > len(before)
    if b"\r\n" in before:
        assert b"\n" not in after.replace(b"\r\n", b"")


def test_comments_stay_with_what_they_are_about() -> None:
    text = "version: 1\nclusters:\n  # about prod\n  prod: {}  # one\n\n# about rules\nrules: []\n"
    after = config_edit.with_cluster(text.encode(), "x", cluster="staging", url=None).decode()
    assert after == text.replace("# one\n", "# one\n  staging: {}\n")


def test_clusters_on_one_line_are_left_alone() -> None:
    with pytest.raises(DocumentError) as refused:
        config_edit.with_cluster(b"version: 1\nclusters: {prod: {}}\n", "x", cluster="staging", url=None)
    assert "staging: {}" in refused.value.way_out
