"""The objects that put the controller into a cluster, made of the YAML in `base/` and `identity/`. Reads package data.

The files say what the objects are; this changes in them what was asked for: names, namespace, image, replicas. It does
not talk to a cluster. The same question gives the same bytes.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealer.documents import yamlio
from sealer.errors import SourceError, UsageError
from sealer.files import reason

HERE = Path(__file__).parent
NAMESPACE = "kube-system"
NAME = "sealed-secrets-controller"
CRD = "base/crd.yaml"

_IDENTITY = "identity/rbac.yaml"
_OBJECTS = ("account", "rbac", "services", "networkpolicy", "pdb", "deployment")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?", re.ASCII)  # a Service's may not begin with a digit
_IMAGE = re.compile(r"[\w.-]+(:\d+)?(/[\w.-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?", re.ASCII)
_LONGEST = 63
_SUFFIX = len("-metrics")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. `image` None: the one of this version. `crd`, `objects`: whether these are wanted.

    `cluster` None: the controller's own default.
    """

    namespace: str = NAMESPACE
    name: str = NAME
    image: str | None = None
    replicas: int = 1
    identity: bool = False
    cluster: str | None = None
    crd: bool = True
    objects: bool = True


def assemble(wanted: Wanted) -> list[dict[str, Any]]:
    """The objects, in an order in which they can be made. Raises UsageError for a name or an image that is none."""
    _check(wanted)
    found = _read(CRD) if wanted.crd else []
    if wanted.objects:
        parts = [f"base/{name}.yaml" for name in _OBJECTS]
        if wanted.identity:
            parts.insert(2, _IDENTITY)
        found += [_told_apart(_renamed(each, wanted), wanted) for part in parts for each in _read(part)]
        _set(next(each for each in found if each["kind"] == "Deployment"), wanted)
    return found


def render(objects: list[dict[str, Any]]) -> str:
    """A YAML stream of them."""
    return "".join(f"---\n{yamlio.dump(each, sort_keys=False)}" for each in objects)


def unpack(directory: Path) -> None:
    """Write all that is here into a new directory. Raises UsageError if it exists, SourceError if that fails."""
    if directory.exists():
        raise UsageError("is there already", where=str(directory), way_out="name a directory that is to be made")
    try:
        shutil.copytree(HERE, directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    except OSError as error:
        raise SourceError(f"can't be written: {reason(error)}", where=str(directory)) from None


def _read(part: str) -> list[dict[str, Any]]:
    text = (HERE / part).read_text(encoding="utf-8")
    return [yamlio.load_config(each.encode(), part) for each in re.split(r"^---$", text, flags=re.MULTILINE)]


def _check(wanted: Wanted) -> None:
    if len(wanted.namespace) > _LONGEST or not _LABEL.fullmatch(wanted.namespace):
        raise UsageError("is no name of a namespace", where="--namespace", way_out=f"--namespace {NAMESPACE}")
    if len(wanted.name) > _LONGEST - _SUFFIX or not _NAME.fullmatch(wanted.name):
        way_out = f"--name {NAME} (a-z, 0-9 and '-', at most {_LONGEST - _SUFFIX}, a letter first)"
        raise UsageError("can't be the name of a Service", where="--name", way_out=way_out)
    if wanted.cluster is not None and (len(wanted.cluster) > _LONGEST or not _LABEL.fullmatch(wanted.cluster)):
        way_out = f"--cluster prod (a-z, 0-9 and '-', at most {_LONGEST})"
        raise UsageError("is no name of a cluster", where="--cluster", way_out=way_out)
    if wanted.image is not None and not _IMAGE.fullmatch(wanted.image):
        way_out = "--image registry.example.com/sealer-controller:1.0.0"
        raise UsageError("is no name of an image", where="--image", way_out=way_out)


def _renamed(value: Any, wanted: Wanted) -> Any:
    """`value` with the names that were asked for, wherever the usual ones stand."""
    if isinstance(value, dict):
        return {key: _renamed(inner, wanted) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, wanted) for inner in value]
    if not isinstance(value, str):
        return value
    return wanted.namespace if value == NAMESPACE else value.replace(NAME, wanted.name)


def _told_apart(found: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """`found`, with a role or binding under a name that no other installation has: it would take the rights from it.

    Those of the usual installation have Bitnami's names. A colon is in no name of a namespace or a Service.
    """
    role = found["roleRef"] if found["kind"].endswith("RoleBinding") else found["metadata"]
    if found["kind"].startswith("ClusterRole") and (wanted.namespace, wanted.name) != (NAMESPACE, NAME):
        role["name"] += f":{wanted.namespace}:{wanted.name}"
        found["metadata"]["name"] = role["name"]
    elif found["kind"] in ("Role", "RoleBinding") and wanted.name != NAME:
        role["name"] += f":{wanted.name}"
        found["metadata"]["name"] = role["name"]
    return found


def _set(deployment: dict[str, Any], wanted: Wanted) -> None:
    spec = deployment["spec"]
    spec["replicas"] = wanted.replicas
    (container,) = spec["template"]["spec"]["containers"]
    if wanted.image is not None:
        container["image"] = wanted.image
    flags = [f"--lease-name={wanted.name}"] if wanted.name != NAME else []
    flags += [f"--cluster={wanted.cluster}"] if wanted.cluster is not None else []
    flags += ["--require-identity"] if wanted.identity else []
    if flags:
        container["args"] = flags
