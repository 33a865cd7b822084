"""Body of `sealer init`: `.sealer.yaml`, pinned keys, hooks, ignore rules (DESIGN section 12). It only adds."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import files, git, paths
from sealer.commands import keys as keys_command
from sealer.configuration import config as configs
from sealer.configuration import config_edit, config_reader, precommit
from sealer.console import OK, note, out, warn
from sealer.errors import DocumentError, SealerError, SourceError
from sealer.formats.binding import check_cluster
from sealer.keyrings import keyring
from sealer.pinning import pins, repository
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.commands.keys import Obtained
    from sealer.configuration.config import Config

DEFAULT_CLUSTER = "local"
PRE_COMMIT = ".pre-commit-config.yaml"
SOURCE_IGNORE = ".sourceignore"
IGNORED = ".sealer*"

_FLUX_DEPTH = 4
_FLUX_MARKS = frozenset(("flux-system", "gotk-components.yaml", "gotk-sync.yaml"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where things go: the folder of `.sealer.yaml`, and the top of the work tree if there is one."""

    root: Path
    top: Path | None


def run(*, keys: str | None, cluster: str | None, hooks: bool) -> int:
    """Set up the repository around the current directory; say what was added and what was left alone."""
    if cluster is not None:
        check_cluster(cluster)
    now = datetime.now(UTC)
    place = _place(Path.cwd())
    file = configs.within(place.root, place.root / configs.NAME)
    before = configs.load(file) if file.is_file() else None
    # First what can fail: nothing is written for a source that can't be read.
    wanted = _wanted(before, keys, cluster, now)
    for name, _ in wanted:
        url = keys if keys and keys.lower().startswith("https://") else None
        _configure(place, file, name, url)
    config = configs.load(file)
    for name, found in wanted:
        _pin(config, name, found, keys, now)
    _ignore(place.top or place.root)
    if hooks:
        _hooks(place.top)
    if before is None and all(found for _, found in wanted):
        path = config_edit.RULE.format(namespace="NAMESPACE", name="NAME")
        note(f"next: sealer set {path} KEY")
    return OK


def _place(start: Path) -> Place:
    """The nearest `.sealer.yaml` upward counts, but not one outside of this work tree (or folder, without Git)."""
    start = Path(os.path.realpath(start))
    top = repository.work_tree(start)
    folders = [folder for folder in (start, *start.parents) if top and folder.is_relative_to(top)] or [start]
    root = next((folder for folder in folders if (folder / configs.NAME).is_file()), top or start)
    return Place(root, top)


def _wanted(
    before: Config | None, keys: str | None, cluster: str | None, now: datetime
) -> list[tuple[str, Obtained | None]]:
    """The clusters that this run is about, with keys where there are any to be pinned."""
    if keys is not None:
        only = next(iter(before.clusters)) if before and len(before.clusters) == 1 else DEFAULT_CLUSTER
        found = keys_command.obtain(keys, cluster, now=now, fallback=only)
        return [(found.keys.bundle.cluster, found)]
    if cluster is not None:
        return [(cluster, _own(before, cluster, now))]
    if before is not None and before.clusters:
        return [(name, _own(before, name, now)) for name in before.clusters]
    if not keyring.all() and keyring.from_environment() is None:
        return [(DEFAULT_CLUSTER, None)]
    found = keys_command.obtain(str(keyring.find()), None, now=now)
    return [(found.keys.bundle.cluster, found)]


def _own(before: Config | None, cluster: str, now: datetime) -> Obtained | None:
    """The keys of one's own keyring for a cluster that has none pinned yet."""
    directory = paths.keyrings() / cluster
    if not directory.is_dir() or (before and cluster in before.clusters and _pinned(before, cluster)):
        return None
    return keys_command.obtain(str(directory), cluster, now=now)


def _pinned(config: Config, cluster: str) -> Path | None:
    try:
        return pins.path(config, cluster)
    except SealerError:
        return None


def _configure(place: Place, file: Path, cluster: str, url: str | None) -> None:
    shown = configs.shown(file)
    if not file.is_file():
        files.write_atomic(file, config_edit.first(source=_source(place), cluster=cluster, url=url))
        out(f"wrote  {shown}  cluster {cluster}, rule {config_edit.RULE}")
    elif cluster not in (known := configs.load(file).clusters):
        data = files.read(file, limit=configs.MAX_CONFIG)
        files.write_atomic(file, config_edit.with_cluster(data, shown, cluster=cluster, url=url))
        out(f"added  {shown}  cluster {cluster}")
        if known:
            note(f"  no rule names {cluster} yet: add it to the clusters of a rule, or use {{cluster}} in a path")
    else:
        _left_alone(shown, f"has cluster {cluster}")


def _source(place: Place) -> str:
    """The normal form of origin's URL, with the folder inside the repository; else a name that nobody else has."""
    folder = place.root.relative_to(place.top).as_posix() if place.top else "."
    try:
        url = os.fsdecode(git.run(place.root, "config", "--get", "remote.origin.url"))
        source = f"{repository.normalise(url) or ''}/{folder}".removesuffix("/.")
    except SourceError:
        source = ""
    if config_reader.is_source(source):
        return source
    name = re.sub(r"[^-._A-Za-z0-9]+", "-", place.root.name).strip("-._")[:100]
    return f"{name or 'repository'}-{secrets.token_hex(4)}"


def _pin(config: Config, cluster: str, found: Obtained | None, source: str | None, now: datetime) -> None:
    pinned = _pinned(config, cluster)
    named = f" {quote(source)}" if source and source != "-" else ""
    if pinned:
        _left_alone(configs.shown(pinned), f"(sealer keys fetch{named} --cluster {cluster} refreshes it)")
    elif found:
        keys_command.pin(config, found, now=now, source=source)
    else:
        way_out = (
            f"sealer keys fetch SRC --cluster {cluster}; of a controller in Kubernetes: sealer keys fetch "
            f"--from-cluster --cluster {cluster}; or make some: sealer-controller init --cluster {cluster}"
        )
        warn(f"no keys of cluster {cluster} yet, so that nothing can be sealed for it", way_out=way_out)


def _ignore(folder: Path) -> None:
    """Keep Flux from reading `.sealer.yaml` as a manifest, where Flux is."""
    file = configs.within(folder, folder / SOURCE_IGNORE)
    data = files.read(file) if file.is_file() else b""
    if IGNORED.encode() in (line.strip() for line in data.splitlines()):
        _left_alone(configs.shown(file), f"has {IGNORED}")
    elif file.is_file() or _has_flux(folder):
        ending = b"\r\n" if b"\r\n" in data else b"\n"
        data += ending if data and not data.endswith(b"\n") else b""
        files.write_atomic(file, data + IGNORED.encode() + ending)
        out(f"added  {configs.shown(file)}  {IGNORED}")


def _has_flux(folder: Path) -> bool:
    for path, folders, names in os.walk(folder):
        if not _FLUX_MARKS.isdisjoint((*folders, *names)):
            return True
        deep = len(Path(path).relative_to(folder).parts) >= _FLUX_DEPTH
        folders[:] = [] if deep else [name for name in folders if not name.startswith(".") and name != "node_modules"]
    return False


def _hooks(top: Path | None) -> None:
    if top is None:
        note("hooks need Git: git init, then sealer init again")
        return
    file = configs.within(top, top / PRE_COMMIT)
    shown = configs.shown(file)
    data = files.read(file) if file.is_file() else None
    try:
        missing = precommit.missing(data, shown) if data is not None else tuple(precommit.HOOKS)
        if not missing:
            _left_alone(shown, f"has {', '.join(precommit.HOOKS)}")
        else:
            after = precommit.first() if data is None else precommit.with_hooks(data, shown, missing)
            files.write_atomic(file, after)
            out(f"{'wrote' if data is None else 'added'}  {shown}  {', '.join(missing)}")
    except DocumentError as error:
        warn(f"no hooks were added: {error}", way_out=error.way_out)
        return
    _install(top)


def _install(top: Path) -> None:
    """Have pre-commit write Git's hook; say how, if it isn't there."""
    if shutil.which("sealer-scan") is None:
        folder = Path(sys.executable).parent
        warn("the hooks start sealer-scan and sealer-check, which are not on PATH", way_out=f'PATH="$PATH:{folder}"')
    hook = (repository.common_directory(top) or top) / "hooks" / "pre-commit"
    if hook.is_file() and b"pre-commit" in files.read(hook):
        _left_alone(configs.shown(hook), "is pre-commit's")
        return
    program = shutil.which("pre-commit")
    if program is None:
        note("to switch the hooks on: pre-commit install")
        return
    done = subprocess.run([program, "install"], cwd=top, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines() or ["no message"]
        warn(f"pre-commit install failed: {said[0]}", way_out="pre-commit install")
    else:
        out(f"installed  {configs.shown(hook)}")


def _left_alone(what: str, why: str) -> None:
    note(f"left alone: {what} {why}")
