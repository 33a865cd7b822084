"""What SOURCE may be besides a directory: the grammar of Git's URLs, as far as they are read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from sealer.errors import UsageError
from sealer.pinning.repository import normalise, work_tree

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.ASCII | re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::", re.ASCII)
_SCP = re.compile(r"(?:([^/@:\s]+)@)?(\[[^]/@\s]*\]|[^/@:\s\[\]]+):(?!//)(.+)", re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9][-.A-Za-z0-9]*|\[[0-9A-Fa-f:.]+\]", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][-._+%A-Za-z0-9]*", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_TOKEN = 20
# A user name from here on may be a token: Git's hosts take one in its place.

_HELPERS = "leave it out of the URL: Git's credential helpers serve (git help credentials)"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is. `url` is what Git is given; `identity` its normal form, or `local` its real path."""

    url: str
    identity: str = ""
    local: Path | None = None
    host: str = ""


def parse(source: str) -> Address | None:
    """The address that SOURCE is; None for what is a path to a directory. Raises UsageError, quoting no password."""
    scheme = _SCHEME.fullmatch(source)
    if scheme is not None:
        return _of_scheme(scheme[1].lower(), scheme[2])
    if _HELPER.match(source):
        raise _refused("is a transport that runs a program, and is never used")
    scp = _SCP.fullmatch(source)
    if scp is not None and (scp[1] or not os.path.lexists(source)):
        user, host, path = scp.groups()
        if user is None and "@" in path:  # user:password@host:path, which Git would read otherwise
            raise _refused("holds a password, or an @ in its path", _HELPERS)
        _check("ssh", user, host, None, path)
        return Address(source, _identity(source), host=host)
    place = Path(source)
    return _local(place) if place.is_dir() and _is_bare(place) else None


def _of_scheme(scheme: str, rest: str) -> Address:
    if scheme == "file":
        return _of_file(rest)
    if scheme == "http":
        raise _refused("is not encrypted, and whoever is on the way could choose what is delivered", "use https://")
    if scheme == "git":
        raise _refused("is neither encrypted nor authenticated", "use https:// or ssh://")
    if scheme not in ("https", "ssh"):
        raise _refused(f"has a transport that is not read: {scheme}", "use https://, ssh:// or file://")
    place, slash, path = rest.partition("/")
    user, at, server = place.rpartition("@")
    found = re.fullmatch(r"(\[[^]]*\]|[^:]*)(?::(.*))?", server, re.DOTALL)
    if found is None:
        raise _refused("is no URL of a repository")
    if not slash or not path.strip("/"):
        raise _refused("names no repository: there is no path in it")
    _check(scheme, user if at else None, found[1], found[2], path)
    return Address(f"{scheme}://{rest}", _identity(f"{scheme}://{rest}"), host=found[1])


def _of_file(rest: str) -> Address:
    path = unquote(rest.removeprefix("localhost"))
    if not path.startswith("/"):
        raise _refused("names another host: file:// is for paths on this one", "file:///PATH")
    if "?" in rest or "#" in rest:
        raise _refused("has a ? or #, which no URL of a repository has")
    return _local(Path(path))


def _local(place: Path) -> Address:
    real = os.path.realpath(place)
    if not real.isprintable():
        raise _refused("has a path that is not printable text")
    # Not a bare path: Git would link files of the repository into ours in place of checking them.
    return Address("file://" + real.replace("%", "%25"), local=Path(real))


def _check(scheme: str, user: str | None, host: str, port: str | None, path: str) -> None:
    if user is not None and (":" in user or len(user) >= _TOKEN):
        raise _refused("holds a password, or a user name that may be one", _HELPERS)
    if user is not None and not _USER.fullmatch(user):
        raise _refused("has a user name that Git could take for something else")
    if not _HOST.fullmatch(host):
        raise _refused("has no host that there can be")
    if port and not _PORT.fullmatch(port):
        # What looks like a port may be a password whose @ is missing.
        raise _refused("has no port that there can be")
    if "?" in path or "#" in path:
        raise _refused("has a ? or #, which no URL of a repository has; it may hold a password", _HELPERS)
    if not path.isprintable() or " " in path or path.startswith("-"):
        raise _refused("has a path that Git could take for something else")
    if scheme == "https" and "@" in path:
        raise _refused("has an @ in its path: it may hold a password", _HELPERS)


def _identity(url: str) -> str:
    found = normalise(url)
    # Without a normal form the URL stands for itself, without the user.
    return found or re.sub(r"^(\w+://)?[^/@]*@", r"\1", url)


def _is_bare(place: Path) -> bool:
    """Whether a directory is a bare repository. One in a work tree is not: whoever writes there may pose as one."""
    if not ((place / "HEAD").is_file() and (place / "objects").is_dir() and (place / "refs").is_dir()):
        return False
    return work_tree(place) is None


def _refused(what: str, way_out: str = "") -> UsageError:
    return UsageError(what, where="SOURCE", way_out=way_out)
