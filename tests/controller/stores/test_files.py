from __future__ import annotations
import time
import pytest
from controller.stores.base import Store
from controller.stores.files import FilesStore, Place
from tests.controller.stores.contract import StoreContract

class TestFiles(StoreContract):
    @pytest.fixture
    def store(self, tmp_path) -> Store:
        return FilesStore(Place(str(tmp_path / "root"), "files", allow_disk=True), lambda: time.time_ns() // 1_000_000)
