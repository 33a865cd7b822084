"""`sealer-controller init` and `sealer-controller keys`: options and help, no logic.

`controller.main` adds both to its application. The bodies are in `controller.commands.keys`, imported when they run:
help loads neither cryptography nor YAML, and nothing here needs an extra.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from controller.commands.keys import Where

Cluster = Annotated[str | None, typer.Option("--cluster", metavar="NAME", help="Default: the only keyring.")]
KeyringOption = Annotated[
    Path | None,
    typer.Option(
        "--keyring", metavar="DIR", help="The keyring's directory. Default: $SEALER_KEYRING, else by --cluster."
    ),
]
PassphraseFile = Annotated[
    str | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="Holds the passphrase, one line ('-' is stdin). Default: $SEALER_PASSPHRASE_FILE, else a prompt.",
    ),
]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="Holds the audit log. Default: $SEALER_STATE, else by the cluster."),
]
Key = Annotated[
    str, typer.Argument(metavar="ID", help="The key's id, or its first 8 digits or more.", show_default=False)
]
Output = Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write here, not to stdout.")]

app = typer.Typer(
    help="Make, list, import and retire the keys of a cluster; back them up.",
    epilog="""\b
Examples:
  sealer-controller keys list
  sealer-controller keys bundle -o .sealer/keys/prod.bundle
  sealer-controller keys backup prod-keyring.backup""",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def init_command(
    cluster: Annotated[str, typer.Option("--cluster", metavar="NAME", help="Name of the cluster.")] = "local",
    keyring: KeyringOption = None,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase to protect the keys.")] = False,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
) -> int:
    """Make a keyring: an identity, a state key and a sealing key.

    A keyring that exists is never touched.
    """
    from controller.commands import keys

    return keys.init(_where(cluster, keyring, passphrase_file, state), encrypt=passphrase)


@app.command("list")
def list_(
    format_: Annotated[Literal["text", "json"], typer.Option("--format", help="How to print.")] = "text",
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
) -> int:
    """List the keys, their status and dates."""
    from controller.commands import keys

    return keys.list_(_where(cluster, keyring, passphrase_file), format_=format_)


@app.command("generate")
def generate(
    algorithm: Annotated[
        Literal["mlkem768-x25519", "rsa"], typer.Option(help="rsa: for v1 envelopes, which kubeseal makes.")
    ] = "mlkem768-x25519",
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
) -> int:
    """Make a new key; those of its kind are retired."""
    from controller.commands import keys

    return keys.generate(_where(cluster, keyring, passphrase_file, state), algorithm=algorithm)


@app.command(
    "import",
    epilog="""\b
Examples:
  sealer-controller keys import tls.key tls.crt
  kubectl get secret -n kube-system -o yaml \\
    -l sealedsecrets.bitnami.com/sealed-secrets-key |
    sealer-controller keys import -""",
)
def import_(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SRC...", help="PEM key and certificate, or key Secrets; '-' is stdin.", show_default=False
        ),
    ],
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
) -> int:
    """Add PEM pairs, or Bitnami's key Secrets."""
    from controller.commands import keys

    return keys.import_(_where(cluster, keyring, passphrase_file, state), sources=sources)


@app.command("retire")
def retire(
    key: Key,
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
) -> int:
    """Seal no longer to a key; it goes on opening."""
    from controller.commands import keys

    return keys.retire(_where(cluster, keyring, passphrase_file, state), key=key)


@app.command("compromise")
def compromise(
    key: Key,
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
) -> int:
    """A key leaked: mark it, make a new one at once."""
    from controller.commands import keys

    return keys.compromise(_where(cluster, keyring, passphrase_file, state), key=key)


@app.command(
    "bundle",
    epilog="""\b
Examples:
  sealer-controller keys bundle -o .sealer/keys/prod.bundle
  sealer-controller keys bundle --cert > cert.pem     for kubeseal --cert""",
)
def bundle(
    output: Output = None,
    cert: Annotated[bool, typer.Option("--cert", help="The newest RSA certificate (PEM) instead.")] = False,
    expires: Annotated[
        int | None,
        typer.Option(metavar="DAYS", help="How long readers take it as fresh. Default: 90.", show_default=False),
    ] = None,
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
) -> int:
    """Print the signed public keys, to be pinned."""
    from controller.commands import keys

    return keys.bundle(
        _where(cluster, keyring, passphrase_file, state), output=output, certificate=cert, expires=expires
    )


@app.command("backup")
def backup(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write the backup.", show_default=False)],
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
) -> int:
    """Write the keyring to one file under a passphrase.

    The passphrase asked for is the backup's; a protected keyring keeps its own inside.
    """
    from controller.commands import keys

    return keys.backup(_where(cluster, keyring, passphrase_file, state), file=file)


@app.command("restore")
def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file that `keys backup` wrote.", show_default=False)],
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: StateOption = None,
) -> int:
    """Make a keyring again from its backup.

    A keyring that exists is never touched.
    """
    from controller.commands import keys

    return keys.restore(_where(cluster, keyring, passphrase_file, state), file=file)


@app.command(
    "rotate-state",
    epilog="""\b
Examples:
  sealer-controller keys rotate-state
  sealer-controller keys backup prod-keyring.backup     with the new key""",
)
def rotate_state(
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Destroy the versions that no key opens, which else keep the former key.")
    ] = False,
    lock_timeout: Annotated[
        float, typer.Option("--lock-timeout", metavar="SECONDS", min=0, help="How long to wait for another run.")
    ] = 10.0,
    cluster: Cluster = None,
    keyring: KeyringOption = None,
    passphrase_file: PassphraseFile = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="DIR", help="Default: $SEALER_STATE, else by the cluster.")
    ] = None,
) -> int:
    """A new key for the state; the one before it is gone.

    The local store is encrypted again. What was deleted is then gone for good, from copies of the state too, which
    only the former key opens: replace the backups of the keyring that hold it.
    """
    from controller.commands import rotatestate

    where = _where(cluster, keyring, passphrase_file, state)
    return rotatestate.run(where, lock_timeout=lock_timeout, give_up=give_up)


def _where(cluster: str | None, keyring: Path | None, passphrase_file: str | None, state: Path | None = None) -> Where:
    from controller.commands.keys import Where

    return Where(cluster, keyring, passphrase_file, state)
