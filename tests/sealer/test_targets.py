"""For whom and as what: every pair of sources that disagree, every source alone, and properties over all of them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealer.configuration.config import Cluster, Config
from sealer.configuration.rules import Match, Rule
from sealer.errors import UsageError
from sealer.formats.binding import Scope
from sealer.sealing import targets
from sealer.sealing.targets import Flags, Said, Sealed

NAMES = st.sampled_from(["a", "b"])
MAYBE = st.none() | NAMES
SCOPES = st.none() | st.sampled_from(Scope)
RULE = ".sealer.yaml:7"
NO_FLAGS, NOT_SEALED = Flags(), Sealed()


def match(
    clusters: tuple[str, ...] = (),
    namespace: str | None = None,
    name: str | None = None,
    scope: Scope | None = None,
    stores: tuple[str, ...] = (),
) -> Match:
    return Match(Rule("x", 7), clusters, namespace, name, scope, stores)


def config(*names: str) -> Config:
    return Config(Path("/r"), ".sealer.yaml", {name: Cluster(name) for name in names})


def bind(flags: Flags, said: Said | None, rule: Match | None) -> targets.Binding:
    return targets.binding(flags, said, rule, path="f.yaml", rule=RULE)


@given(st.tuples(MAYBE, MAYBE, SCOPES), st.tuples(MAYBE, MAYBE, SCOPES), st.tuples(MAYBE, MAYBE, SCOPES))
def test_what_is_said_twice_agrees_and_nothing_is_guessed(
    flag: tuple[str | None, str | None, Scope | None],
    doc: tuple[str | None, str | None, Scope | None],
    rule: tuple[str | None, str | None, Scope | None],
) -> None:
    flags = Flags(namespace=flag[0], name=flag[1], scope=flag[2])
    said = Said("f.yaml:1", *doc)
    ruled = match(namespace=rule[0], name=rule[1], scope=rule[2])
    sets = [{each for each in claims if each is not None} for claims in zip(flag, doc, rule, strict=True)]
    scope = next(iter(sets[2]), Scope.STRICT)
    known = sets[1] and (sets[0] or scope is Scope.CLUSTER_WIDE)
    if all(len(each) <= 1 for each in sets) and known:
        found = bind(flags, said, ruled)
        assert {found.name} == sets[1]
        assert found.namespace == next(iter(sets[0]), None)
        assert found.scope is scope
    else:
        with pytest.raises(UsageError) as caught:
            bind(flags, said, ruled)
        assert caught.value.where == "f.yaml"
        assert caught.value.way_out


@pytest.mark.parametrize(
    ("flags", "said", "rule", "words"),
    [
        (
            Flags(namespace="a"),
            Said("f.yaml:3", "b", "x"),
            None,
            ("namespace", "--namespace says a", "f.yaml:3 says b"),
        ),
        (Flags(namespace="a"), None, match(namespace="b", name="x"), ("--namespace says a", f"{RULE} says b")),
        (Flags(), Said("f.yaml:3", "a", "x"), match(namespace="b"), ("f.yaml:3 says a", f"{RULE} says b")),
        (Flags(name="x"), Said("f.yaml:3", "a", "y"), None, ("name", "--name says x", "f.yaml:3 says y")),
        (Flags(), Said("f.yaml:3", "a", "y"), match(name="x"), ("f.yaml:3 says y", f"{RULE} says x")),
        (
            Flags(scope=Scope.STRICT),
            Said("f.yaml:3", "a", "y", Scope.CLUSTER_WIDE),
            None,
            ("scope", "--scope says strict", "f.yaml:3 says cluster-wide"),
        ),
        (
            Flags(),
            Said("f.yaml:3", "a", "y", Scope.STRICT),
            match(scope=Scope.NAMESPACE_WIDE),
            ("f.yaml:3 says strict", f"{RULE} says namespace-wide"),
        ),
    ],
)
def test_each_disagreement_names_both(
    flags: Flags, said: Said | None, rule: Match | None, words: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as caught:
        bind(flags, said, rule)
    assert all(word in caught.value.what for word in words)


def holders() -> Mapping[str, frozenset[str]]:
    return {"1": frozenset({"prod"}), "2": frozenset({"staging"}), "3": frozenset({"prod"}), "9": frozenset({"dev"})}


def readers(
    flags: Flags = NO_FLAGS,
    rule: Match | None = None,
    sealed: Sealed = NOT_SEALED,
    *names: str,
) -> tuple[str, ...]:
    found = config(*(names or ("staging", "prod", "dev")))
    return targets.clusters(flags, rule, found, sealed, holders, path="f.yaml", rule=RULE)


def of(*ids: str) -> frozenset[str]:
    return frozenset(ids)


def test_the_order_of_sources() -> None:
    assert readers(Flags(clusters=("prod",))) == ("prod",)
    assert readers(Flags(), match(("staging", "prod"))) == ("staging", "prod")
    assert readers(Flags(), None, Sealed((of("2", "1"),))) == ("prod", "staging")
    assert readers(Flags(), None, Sealed((), (of("9"),))) == ("dev",)
    assert readers(Flags(), None, Sealed(), "only") == ("only",)
    assert readers(Flags(clusters=("prod", "staging")), match(("staging", "prod"))) == ("prod", "staging")


def test_nobody_says_and_there_are_several() -> None:
    for sealed in (Sealed(), Sealed((of("77"),))):
        with pytest.raises(UsageError, match="staging, prod, dev") as caught:
            readers(Flags(), match(), sealed)
        assert "--cluster NAME" in caught.value.way_out


def test_unknown_cluster_flag() -> None:
    with pytest.raises(UsageError, match="--cluster other is none of"):
        readers(Flags(clusters=("other",)))


@pytest.mark.parametrize(
    ("flags", "rule", "sealed", "words"),
    [
        (Flags(clusters=("prod",)), match(("staging",)), Sealed(), ("--cluster says prod", f"{RULE} says staging")),
        (Flags(clusters=("prod",)), match(("staging", "prod")), Sealed(), ("--cluster says prod", "staging, prod")),
        (Flags(clusters=("prod",)), None, Sealed((of("2"),)), ("--cluster says prod", "other items says staging")),
        (Flags(), match(("prod",)), Sealed((of("2"),)), (f"{RULE} says prod", "other items says staging")),
        (Flags(), match(("prod",)), Sealed((of("1", "2"),)), (f"{RULE} says prod", "prod, staging")),
        (Flags(), match(("prod", "staging")), Sealed((of("1"),)), ("says prod, staging", "other items says prod")),
        (Flags(), None, Sealed((of("1"), of("2"))), ("prod, staging", "other items says")),
        (Flags(), None, Sealed((of("1"),), (of("2"),)), ("prod, staging", "other items says prod")),
    ],
)
def test_clusters_that_disagree(flags: Flags, rule: Match | None, sealed: Sealed, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        readers(flags, rule, sealed)
    assert all(word in caught.value.what for word in words)


def test_the_command_that_seals_for_others_takes_any_path() -> None:
    with pytest.raises(UsageError) as caught:
        targets.clusters(Flags(), match(("prod",)), config("prod"), Sealed((of("2"),)), holders, path="a b", rule=RULE)
    assert caught.value.way_out == "sealer unseal 'a b' | sealer seal -o 'a b'"


def test_items_that_go_and_keys_that_nobody_knows_do_not_disagree() -> None:
    assert readers(Flags(), match(("prod",)), Sealed((), (of("2"),))) == ("prod",)
    assert readers(Flags(), match(("prod",)), Sealed((of("77"),))) == ("prod",)
    assert readers(Flags(), match(("prod", "staging")), Sealed((of("1", "77"),))) == ("prod", "staging")


def test_a_newer_key_of_the_same_cluster_is_no_disagreement() -> None:
    assert readers(Flags(), match(("prod",)), Sealed((of("1"), of("3"), of("1", "3")))) == ("prod",)


@given(
    st.sets(st.sampled_from(["staging", "prod", "dev"])),
    st.sets(st.sampled_from(["staging", "prod", "dev"])),
    st.sets(st.sampled_from(["1", "2", "9"])),
)
def test_readers_are_what_every_source_says(flag: set[str], rule: set[str], ids: set[str]) -> None:
    file = set().union(*(holders()[each] for each in ids))
    said = [each for each in (flag, rule, file) if each]
    agree = all(one == other for one, other in itertools.pairwise(said))
    sealed = Sealed((frozenset(ids),) if ids else ())
    if said and agree:
        assert set(readers(Flags(clusters=tuple(flag)), match(tuple(rule)), sealed)) == said[0]
    else:
        with pytest.raises(UsageError):
            readers(Flags(clusters=tuple(flag)), match(tuple(rule)), sealed)


def test_stores() -> None:
    def stores(said: Said | None, rule: Match | None) -> tuple[str, ...]:
        return targets.stores(said, rule, path="f.yaml", rule=RULE)

    ruled = match(stores=("vault", "local"))
    assert stores(None, ruled) == ("vault", "local")
    assert stores(Said("f:1", stores=("local", "vault")), ruled) == ("local", "vault")
    assert stores(Said("f:1", stores=("vault",)), None) == ("vault",)
    assert stores(Said("f:1"), match()) == ()
    with pytest.raises(UsageError, match=r"f:1 names stores vault, .*:7 names vault, local"):
        stores(Said("f:1", stores=("vault",)), ruled)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((["prod"], None, None, None, None, "c.pem"), "--cert and --cluster"),
        ((None, None, None, None, "v2", "c.pem"), "--envelope says v2"),
    ],
)
def test_flags_that_contradict_each_other(arguments: tuple[object, ...], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        Flags.of(*arguments)  # type: ignore[arg-type]


def test_lists_in_annotations() -> None:
    assert targets.split_list(" a, b,,c ") == ("a", "b", "c")
    assert targets.split_list("") == ()
