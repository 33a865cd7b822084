"""For whom and as what a path is sealed (DESIGN sections 11 and 12): flags, the document and the rule, put together.

Clusters: flag, rule, clusters the file is sealed to, the only one. Namespace, name and scope: flag, document, rule.
Whatever is said twice has to agree; nothing is guessed, and neither kubeconfig nor Git is asked. Pure: the
configuration and the pinned bundles come in; `sealer.sealing.resolver` reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from sealer.errors import SealerError, UsageError
from sealer.formats.binding import CLUSTER_WIDE, NAMESPACE_WIDE, Binding, Scope, scope_of
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.configuration.config import Config
    from sealer.configuration.rules import Match
    from sealer.documents.document import Manifest, SealedSecret
    from sealer.sealing.seal import Recipients

STORES = "sealer.dev/stores"
"""Annotation that names the stores of a sealed document, separated by commas."""
EXPOSED = "sealer.dev/exposed"
"""Annotation that names the items whose value leaked and has to change, separated by commas."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Flags:
    """What was said on the command line; None or empty: nothing."""

    clusters: tuple[str, ...] = ()
    namespace: str | None = None
    name: str | None = None
    scope: Scope | None = None
    envelope: str | None = None
    cert: str | None = None

    @classmethod
    def of(
        cls,
        clusters: Sequence[str] | None,
        namespace: str | None,
        name: str | None,
        scope: str | None,
        envelope: str | None,
        cert: str | None,
    ) -> Flags:
        """The flags as Typer hands them over. Raises UsageError for those that contradict each other."""
        if cert is not None and clusters:
            raise UsageError("--cert and --cluster both say whom to seal for", way_out="leave one of them out")
        if cert is not None and envelope == "v2":
            raise UsageError("--cert seals v1, and --envelope says v2", way_out="name a cluster instead: --cluster")
        named = tuple(dict.fromkeys(clusters or ()))
        return cls(named, namespace, name, Scope(scope) if scope else None, envelope, cert)


@dataclass(frozen=True, slots=True)
class Said:
    """What a document says of itself, and where; None: nothing."""

    where: str
    namespace: str | None = None
    name: str | None = None
    scope: Scope | None = None
    stores: tuple[str, ...] | None = None

    @classmethod
    def of(cls, document: Manifest | SealedSecret) -> Said:
        """Of a Secret no scope annotation says nothing; a SealedSecret's items are bound even by its absence."""
        from sealer.documents.document import Manifest

        if isinstance(document, Manifest):
            secret = document.secret
            annotations = secret.annotations
            scope = scope_of(annotations) if {CLUSTER_WIDE, NAMESPACE_WIDE} & annotations.keys() else None
            return cls(str(document.place), secret.namespace, secret.name, scope, _stores(annotations))
        stores = _stores(document.annotations)
        return cls(str(document.place), document.namespace, document.name, document.scope, stores)


@dataclass(frozen=True, slots=True)
class Sealed:
    """The key ids to which each v2 item of a file is sealed: those that stay, and those that are about to go."""

    staying: tuple[frozenset[str], ...] = ()
    leaving: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One document's place and readers, ready to be sealed for."""

    path: str
    binding: Binding
    clusters: tuple[str, ...]
    stores: tuple[str, ...]
    recipients: Recipients
    warnings: tuple[str, ...] = field(default=())


def binding(flags: Flags, said: Said | None, match: Match | None, *, path: str, rule: str) -> Binding:
    """Namespace, name and scope for a document. Raises UsageError for two that disagree, or one that nobody says."""
    namespace = _agreed(
        "namespace",
        path,
        ("--namespace", flags.namespace),
        (said.where if said else "", said.namespace if said else None),
        (rule, match.namespace if match else None),
    )
    name = _agreed(
        "name",
        path,
        ("--name", flags.name),
        (said.where if said else "", said.name if said else None),
        (rule, match.name if match else None),
    )
    scope = _agreed(
        "scope",
        path,
        ("--scope", flags.scope),
        (said.where if said else "", said.scope if said else None),
        (rule, match.scope if match else None),
        show=lambda scope: scope.value,
    )
    scope = scope or Scope.STRICT
    if name is None:
        raise _unsaid("name", path)
    if namespace is None and scope is not Scope.CLUSTER_WIDE:
        raise _unsaid("namespace", path)
    return Binding(scope, namespace, name)


def stores(said: Said | None, match: Match | None, *, path: str, rule: str) -> tuple[str, ...]:
    """The stores that the sealed document names: the document's own, else the rule's. Raises UsageError."""
    ruled = match.stores if match and match.stores else None
    if said is None or said.stores is None:
        return ruled or ()
    mine = said.stores
    if ruled is not None and set(ruled) != set(mine):
        raise UsageError(
            f"{said.where} names stores {', '.join(mine) or '(none)'}, {rule} names {', '.join(ruled)}",
            where=path,
            way_out=f"make the annotation {STORES} say what the rule says",
        )
    return mine


def clusters(
    flags: Flags,
    match: Match | None,
    config: Config,
    sealed: Sealed,
    holders: Callable[[], Mapping[str, frozenset[str]]],
    *,
    path: str,
    rule: str,
) -> tuple[str, ...]:
    """The clusters that are to read a document, in the order in which they were named.

    `holders` gives the clusters of each key id that the pinned bundles know, and is called only if it is needed.
    Raises UsageError for two that disagree, and where nobody says and there are several.
    """
    known = tuple(config.clusters)
    for name in flags.clusters:
        if name not in config.clusters:
            raise UsageError(
                f"--cluster {name} is none of {config.file}: {', '.join(known) or '(none)'}",
                where=path,
                way_out=f"add it: sealer init --cluster {name} --keys SRC",
            )
    ruled = match.clusters if match else ()
    if flags.clusters and ruled and set(flags.clusters) != set(ruled):
        raise _disagree("cluster", path, "--cluster", ", ".join(flags.clusters), rule, ", ".join(ruled))
    chosen = flags.clusters or ruled or _of_file(sealed, holders, path)
    if not chosen and len(known) != 1:
        raise UsageError(
            f"no rule says which of the clusters {', '.join(known) or '(none)'} is to read this",
            where=path,
            way_out="name it: --cluster NAME; or write a rule in .sealer.yaml",
        )
    chosen = chosen or known
    word = "--cluster" if flags.clusters else rule if ruled else config.file
    _check_file(sealed, holders, chosen, path=path, word=word)
    return chosen


def _of_file(sealed: Sealed, holders: Callable[[], Mapping[str, frozenset[str]]], path: str) -> tuple[str, ...]:
    everyone = frozenset().union(*sealed.staying, *sealed.leaving)
    if not everyone:
        return ()
    table = holders()
    readers = [table.get(key_id, frozenset()) for key_id in everyone]
    # A bundle may list another cluster's public key: following it would seal to whoever published that bundle.
    twice = next((names for names in readers if len(names) > 1), None)
    if twice is not None:
        raise UsageError(
            f"is sealed to a key that {' and '.join(sorted(twice))} both call theirs",
            where=path,
            way_out="name it: --cluster NAME; or write a rule in .sealer.yaml",
        )
    return tuple(sorted(frozenset().union(*readers)))


def _check_file(
    sealed: Sealed,
    holders: Callable[[], Mapping[str, frozenset[str]]],
    chosen: Sequence[str],
    *,
    path: str,
    word: str,
) -> None:
    """Refuse a file whose other items are sealed to other clusters: it could be opened whole by nobody.

    Key ids that no pinned bundle knows say nothing, and v1 items carry none; `sealer check` names both.
    """
    if not sealed.staying:
        return
    table = holders()
    for ids in sealed.staying:
        readers = [table[key_id] for key_id in ids if key_id in table]
        all_known = len(readers) == len(ids)
        foreign = any(not reader & set(chosen) for reader in readers)
        missing = all_known and any(not any(cluster in reader for reader in readers) for cluster in chosen)
        if foreign or missing:
            held = ", ".join(sorted(frozenset().union(*readers)))
            raise _disagree("cluster", path, word, ", ".join(chosen), "the file's other items", held, resealed=True)


def _agreed(what: str, path: str, *claims: tuple[str, T | None], show: Callable[[T], str] = str) -> T | None:
    """What the claims agree on: the first that says something; UsageError names two that differ."""
    said = [(where, value) for where, value in claims if value is not None]
    for where, value in said[1:]:
        if value != said[0][1]:
            raise _disagree(what, path, said[0][0], show(said[0][1]), where, show(value))
    return said[0][1] if said else None


def _disagree(
    what: str, path: str, first: str, one: str, second: str, other: str, *, resealed: bool = False
) -> SealerError:
    way_out = (
        f"sealer unseal {quote(path)} | sealer seal -o {quote(path)}"
        if resealed
        else "make them agree; to move a secret, seal its value anew"
    )
    return UsageError(f"{what}: {first} says {one}, {second} says {other}", where=path, way_out=way_out)


def _unsaid(what: str, path: str) -> UsageError:
    return UsageError(
        f"the {what} is not known: no flag, document or rule says it",
        where=path,
        way_out=f"name it: --{what} {what.upper()}; or write a rule with {{{what}}} in .sealer.yaml",
    )


def _stores(annotations: Mapping[str, str]) -> tuple[str, ...] | None:
    return split_list(annotations[STORES]) if STORES in annotations else None


def split_list(text: str) -> tuple[str, ...]:
    """The words of an annotation that holds a list separated by commas."""
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)
