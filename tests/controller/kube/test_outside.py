"""`run kubernetes` where no pod says whose controller it is, and a cluster that it isn't installed in."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_it_does_not_guess_where_its_keys_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The namespace of a kubeconfig is where somebody works: keys made there open nothing that there is."""
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    command = [sys.executable, "-m", "controller", "run", "kubernetes", "--kubeconfig", str(tmp_path / "config")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--namespace kube-system" in done.stderr
    named = subprocess.run([*command, "--namespace", "kube-system"], capture_output=True, text=True, check=False)
    assert named.returncode == 2
    assert str(tmp_path / "config") in named.stderr


def test_where_the_type_is_missing_it_may_be_the_wrong_cluster(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    answers = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "nothing"))  # to all with 404
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        config = {
            "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "contexts": [{"name": "here", "context": {"cluster": "c"}}],
        }
        (tmp_path / "config").write_text(json.dumps(config))
        command = [
            sys.executable,
            "-m",
            "controller",
            "status",
            "--from-cluster",
            "--kubeconfig",
            str(tmp_path / "config"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        server.shutdown()
        thread.join()
    assert (done.returncode, done.stdout) == (2, "")
    what, way_out = done.stderr.splitlines()
    assert what == "error: context here: has no type SealedSecret"
    assert "--context NAME" in way_out
    assert "manifests --image IMAGE" in way_out  # without one there would be nothing to pull
