"""The main job, for real, in a scratch directory:  make demo

Nothing of it touches your home: keyring, pins and state live under a temporary HOME that is removed at the end
(`--keep` leaves it and says where). Every step checks that the commands end as they should; a surprise ends the demo.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: payments
stringData:
  url: postgres://db.internal/payments
  password: {password}
"""


class Demo:
    """A scratch repository, a scratch home, and the story told while it runs."""

    def __init__(self, scratch: Path) -> None:
        self.repository = scratch / "shop"
        self.repository.mkdir()
        home = scratch / "home"
        home.mkdir()
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM", "SSL_CERT_FILE") if name in os.environ}
        self.environment = {**kept, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            self.environment |= {f"GIT_{role}_NAME": "demo", f"GIT_{role}_EMAIL": "demo@example.invalid"}

    def say(self, text: str) -> None:
        print("\n" + textwrap.fill(text, 78) + "\n", flush=True)

    def run(self, command: str, *, code: int = 0, show: bool = True, stdin: str | None = None) -> str:
        """Run a shell command in the repository and show it as it would be typed; `code` is how it must end."""
        if show:
            print(f"$ {command}", flush=True)
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.repository,
            env=self.environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if show or done.returncode != code:
            print(done.stdout.rstrip(), flush=True)
        if done.returncode != code:
            sys.exit(f"demo: ended with {done.returncode}, not {code}: {command}")
        return done.stdout

    def commit(self, message: str, *, code: int = 0, show: bool = True) -> str:
        self.run("git add -A", show=False)
        return self.run(f"git commit -q -m '{message}'", code=code, show=show)

    def edit(self, path: str, old: str, new: str | Callable[[re.Match[str]], str]) -> None:
        file = self.repository / path
        text = file.read_text()
        changed = re.sub(old, new, text, count=1)
        if changed == text:
            sys.exit(f"demo: nothing to change in {path}")
        file.write_text(changed)


def main() -> None:
    """Tell the story."""
    started = time.monotonic()
    keep = "--keep" in sys.argv[1:]
    scratch = Path(tempfile.mkdtemp(prefix="sealer-demo-"))
    try:
        demo = Demo(scratch)
        set_up(demo)
        seal_and_deliver(demo)
        change_one_item(demo)
        refuse(demo)
    finally:
        if keep:
            print(f"\nkept: {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    print(f"\nThat was the main job, in {time.monotonic() - started:.0f} s. The README has each job with its command.")


def set_up(demo: Demo) -> None:
    demo.say("1. A controller makes its keyring; a repository pins the public half (a key bundle) and gets the hooks.")
    demo.run("git init -q -b main .", show=False)
    demo.run("sealer-controller init --cluster demo")
    demo.run("sealer init --cluster demo")
    demo.say("The first commit compiles the scanner's rules, once for all repositories: some five seconds.")
    demo.commit("Set up sealer", show=False)


def seal_and_deliver(demo: Demo) -> None:
    demo.say("2. Someone commits a Secret in plaintext. The pre-commit hook stops it.")
    path = "secrets/payments/db.yaml"
    file = demo.repository / path
    file.parent.mkdir(parents=True)
    file.write_text(SECRET.format(password=os.urandom(9).hex()))
    output = demo.commit("Add the database password", code=1)
    if path not in output or "sealer seal" not in output:
        sys.exit("demo: the hook did not name the file and the way out")
    demo.say("3. Sealed, it may be committed: only the controller can open it now.")
    demo.run(f"sealer seal --in-place {path}")
    demo.run(f"cut -c 1-76 {path}")
    demo.commit("Add the database password, sealed")
    demo.say("4. The controller, in a pipeline: first what it would do, then for real.")
    demo.run("sealer-controller apply . --dry-run")
    demo.run("sealer-controller apply .")
    demo.say("5. An application reads it: from the controller's store, or through its environment.")
    demo.run("sealer-controller get payments/db url; echo")
    demo.run(f"sealer run -f {path} --only password -- sh -c 'echo \"${{#password}} characters of password\"'")


def change_one_item(demo: Demo) -> None:
    demo.say("6. One item changes. Only its line does in Git; `sealer diff` says so without a key.")
    demo.run("head -c 18 /dev/urandom | base64 | sealer set secrets/payments/db.yaml password")
    demo.run("git diff --stat")
    demo.run("sealer diff")
    demo.commit("Change the database password")
    demo.run("sealer-controller apply .")
    demo.say("7. Applied again, nothing is opened and nothing is written.")
    demo.run("sealer-controller apply .")


def refuse(demo: Demo) -> None:
    demo.say("8. A file is renamed, and its secret with it. Its values were sealed for another name: refused.")
    demo.run("mkdir -p secrets/payments; cp secrets/payments/db.yaml secrets/payments/cache.yaml", show=False)
    demo.edit("secrets/payments/cache.yaml", r"name: db\b", "name: cache")
    demo.run("sealer check secrets/payments/cache.yaml", code=1)
    demo.run("sealer-controller apply .", code=1)
    demo.run("rm secrets/payments/cache.yaml", show=False)
    demo.say("9. One character of a sealed value is changed. It opens no more, and the last good version stays.")
    demo.edit("secrets/payments/db.yaml", r"(url: v2:.{1600})(.)", _other_character)
    demo.run("sealer-controller apply .", code=1)
    demo.run("sealer-controller status", code=1)
    demo.run("sealer-controller get payments/db url; echo")


def _other_character(found: re.Match[str]) -> str:
    """The same text with its last character changed to another one of base64."""
    return found[1] + ("A" if found[2] != "A" else "B")


if __name__ == "__main__":
    main()
