"""The flags of `run kubernetes`: Bitnami's names, meanings and defaults, and ours beside them. Pure.

Each is a variable, too: `SEALED_SECRETS_` and the flag in capitals (`shared/reference/bitnami-sealed-secrets.md`, 4.1).
A flag that ours needs no more is taken and has no effect, so that a Deployment can be switched as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sealer.errors import NameRefused, UsageError
from sealer.formats.binding import check_name, check_namespace
from sealer.template.times import durations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Level = Literal["debug", "info", "warning", "error"]
Order = Literal["CertNotBefore", "SecretCreationTimestamp"]

_NANO = 1_000_000_000
_CUTOFF = "%a, %d %b %Y %H:%M:%S %z"
_PREFIX = re.compile(r"[a-z0-9][-a-z0-9]*", re.ASCII)
_LONGEST_PREFIX = 245
_BOOLEAN = re.compile(r"--([a-z][-a-z0-9]*)=(true|false|1|0|t|f|T|F|TRUE|FALSE|True|False)", re.ASCII)
_LEVELS: dict[str, Level] = {
    "DEBUG": "debug", "INFO": "info", "WARN": "warning", "WARNING": "warning", "ERROR": "error",
}  # fmt: skip
_TRUE = ("true", "1", "t", "T", "TRUE", "True")


@dataclass(frozen=True, slots=True)
class KeyFlags:
    """How sealing keys are made and ordered. Durations: seconds.

    With `renew_period` 0 none is renewed.
    """

    prefix: str = "sealed-secrets-key"
    size: int = 4096
    ttl: float = 87600 * 3600.0
    common_name: str = ""
    renew_period: float = 720 * 3600.0
    order: Order = "CertNotBefore"
    cutoff: datetime | None = None
    annotations: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Flags:
    """All that was asked for."""

    keys: KeyFlags = KeyFlags()
    accept_v1_data: bool = True
    all_namespaces: bool = True
    additional_namespaces: tuple[str, ...] = ()
    label_selector: str = ""
    omit_secret_labels: bool = False
    skip_recreate: bool = False
    update_status: bool = True
    old_gc_behavior: bool = False
    rate_limit: float = 2.0
    rate_limit_burst: int = 2
    proxies: str = ""
    listen: str = ":8080"
    listen_metrics: str = ":8081"
    read_timeout: float = 120.0
    write_timeout: float = 120.0
    workers: int = 8
    require_identity: bool = False
    token_audiences: tuple[str, ...] = ()
    lease: str = "sealed-secrets-controller"
    cluster: str = "kubernetes"
    audit_log: str = ""
    namespace: str = ""
    kubeconfig: str = ""
    context: str = ""


def seconds(text: str, flag: str) -> float:
    """The seconds of a Go duration, as `720h`; `0` needs no unit. Raises UsageError."""
    found = durations.parsed(text)
    if found is None or found < 0:
        raise UsageError("is no duration", where=f"--{flag}", way_out=f"write it as --{flag}=720h, 90m or 30s")
    return float(found / _NANO)


def cutoff(text: str, flag: str = "key-cutoff-time") -> datetime | None:
    """A time as RFC 1123 has it, with a numeric zone (`Mon, 02 Jan 2006 15:04:05 -0700`). Raises UsageError."""
    if not text:
        return None
    try:
        return datetime.strptime(text, _CUTOFF)
    except ValueError:
        way_out = f'--{flag}="Mon, 02 Jan 2006 15:04:05 -0700"; `date -R` prints such a time'
        raise UsageError("is no time that RFC 1123 knows", where=f"--{flag}", way_out=way_out) from None


def prefix(text: str, flag: str = "key-prefix") -> str:
    """A prefix of names. It may end in '-', as with Bitnami's, since five characters follow. Raises UsageError."""
    if len(text) > _LONGEST_PREFIX or not _PREFIX.fullmatch(text):
        way_out = f"--{flag}=sealed-secrets-key (a-z, 0-9, then also '-'; at most {_LONGEST_PREFIX})"
        raise UsageError("can't begin the name of a Secret", where=f"--{flag}", way_out=way_out)
    return text


def pairs(text: str, flag: str) -> tuple[tuple[str, str], ...]:
    """`k=v,k2=v2`; what is behind the second `=` of a pair belongs to its value. Raises UsageError."""
    found = []
    for each in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = each.partition("=")
        if not sign or not name:
            raise UsageError("is no list of name=value", where=f"--{flag}", way_out=f"--{flag}=name=value,other=value")
        found.append((name, value))
    return tuple(found)


def names(text: str) -> tuple[str, ...]:
    """The names of a list with commas, each once."""
    return tuple(dict.fromkeys(filter(None, (each.strip() for each in text.split(",")))))


def namespaces(text: str, flag: str = "additional-namespaces") -> tuple[str, ...]:
    """The namespaces of such a list: one that can't be there would be served for ever. Raises UsageError."""
    found = names(text)
    for each in found:
        try:
            check_namespace(each)
        except NameRefused as error:
            raise UsageError(error.what, where=f"--{flag}", way_out="kubectl get namespaces") from None
    return found


def namespace(text: str) -> str:
    """One's own namespace; empty if nothing is said of it. Raises UsageError."""
    (*_, found) = ("", *namespaces(text, "namespace"))
    return found


def lease(text: str, flag: str = "lease-name") -> str:
    """The name of a Lease. Raises UsageError."""
    try:
        return check_name(text)
    except NameRefused as error:
        raise UsageError(error.what, where=f"--{flag}", way_out=f"--{flag}=sealed-secrets-controller") from None


def workers(count: int) -> int:
    """How many of one namespace are worked on at once: with none of them nothing would ever be. Raises UsageError."""
    if count < 1:
        raise UsageError("is less than 1", where="--workers", way_out="--workers=8")
    return count


def audiences(text: str, *, identity: bool) -> tuple[str, ...]:
    """The audiences that a token may have, as `names`. Raises UsageError where no token is asked for."""
    found = names(text)
    if found and not identity:
        what = "says whom tokens are for, and none is asked for"
        raise UsageError(what, where="--token-audiences", way_out=f"--require-identity --token-audiences={text}")
    return found


def watched(flags: Flags, own: str) -> tuple[str, ...]:
    """The namespaces that are served: those named and one's own; without names all (""), or one's own alone."""
    if flags.additional_namespaces:
        return tuple(dict.fromkeys((own, *flags.additional_namespaces)))
    return ("",) if flags.all_namespaces else (own,)


def level(text: str) -> Level:
    """A level of the log, by its name there or here. Raises UsageError."""
    found = _LEVELS.get(text.upper())
    if found is None:
        raise UsageError("is no level", where="--log-level", way_out="--log-level=DEBUG, INFO, WARN or ERROR")
    return found


def as_ours(argv: Sequence[str], booleans: frozenset[str]) -> Iterator[str]:
    """Arguments as Go's pflag takes them, for Typer: `--flag=false` is `--no-flag` there."""
    for each in argv:
        found = _BOOLEAN.fullmatch(each)
        if found is None or found[1] not in booleans:
            yield each
        else:
            yield f"--{found[1]}" if found[2] in _TRUE else f"--no-{found[1]}"
