"""What is wrong with sealed files, as far as it shows without a key (DESIGN sections 11 and 12, FORMATS 3, 5 and 6).

Pure: parsed files, `.sealer.yaml`, pinned bundles and the time come in, problems go out. Whether a value really opens
is not said here, and of a v1 envelope not even what it was sealed for: it doesn't carry that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sealer import template
from sealer.checking import candidates, lint_keys
from sealer.checking.moved import Origins
from sealer.checking.problem import Problem, Severity
from sealer.checking.recipients import Known, clusters_of, envelopes
from sealer.configuration import rules
from sealer.documents.document import File, Manifest, Place, SealedSecret, parse
from sealer.errors import FormatError, NameRefused, UsageError
from sealer.formats.binding import Binding, bind
from sealer.formats.envelope_v1 import EnvelopeV1
from sealer.formats.envelope_v2 import EnvelopeV2
from sealer.sealing.seal import envelope_of
from sealer.sealing.targets import EXPOSED, STORES, split_list
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.checking.recipients import Envelope
    from sealer.configuration.config import Config
    from sealer.configuration.rules import Match

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MAX_SECRET = 1024 * 1024
"""Kubernetes refuses a Secret whose values are larger together, in bytes."""

_CREDENTIAL = re.compile(
    r"pass(word|wd|phrase)?\b|secret|token|api[-_.]?key|private[-_.]?key|credential|\.(pem|key)$", re.IGNORECASE
)
_VALUES = re.compile(r"(^|\.)(data|stringData)(\.|\[|$)")
_HELM = re.compile(
    rb"\{\{[^}]{0,200}?(\.(Values|Release|Chart|Capabilities|Files|Template)\b|(include|define|template) \")"
)
# Possessive: a stranger's text must not make the match try every split.
_ONLY_TEMPLATE = re.compile(rb"\s*+(?:\{\{(?:[^}]|\}(?!\}))*+\}\}\s*+)*+")


@dataclass(frozen=True, slots=True)
class Setting:
    """What files are judged by."""

    now: datetime
    config: Config | None = None
    known: Known = field(default_factory=Known)
    origins: Origins = field(default_factory=lambda: Origins(()))

    @property
    def all_pinned(self) -> bool:
        """Whether the keys of every cluster could be read, so that an unknown key is nobody's."""
        return self.config is not None and self.known.bundles.keys() >= self.config.clusters.keys()


@dataclass(frozen=True, slots=True)
class Subject:
    """One sealed document with what `.sealer.yaml` says about its path; `clusters` empty: nobody says."""

    doc: SealedSecret
    match: Match | None
    clusters: tuple[str, ...]
    envelopes: Mapping[str, Envelope]

    def problem(
        self, code: str, message: str, *, items: Iterable[str] = (), way_out: str = "", warning: bool = False
    ) -> Problem:
        """A problem of this document, at the line of the first of these items."""
        named = list(items)
        line = self.doc.lines.get(named[0], self.doc.place.line) if named else self.doc.place.line
        severity = Severity.WARNING if warning else Severity.ERROR
        return Problem(self.doc.place.file, line, ", ".join(named), code, message, way_out, severity)

    def set_again(self, item: str) -> str:
        """The command that seals an item's value anew."""
        return f"sealer set {quote(self.doc.place.file)} {item}"


def is_plaintext(manifest: Manifest) -> bool:
    """Whether a Secret manifest holds a value; empty ones and those that only a template fills are fine."""
    return any(not _ONLY_TEMPLATE.fullmatch(value) for value in manifest.secret.items.values())


def holds_plaintext(data: bytes, path: str) -> bool:
    """Whether a plaintext Secret stands in these bytes."""
    if not candidates.may_concern(data):
        return False
    return any(isinstance(each, Manifest) and is_plaintext(each) for each in parse(data, path).documents)


def is_helm_template(data: bytes) -> bool:
    """Whether this looks like a file that Helm has yet to render: then it need not be YAML."""
    return _HELM.search(data) is not None


def subject(doc: SealedSecret, setting: Setting) -> Subject:
    """A document with its rule. Raises nothing: what is wrong with the rule is one of the problems."""
    match = match_of(doc.place.file, setting.config)
    if match is not None and match.clusters:
        clusters = match.clusters
    else:
        clusters = clusters_of(doc, setting.known, setting.config)
    return Subject(doc, match, clusters, envelopes(doc.items))


def match_of(path: str, config: Config | None) -> Match | None:
    """The rule for a path; None without one, and outside of the folder of `.sealer.yaml`."""
    if config is None:
        return None
    try:
        return rules.match(config, config.relative(path))
    except UsageError:
        return None


def check_file(file: File, data: bytes, setting: Setting, seen: Seen) -> list[Problem]:
    """Every problem of one file that holds sealed or plain Secrets."""
    found = _unreadable(file, data)
    for each in file.documents:
        if isinstance(each, Manifest) and is_plaintext(each):
            found.append(_plaintext(each))
        elif isinstance(each, SealedSecret):
            one = subject(each, setting)
            twice = seen.add(one, alone=len(file.documents) == 1)
            found += [*_whole(one), *_items(one, setting), *lint_keys.check(one, setting), *twice]
    return found


class Seen:
    """Which secret of which cluster stands where, over all files of a run."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str, str], Place] = {}

    def add(self, one: Subject, *, alone: bool) -> Iterator[Problem]:
        """A problem, if another document is for the same secret: neither would be delivered (DELIVERY section 2).

        `alone`: it is all that its file holds, so that the file can go.
        """
        for cluster in one.clusters:
            place = self._first.setdefault((cluster, one.doc.namespace or "", one.doc.name), one.doc.place)
            if place is not one.doc.place:
                said = f"{named(one.doc)} for {cluster} stands in {place} as well, so neither would be delivered"
                way_out = (
                    f"remove one: rm {quote(one.doc.place.file)}" if alone else "take one of the two documents out"
                )
                yield one.problem("duplicate", said, way_out=way_out)
                return


def named(doc: SealedSecret) -> str:
    """`namespace/name`, or the name alone."""
    return f"{doc.namespace}/{doc.name}" if doc.namespace else doc.name


def _unreadable(file: File, data: bytes) -> list[Problem]:
    # A broken chart, or a Secret that SOPS has encrypted, is not ours to judge; a Secret with text for base64 is.
    ours = b"SealedSecret" in data
    if is_helm_template(data):
        return []
    return [
        Problem(file.path, each.line, "", "unreadable", str(each.args[0]), each.way_out)
        for each in file.problems
        if (ours or _VALUES.search(each.path)) and each.path != "sops"
    ]


def _plaintext(manifest: Manifest) -> Problem:
    keys = [key for key, value in manifest.secret.items.items() if not _ONLY_TEMPLATE.fullmatch(value)]
    return Problem(
        manifest.place.file,
        manifest.place.line,
        ", ".join(keys),
        "plaintext",
        "a Secret in plaintext",
        f"sealer seal --in-place {quote(manifest.place.file)}",
    )


def _whole(one: Subject) -> Iterator[Problem]:
    yield from _against_rule(one)
    yield from _template(one)
    doc = one.doc
    exposed = [item for item in split_list(doc.annotations.get(EXPOSED, "")) if item in doc.items]
    for item in exposed:
        said = "its value leaked and was sealed again, but not changed"
        yield one.problem("exposed", said, items=[item], way_out=one.set_again(item))
    versions = {type(envelope) for envelope in one.envelopes.values()}
    if len(versions) > 1:
        v1 = [item for item, envelope in one.envelopes.items() if isinstance(envelope, EnvelopeV1)]
        said = "v1, while other items are v2"
        yield one.problem("mixed-envelopes", said, items=v1, way_out=one.set_again(v1[0]), warning=True)
    if sum(len(envelope.body) - 16 for envelope in one.envelopes.values()) > MAX_SECRET + 68 * len(doc.items):
        said = "its values are larger than 1 MiB together, which Kubernetes refuses"
        yield one.problem("too-large", said, way_out="split it into two secrets")


def _against_rule(one: Subject) -> Iterator[Problem]:
    match, doc = one.match, one.doc
    if match is None:
        return
    if match.problem:
        yield one.problem("rule", match.problem, way_out=match.way_out)
    says = f"rule '{match.rule.pattern}'"
    pairs = (
        ("namespace", doc.namespace, match.namespace),
        ("name", doc.name, match.name),
        ("scope", doc.scope.value, match.scope.value if match.scope else None),
    )
    for what, mine, ruled in pairs:
        if mine is not None and ruled is not None and mine != ruled:
            said = f"{what} is {mine}, {says} makes it {ruled}"
            yield one.problem(f"rule-{what}", said, way_out="move the file, or seal the values anew where they belong")
    stores = split_list(doc.annotations.get(STORES, ""))
    if match.stores and set(stores) != set(match.stores):
        said = f"stores are {', '.join(stores) or 'not named'}, {says} names {', '.join(match.stores)}"
        yield one.problem("rule-stores", said, way_out=f"annotate {STORES}: {','.join(match.stores)}")


def _template(one: Subject) -> Iterator[Problem]:
    doc = one.doc
    yield from _rendered(one)
    plain = [key for key, text in doc.template.data.items() if text and "{{" not in text and _CREDENTIAL.search(key)]
    for key in plain:
        line = doc.template.lines.get(key, doc.place.line)
        said = "stands in template.data in plaintext"
        way_out = f"{one.set_again(key)}, then remove it from template.data"
        yield Problem(doc.place.file, line, key, "plaintext-template", said, way_out, Severity.WARNING)
    if any('"kind":"Secret"' in notes.get(LAST_APPLIED, "") for notes in (doc.annotations, doc.template.annotations)):
        said = f"the annotation {LAST_APPLIED} repeats a Secret in plaintext"
        yield one.problem("plaintext", said, way_out="remove the annotation, and change the values")


def _rendered(one: Subject) -> Iterator[Problem]:
    """What a render would refuse, and the items that it would not find."""
    doc, fine = one.doc, True
    for item, error in template.refused(doc.template):
        fine = False
        line = doc.template.lines.get(item, doc.place.line)
        yield Problem(doc.place.file, line, item, "template", error.what, error.way_out, Severity.ERROR)
    for item, said in template.missing(doc.template, doc.items) if fine else ():
        line = doc.template.lines.get(item, doc.place.line)
        way_out = f"seal that item, or write it as items are named: {', '.join(sorted(doc.items)) or 'there is none'}"
        yield Problem(doc.place.file, line, item, "template-item", said, way_out, Severity.WARNING)


def _items(one: Subject, setting: Setting) -> Iterator[Problem]:
    doc, binding = one.doc, effective_binding(one)
    moved = {}
    for item, text in doc.items.items():
        try:
            envelope = one.envelopes.get(item) or envelope_of(text)
            if isinstance(envelope, EnvelopeV2) and envelope.bind != bind(binding.context(item)):
                moved[item] = envelope.bind
        except FormatError as error:
            yield one.problem("envelope", error.what, items=[item], way_out=one.set_again(item))
        except NameRefused:
            pass  # said once for the document
    for item in moved:
        said = setting.origins.told(doc, binding, item, moved)
        yield one.problem("bound-elsewhere", said, items=[item], way_out=one.set_again(item))
    try:
        binding.label()
    except NameRefused as error:
        # Where kubectl or Kustomize supplies the namespace, Bitnami's controller is content without one.
        absent = binding.namespace is None
        way_out = (
            "write the namespace that it was sealed for into metadata" if absent else "name it as Kubernetes allows"
        )
        v1_only = all(isinstance(envelope, EnvelopeV1) for envelope in one.envelopes.values())
        yield one.problem("name", error.what, way_out=way_out, warning=absent and v1_only)


def effective_binding(one: Subject) -> Binding:
    """What the items must be bound to; the namespace is the rule's where the document leaves it out."""
    namespace = one.doc.namespace or (one.match.namespace if one.match else None)
    return Binding(one.doc.scope, namespace, one.doc.name)
