"""Where an API server is and how to be let in: kubeconfig files as kubectl reads them, or a pod's own account.

    $KUBECONFIG       files divided by the system's path separator; of what stands in several the first counts
    ~/.kube/config    if that is not set
    in a pod          KUBERNETES_SERVICE_HOST and _PORT, with the account that is mounted there

Nothing is connected to here. Paths are relative to the file that they stand in, as in client-go's `clientcmd`.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealer import files
from sealer.documents import yamlio
from sealer.errors import SourceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""What the kubelet mounts into a pod: `token`, `ca.crt`, `namespace`."""
_PROVIDER = "user has an auth-provider, which Kubernetes 1.26 dropped"


@dataclass(frozen=True, slots=True)
class Cluster:
    """One API server. `ca`: PEM of what its certificate has to lead to, empty for the system's."""

    server: str
    ca: bytes = b""
    insecure: bool = False
    server_name: str = ""
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Exec:
    """A program that prints an ExecCredential (client.authentication.k8s.io)."""

    command: str
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    version: str
    hint: str
    with_cluster: bool


@dataclass(frozen=True, slots=True)
class User:
    """What lets in, beside a certificate: the first of token, token file, program and password that there is."""

    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    name: str = ""
    password: str = field(default="", repr=False)
    exec: Exec | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """An API server, who comes, and the namespace that is meant where none is named. `context`: empty in a pod."""

    cluster: Cluster
    user: User
    namespace: str
    context: str = ""


def find(*, kubeconfig: str = "", context: str = "", environ: Mapping[str, str] | None = None) -> Access:
    """The access that is meant: a named file, else a pod's own, else kubectl's. Raises SealerError.

    A program in a pod has no kubeconfig unless somebody gave it one, which then counts.
    """
    environ = os.environ if environ is None else environ
    if is_pods(kubeconfig, context, environ):
        return in_cluster(environ)
    named = kubeconfig or environ.get("KUBECONFIG", "")
    paths = [Path(each) for each in named.split(os.pathsep) if each] or [Path.home() / ".kube" / "config"]
    return _of_files(paths, context, must_be=bool(kubeconfig))


def is_pods(kubeconfig: str, context: str, environ: Mapping[str, str]) -> bool:
    """Whether the access that is meant is a pod's own."""
    named = kubeconfig or context or environ.get("KUBECONFIG")
    return not named and bool(environ.get("KUBERNETES_SERVICE_HOST")) and (ACCOUNT / "token").exists()


def in_cluster(environ: Mapping[str, str], account: Path = ACCOUNT) -> Access:
    """The access of a pod. Raises SourceError."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise SourceError("is not set, so this is no pod", where="KUBERNETES_SERVICE_HOST", way_out="--kubeconfig FILE")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    namespace = files.read(account / "namespace").decode("utf-8", "replace").strip()
    ca = files.read(account / "ca.crt")
    return Access(Cluster(server, ca=ca), User(token_file=account / "token"), namespace or "default")


def _of_files(paths: list[Path], context: str, *, must_be: bool) -> Access:
    merged = _Merged()
    for path in paths:
        if must_be or path.exists():
            merged.add(path)
    if not merged.files:
        shown = os.pathsep.join(map(str, paths))
        raise SourceError("no kubeconfig is there", where=shown, way_out="--kubeconfig FILE, or set KUBECONFIG")
    wanted = context or merged.current
    if not wanted:
        known = merged.names("contexts")
        if not known:
            raise UsageError("has no contexts", where=merged.files[0], way_out="--kubeconfig FILE, or set KUBECONFIG")
        way_out = f"--context NAME; there are: {', '.join(known)}"
        raise UsageError("names no current-context", where=merged.files[0], way_out=way_out)
    chosen = merged.part("contexts", wanted)
    cluster = merged.part("clusters", chosen.text("cluster"))
    user = merged.part("users", chosen.text("user")) if chosen.text("user") else _Part("", {}, "users")
    return Access(_cluster(cluster), _user(user), chosen.text("namespace") or "default", wanted)


def _read(path: Path, way_out: str) -> bytes:
    """The bytes of a file. Raises SourceError with this way out."""
    try:
        return files.read(path)
    except SourceError as error:
        raise SourceError(error.what, where=error.where, way_out=way_out) from None


class _Part:
    """One named cluster, user or context, with the file that it stands in. Values are in no message."""

    def __init__(self, file: str, values: dict[str, Any], where: str) -> None:
        self.file = file
        self._values = values
        self._where = where

    def text(self, key: str) -> str:
        """A text; empty if there is none."""
        value = self._values.get(key)
        if value is None or value == "":
            return ""
        if not isinstance(value, str):
            raise self.refused(key, "is not text")
        return value

    def flag(self, key: str) -> bool:
        """Whether something is true."""
        value = self._values.get(key)
        if value not in (None, True, False):
            raise self.refused(key, "is not true or false")
        return bool(value)

    def part(self, key: str) -> _Part | None:
        """A map below; None if there is none."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.refused(key, "is not a map")
        return _Part(self.file, value, f"{self._where}.{key}")

    def list(self, key: str) -> list[Any]:
        """A list; empty if there is none."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, list):
            raise self.refused(key, "is not a list")
        return value or []

    def path(self, key: str) -> Path | None:
        """A path, from the folder of the file."""
        text = self.text(key)
        return Path(self.file).parent / text if text else None

    def data(self, key: str) -> bytes:
        """What stands there in base64 under `KEY-data`, or in the file that `KEY` names; empty without both."""
        if encoded := self.text(f"{key}-data"):
            try:
                return base64.b64decode(encoded, validate=True)
            except ValueError:
                raise self.refused(f"{key}-data", "is not base64") from None
        path = self.path(key)
        return _read(path, f"{self._where}.{key} in {self.file} names it") if path else b""

    def refused(self, key: str, what: str) -> SourceError:
        """The error for something that stands here."""
        return SourceError(f"{self._where}.{key} {what}", where=self.file)


class _Merged:
    """Several kubeconfigs as one: what the first of them says of a name counts."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.current = ""
        self._parts: dict[tuple[str, str], _Part] = {}

    def add(self, path: Path) -> None:
        """One more file, which adds only what is new."""
        values = yamlio.load_config(_read(path, "--kubeconfig FILE, or set KUBECONFIG"), str(path))
        if values is None:
            return
        if not isinstance(values, dict):
            raise SourceError("is no kubeconfig", where=str(path))
        self.files.append(str(path))
        top = _Part(str(path), values, "")
        self.current = self.current or top.text("current-context")
        for kind in ("clusters", "users", "contexts"):
            for entry in top.list(kind):
                name = entry.get("name") if isinstance(entry, dict) else None
                body = entry.get(kind[:-1]) if isinstance(entry, dict) else None
                if not isinstance(name, str) or not isinstance(body, dict | None):
                    raise SourceError(f"an entry of {kind} has no name, or is no map", where=str(path))
                self._parts.setdefault((kind, name), _Part(str(path), body or {}, f"{kind[:-1]} {name}"))

    def names(self, kind: str) -> list[str]:
        """What there is of a kind, sorted."""
        return sorted(each for of, each in self._parts if of == kind)

    def part(self, kind: str, name: str) -> _Part:
        """What has this name. Raises UsageError with the names that there are."""
        found = self._parts.get((kind, name))
        if found is None:
            known = ", ".join(self.names(kind)) or "none"
            raise UsageError(f"has no {kind[:-1]} {name!r}", where=self.files[0], way_out=f"there are: {known}")
        return found


def _cluster(part: _Part) -> Cluster:
    server = part.text("server").rstrip("/")
    if not server:
        raise part.refused("server", "is missing")
    if "://" not in server:
        server = f"https://{server}"
    insecure, ca = part.flag("insecure-skip-tls-verify"), part.data("certificate-authority")
    if insecure and ca:
        raise part.refused("insecure-skip-tls-verify", "contradicts certificate-authority")
    return Cluster(server, ca, insecure, part.text("tls-server-name"), part.text("proxy-url"))


def _user(part: _Part) -> User:
    if part.part("auth-provider"):
        raise SourceError(_PROVIDER, where=part.file, way_out="use an exec plugin of that provider")
    certificate, key = part.data("client-certificate"), part.data("client-key")
    if bool(certificate) is not bool(key):
        raise part.refused("client-key" if certificate else "client-certificate", "is missing")
    program = part.part("exec")
    return User(
        certificate=certificate,
        key=key,
        token=part.text("token"),
        token_file=part.path("tokenFile"),
        name=part.text("username"),
        password=part.text("password"),
        exec=_exec(program) if program else None,
    )


def _exec(part: _Part) -> Exec:
    command = part.text("command")
    if not command:
        raise part.refused("command", "is missing")
    if os.sep in command:  # as client-go: a name is looked for in PATH, a path is relative to the file
        command = str(Path(part.file).parent / command)
    args = part.list("args")
    if not all(isinstance(each, str) for each in args):
        raise part.refused("args", "are not all text")
    env = []
    for each in part.list("env"):
        if (
            not isinstance(each, dict)
            or not isinstance(each.get("name"), str)
            or not isinstance(each.get("value"), str)
        ):
            raise part.refused("env", "has an entry without name and value")
        env.append((each["name"], each["value"]))
    version = part.text("apiVersion")
    if version not in ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"):
        raise part.refused("apiVersion", "is not client.authentication.k8s.io/v1 or v1beta1")
    return Exec(command, tuple(args), tuple(env), version, part.text("installHint"), part.flag("provideClusterInfo"))
