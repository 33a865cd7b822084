"""What files are judged by: the nearest `.sealer.yaml` and the keys pinned beside it, each read once a run.

What is wrong with them is collected as problems: a broken rule file or bundle must not hide a broken secret. Nothing
is recorded in `trust.json`: looking is not trusting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sealer.checking.lint import Setting
from sealer.checking.problem import Problem, Severity, of_error
from sealer.checking.recipients import Known
from sealer.configuration import config as configs
from sealer.errors import FormatError, SealerError, SourceError
from sealer.pinning import pins

if TYPE_CHECKING:
    from sealer.checking.moved import Origins
    from sealer.configuration.config import Config
    from sealer.formats.bundle import Bundle
    from sealer.pinning.pins import Pinned


class Settings:
    """The setting of each folder. `problems` grows as settings are read."""

    def __init__(self, now: datetime, origins: Origins) -> None:
        self.problems: list[Problem] = []
        self._empty = Setting(now, origins=origins)
        self._by_folder: dict[Path, Setting] = {}

    def of(self, folder: Path) -> Setting:
        """The setting of files in a folder, which need not exist."""
        place = Path(os.path.realpath(folder))
        if place not in self._by_folder:
            file = place / configs.NAME
            if file.is_file():
                self._by_folder[place] = self._load(file)
            else:
                self._by_folder[place] = self.of(place.parent) if place.parent != place else self._empty
        return self._by_folder[place]

    def _load(self, file: Path) -> Setting:
        try:
            config = configs.load(file)
        except SealerError as error:
            self.problems.append(of_error(error, "config", path=configs.shown(file)))
            return self._empty
        return replace(self._empty, config=config, known=Known(self._bundles(config)))

    def _bundles(self, config: Config) -> Mapping[str, Bundle]:
        found: dict[str, Bundle] = {}
        trusted: list[Pinned] = []
        for name in config.clusters:
            try:
                one = pins.pinned(config, name, now=self._empty.now, record=False)
            except SourceError as error:
                # Only a warning: a cluster may be named before its keys are there.
                self.problems.append(of_error(error, "keys-missing", severity=Severity.WARNING))
            except FormatError as error:
                self.problems.append(of_error(error, "keys-malformed"))
            except SealerError as error:
                self.problems.append(of_error(error, "keys-untrusted"))
                found[name] = pins.read(config, name).bundle  # still good for telling what a file is sealed to
            else:
                self._warn(config, name, one)
                found[name] = one.bundle
                trusted.append(one)
        for text in pins.shared(trusted):
            self.problems.append(Problem(configs.shown(config.keys), 0, "", "key-shared", text, "", Severity.WARNING))
        return found

    def _warn(self, config: Config, name: str, one: Pinned) -> None:
        fetch = f"sealer keys fetch --cluster {name}"
        place = configs.shown(pins.path(config, name))
        for text in one.warnings:
            if text.endswith(pins.NOT_AUTHENTICATED):
                said = "these keys are not authenticated: nobody has trusted them on this machine"
                way_out = f"compare with the operator's fingerprint, then: {fetch} --trust {one.fingerprint}"
                self.problems.append(Problem(place, 0, "", "keys-unauthenticated", said, way_out, Severity.WARNING))
            else:
                self.problems.append(Problem(place, 0, "", "keys", text, fetch, Severity.WARNING))
