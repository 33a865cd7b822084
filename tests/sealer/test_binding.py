"""Names, scopes, labels and contexts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer.errors import NameRefused
from sealer.formats import binding
from sealer.formats.binding import Binding, Scope

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
items = st.from_regex(r"[-._A-Za-z0-9]{1,30}", fullmatch=True).filter(lambda s: s != "." and not s.startswith(".."))


@pytest.mark.parametrize(
    ("annotations", "scope"),
    [
        ({}, Scope.STRICT),
        ({binding.NAMESPACE_WIDE: "true"}, Scope.NAMESPACE_WIDE),
        ({binding.CLUSTER_WIDE: "true"}, Scope.CLUSTER_WIDE),
        ({binding.CLUSTER_WIDE: "true", binding.NAMESPACE_WIDE: "true"}, Scope.CLUSTER_WIDE),
        *(({binding.CLUSTER_WIDE: word}, Scope.STRICT) for word in ("TRUE", "True", "1", "false", "", "yes")),
    ],
)
def test_scope_of_annotations(annotations: dict[str, str], scope: Scope) -> None:
    assert binding.scope_of(annotations) is scope
    assert binding.scope_of(binding.scope_annotations(scope)) is scope


@pytest.mark.parametrize(
    ("scope", "label"),
    [(Scope.STRICT, b"myns/myname"), (Scope.NAMESPACE_WIDE, b"myns"), (Scope.CLUSTER_WIDE, b"")],
)
def test_label_as_bitnami_builds_it(scope: Scope, label: bytes) -> None:
    assert Binding(scope, "myns", "myname").label() == label


def test_context_to_the_byte() -> None:
    assert Binding(Scope.STRICT, "ns", "db").context("pw") == b"sealer/v2\x00\x00\x02ns\x00\x02db\x00\x02pw"
    assert Binding(Scope.NAMESPACE_WIDE, "ns", "db").context("pw") == b"sealer/v2\x01\x00\x02ns\x00\x00\x00\x02pw"
    assert Binding(Scope.CLUSTER_WIDE, None, "db").context("pw") == b"sealer/v2\x02\x00\x00\x00\x00\x00\x02pw"


@given(st.lists(st.tuples(st.sampled_from(Scope), labels, labels, items), min_size=2, max_size=2, unique=True))
def test_two_places_share_a_context_only_if_the_scope_says_so(pair: list[tuple[Scope, str, str, str]]) -> None:
    (scope, namespace, name, item), other = pair
    same = Binding(scope, namespace, name).context(item) == Binding(other[0], other[1], other[2]).context(other[3])
    bound = {Scope.STRICT: (namespace, name), Scope.NAMESPACE_WIDE: (namespace,), Scope.CLUSTER_WIDE: ()}
    theirs = {Scope.STRICT: other[1:3], Scope.NAMESPACE_WIDE: other[1:2], Scope.CLUSTER_WIDE: ()}
    assert same == (scope is other[0] and item == other[3] and bound[scope] == theirs[scope])


@pytest.mark.parametrize("text", ["", "A", "a_b", "-a", "a-", "a/b", "a.b", "a" * 64, "\u0661", "a\n"])
def test_names_that_are_no_namespace(text: str) -> None:
    with pytest.raises(NameRefused):
        Binding(Scope.STRICT, text, "db").label()


@pytest.mark.parametrize("text", ["", "A", "a..b", ".a", "a.", "a/b", "a" * 254, "a b", "a\n"])
def test_names_that_are_no_name(text: str) -> None:
    with pytest.raises(NameRefused):
        Binding(Scope.STRICT, "ns", text).context("k")


@pytest.mark.parametrize("text", ["", ".", "..", "..a", "a/b", "a b", "\u00e9", "a" * 254, "a\n"])
def test_names_that_are_no_item(text: str) -> None:
    with pytest.raises(NameRefused):
        Binding(Scope.STRICT, "ns", "db").context(text)


def test_what_may_be_a_value_is_not_repeated() -> None:
    value = "hunter2 and more"
    with pytest.raises(NameRefused) as refusal:
        binding.check_item(value)
    assert value not in str(refusal.value)


@pytest.mark.parametrize("scope", [Scope.STRICT, Scope.NAMESPACE_WIDE])
def test_only_cluster_wide_may_lack_a_namespace(scope: Scope) -> None:
    with pytest.raises(NameRefused, match="namespace"):
        Binding(scope, None, "db").label()
    assert Binding(Scope.CLUSTER_WIDE, None, "db").label() == b""
