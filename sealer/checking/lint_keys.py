"""Whether a sealed document is sealed to the keys that it should be (FORMATS sections 5 and 6). Pure.

Pinned bundles say whose a key is and what became of it; the rule for the path says who is to read the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sealer.formats.envelope_v1 import EnvelopeV1
from sealer.formats.envelope_v2 import EnvelopeV2
from sealer.formats.keyrecord import Status
from sealer.formats.keys import KEM, RSA

if TYPE_CHECKING:
    from sealer.checking.lint import Setting, Subject
    from sealer.checking.problem import Problem
    from sealer.configuration.config import Config
    from sealer.formats.bundle import Bundle, BundleKey


def check(one: Subject, setting: Setting) -> Iterator[Problem]:
    """Problems with the recipients of one document; none without a `.sealer.yaml`, which says whom to expect."""
    if setting.config is None:
        return
    groups: dict[tuple[str, ...] | int, list[str]] = {}
    for item, envelope in one.envelopes.items():
        groups.setdefault(envelope.recipients if isinstance(envelope, EnvelopeV2) else envelope.bits, []).append(item)
    for sealed_to, items in groups.items():
        yield from _version(one, setting.config, items)
        if isinstance(sealed_to, int):
            yield from _v1(one, setting, sealed_to, items)
        else:
            yield from _strangers(one, setting, sealed_to, items)
            for cluster in one.clusters:
                bundle = setting.known.bundles.get(cluster)
                if bundle is not None:
                    yield from _v2(one, setting, bundle, sealed_to, items)


def _version(one: Subject, config: Config, items: Sequence[str]) -> Iterator[Problem]:
    is_v1 = isinstance(one.envelopes[items[0]], EnvelopeV1)
    for cluster in one.clusters:
        wanted = config.clusters[cluster].envelope if cluster in config.clusters else None
        if wanted == "v1" and not is_v1:
            said = f"is v2, but {cluster} takes v1 only ({config.file})"
            yield one.problem("envelope-version", said, items=items, way_out=one.set_again(items[0]))
        elif wanted == "v2" and is_v1:
            said = f"is v1, but {cluster} takes v2 ({config.file})"
            yield one.problem("envelope-version", said, items=items, way_out=one.set_again(items[0]), warning=True)


def _v1(one: Subject, setting: Setting, bits: int, items: Sequence[str]) -> Iterator[Problem]:
    if len(one.clusters) > 1:
        said = f"is v1, which has one recipient, but {', '.join(one.clusters)} are to read it"
        yield one.problem("recipient-missing", said, items=items, way_out=one.set_again(items[0]))
        return
    for cluster in one.clusters:
        bundle = setting.known.bundles.get(cluster)
        if bundle is not None and bits not in _rsa_sizes(bundle):
            said = f"is sealed to an RSA key of {bits:,} bits; {cluster} has none of that size"
            yield one.problem("recipient-missing", said, items=items, way_out=one.set_again(items[0]))


def _rsa_sizes(bundle: Bundle) -> set[int]:
    return {getattr(key.public.key, "key_size", 0) for key in bundle.keys if key.public.algorithm == RSA}


def _strangers(one: Subject, setting: Setting, sealed_to: Sequence[str], items: Sequence[str]) -> Iterator[Problem]:
    """Recipients that nobody named: whoever holds such a key can read the value."""
    for key_id in sealed_to:
        holders = {name for name, _ in setting.known.holders(key_id)}
        if not holders and setting.all_pinned:
            said = f"is sealed to {key_id[:8]}, which no pinned bundle knows"
            way_out = f"sealer keys fetch; if the key is nobody's: {one.set_again(items[0])}"
            yield one.problem("recipient-unknown", said, items=items, way_out=way_out)
        elif holders and one.match and one.match.clusters and not holders & set(one.clusters):
            said = f"is sealed to {setting.known.named(key_id)}, which rule '{one.match.rule.pattern}' does not name"
            yield one.problem("recipient-foreign", said, items=items, way_out=one.set_again(items[0]))


def _v2(
    one: Subject, setting: Setting, bundle: Bundle, sealed_to: Sequence[str], items: Sequence[str]
) -> Iterator[Problem]:
    """What one cluster can make of items: nothing, only with an old key, or less than it should."""
    mine = [key for key in bundle.keys if key.id in sealed_to]
    active = bundle.usable(setting.now, KEM)
    again = one.set_again(items[0])
    if not mine:
        said = f"is not sealed to {bundle.cluster}, so it can't be read there"
        yield one.problem("recipient-missing", said, items=items, way_out=again)
        return
    leaked = [key for key in mine if key.status is Status.COMPROMISED]
    if leaked:
        said = f"is sealed to {_named(leaked, bundle)}, which is compromised: its value may be known"
        yield one.problem("key-compromised", said, items=items, way_out=f"with a new value: {again}")
    elif not any(key.id in sealed_to for key in active):
        retired = [key for key in mine if key.status is Status.RETIRED]
        said = f"is sealed to {_named(mine, bundle)}, which is {'retired' if retired else 'past its date'}"
        code = "key-retired" if retired else "key-expired"
        yield one.problem(code, said, items=items, way_out=again, warning=True)
    else:
        missing = [key.id for key in active if key.id not in sealed_to]
        if missing:
            said = f"is not sealed to {bundle.cluster} {missing[0][:8]}, an active key"
            yield one.problem("recipient-missing", said, items=items, way_out=again, warning=True)


def _named(keys: Sequence[BundleKey], bundle: Bundle) -> str:
    return f"{bundle.cluster} {' '.join(key.id[:8] for key in keys)}"
