"""The `sealer` command: options and help, no logic. Each command's body is `sealer/commands/<name>.py`.

A body is imported inside its function, so that `sealer --help` loads neither cryptography nor YAML. What the options
mean is DESIGN section 11.
"""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from sealer import entry, keys_cli
from sealer.console import CANNOT_TELL, out

Scope = Literal["strict", "namespace-wide", "cluster-wide"]
Envelope = Literal["v1", "v2"]
Rendered = Literal["yaml", "json"]
Report = Literal["text", "json", "markdown"]

_RUN_FAILED = 125  # as env(1) and docker(1): below it the codes belong to the command that is run
_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 80}
_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}

app = typer.Typer(
    help="Seal secrets to a controller's key, so that they can live in Git.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=_HELP,
)
app.add_typer(keys_cli.app, name="keys")

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="Sealed files.", show_default=False)]
Key = Annotated[str, typer.Argument(metavar="KEY", help="The item's key.", show_default=False)]
Clusters = Annotated[
    list[str] | None, typer.Option("--cluster", metavar="NAME", help="Seal for this cluster; may be repeated.")
]
Cert = Annotated[str | None, typer.Option(metavar="PEM", help="Seal v1 to this bare certificate instead.")]
EnvelopeOption = Annotated[Envelope | None, typer.Option(help="Default: what the cluster's keys allow, v2 first.")]
ScopeOption = Annotated[Scope | None, typer.Option(help="How far the sealed items may move. Default: strict.")]
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", metavar="NS", help="Namespace of the secret.")]
Name = Annotated[str | None, typer.Option(metavar="NAME", help="Name of the secret.")]
AllowEmpty = Annotated[bool, typer.Option("--allow-empty", help="Seal an empty value, or a Secret without items.")]
PrivateKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--private-key",
        metavar="SRC",
        help="PEM file, key Secret, keyring directory or '-'; may be repeated. Default: $SEALER_PRIVATE_KEY_FILE, "
        "$SEALER_PRIVATE_KEY, else the local keyrings.",
    ),
]
Output = Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write here, not to stdout.")]
ReportFormat = Annotated[Report, typer.Option("--format", help="How to print the answer.")]
Paths = Annotated[list[str] | None, typer.Argument(metavar="PATH...", show_default=False)]


def _version(wanted: bool) -> None:
    if wanted:
        out(entry.version("sealer"))
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command(
    "init",
    epilog="""\b
Examples:
  sealer init
  sealer init --cluster prod --keys https://sealer.prod.example.com/v1/keys""",
)
def init(
    keys: Annotated[
        str | None,
        typer.Option(metavar="SRC", help="Keys to pin: file, keyring directory, https URL or '-'."),
    ] = None,
    cluster: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the cluster.")] = None,
    no_hooks: Annotated[bool, typer.Option("--no-hooks", help="Leave pre-commit alone.")] = False,
) -> int:
    """Set up this repository: rules, pinned keys, hooks.

    Writes .sealer.yaml and ignore rules too; a second run only adds.
    """
    from sealer.commands import init as body

    return body.run(keys=keys, cluster=cluster, hooks=not no_hooks)


@app.command(
    "set",
    epilog="""\b
The value comes from a hidden prompt, or from stdin; never from an argument.
  sealer set secrets/payments/db.yaml password
  sealer set clusters/{staging,prod}/payments/db.yaml password
  sealer set secrets/payments/db.yaml tls.key --from-file key.pem
  sealer set secrets/payments/db.yaml token --generate hex:32
Kinds: password, alphanumeric, hex, base64, base64url, bytes, uuid, ssh-key""",
)
def set_(
    files: Files,
    key: Key,
    from_file: Annotated[str | None, typer.Option(metavar="PATH", help="The value is this file's bytes.")] = None,
    generate: Annotated[str | None, typer.Option(metavar="KIND[:N]", help="The value is random.")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="Keep every byte of stdin, its last newline too.")] = False,
    allow_empty: AllowEmpty = False,
    cluster: Clusters = None,
    cert: Cert = None,
    envelope: EnvelopeOption = None,
    scope: ScopeOption = None,
    namespace: Namespace = None,
    name: Name = None,
) -> int:
    """Seal one value as an item of each FILE.

    A missing FILE is made; of an existing one only this item changes.
    """
    from sealer.commands import set as body
    from sealer.sealing.source import ValueFlags
    from sealer.sealing.targets import Flags

    flags = Flags.of(cluster, namespace, name, scope, envelope, cert)
    return body.run(files, key, value=ValueFlags(from_file, generate, raw, allow_empty), flags=flags)


@app.command(
    "unset",
    epilog="""\b
Examples:
  sealer unset secrets/payments/db.yaml old-password""",
)
def unset(
    files: Files,
    key: Key,
    namespace: Namespace = None,
    name: Name = None,
) -> int:
    """Remove an item from each FILE."""
    from sealer.commands import unset as body

    return body.run(files, key, namespace=namespace, name=name)


def _of_kubeseal(option: str) -> str:
    """What does the same as an option of kubeseal's; "" where that has none of this name."""
    from sealer.commands.kubeseal import OPTIONS

    return OPTIONS.get(option, "")


@app.command(
    "seal",
    context_settings={"obj": _of_kubeseal},
    epilog="""\b
Examples:
  sealer seal --in-place clusters/prod
  kubectl create secret generic db --dry-run=client -o yaml \\
    --from-file password | sealer seal -o secrets/payments/db.yaml
  sealer seal -o secrets/web/env.yaml --from-env-file .env
  sealer seal --cert cert.pem < secret.yaml > sealed.yaml""",
)
def seal(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE|DIR...", help="Secret manifests; none or '-': stdin.", show_default=False),
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write here; its path decides the rule.")
    ] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Replace each file by its sealed form.")] = False,
    merge: Annotated[bool, typer.Option("--merge", help="With -o: keep items that only FILE has.")] = False,
    from_env_file: Annotated[
        list[str] | None, typer.Option(metavar="F", help="Items from a file of NAME=VALUE lines.")
    ] = None,
    from_file: Annotated[
        list[str] | None, typer.Option(metavar="[KEY=]PATH", help="An item from a file's bytes.")
    ] = None,
    type_: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Type of a Secret made of items.")] = None,
    format_: Annotated[Rendered | None, typer.Option("--format", help="Default: the input's, else yaml.")] = None,
    allow_empty: AllowEmpty = False,
    cluster: Clusters = None,
    cert: Cert = None,
    envelope: EnvelopeOption = None,
    scope: ScopeOption = None,
    namespace: Namespace = None,
    name: Name = None,
) -> int:
    """Turn Secret manifests, or items, into SealedSecrets.

    Other documents of a file stay as they are.
    """
    from sealer.commands import seal as body
    from sealer.sealing.targets import Flags

    return body.run(
        sources or [],
        output=output,
        in_place=in_place,
        merge=merge,
        items=body.Items(tuple(from_env_file or ()), tuple(from_file or ()), type_),
        format=format_,
        allow_empty=allow_empty,
        flags=Flags.of(cluster, namespace, name, scope, envelope, cert),
    )


@app.command(
    "unseal",
    epilog="""\b
Examples:
  sealer unseal secrets/payments/db.yaml
  sealer unseal secrets/payments/db.yaml password | psql-login
  sealer unseal sealed.yaml --private-key key-secret.yaml""",
)
def unseal(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A sealed file, or '-'.", show_default=False)],
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Print this item's bytes alone.", show_default=False)
    ] = None,
    private_key: PrivateKeys = None,
    output: Output = None,
    format_: Annotated[Rendered | None, typer.Option("--format", help="Default: as the input.")] = None,
    namespace: Namespace = None,
    name: Name = None,
) -> int:
    """Print the Secret of a sealed file, or one item of it.

    Needs a private key.
    """
    from sealer.commands import unseal as body

    return body.run(
        file, key, private_keys=private_key or [], output=output, format=format_, namespace=namespace, name=name
    )


@app.command(
    "render",
    epilog="""\b
Examples:
  sealer render secrets/payments/db.yaml
  sealer render secrets/payments/db.yaml config.ini
  sealer render sealed.yaml --private-key key-secret.yaml""",
)
def render(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A sealed file, or '-'.", show_default=False)],
    key: Annotated[
        str | None, typer.Argument(metavar="KEY", help="Print what this template gives.", show_default=False)
    ] = None,
    private_key: PrivateKeys = None,
    output: Output = None,
    format_: Annotated[Rendered | None, typer.Option("--format", help="Default: as the input.")] = None,
    namespace: Namespace = None,
    name: Name = None,
) -> int:
    """Print what the templates of a sealed file give.

    Without a private key they are only checked.
    """
    from sealer.commands import render as body

    return body.run(
        file, key, private_keys=private_key or [], output=output, format=format_, namespace=namespace, name=name
    )


@app.command(
    "check",
    epilog="""\b
Examples:
  sealer check
  sealer check --explain clusters/prod/payments/db.yaml""",
)
def check(
    paths: Paths = None,
    explain: Annotated[bool, typer.Option("--explain", help="Name the rule and the clusters of each path.")] = False,
    format_: ReportFormat = "text",
    output: Output = None,
) -> int:
    """Find sealed files that would not open, and plaintext.

    Works offline and without a key. No PATH: all tracked files.
    """
    from sealer.commands import check as body

    return body.run(paths or [], explain=explain, format=format_, output=output)


@app.command(
    "diff",
    epilog="""\b
Examples:
  sealer diff
  sealer diff origin/main...HEAD --format markdown""",
)
def diff(
    args: Annotated[
        list[str] | None,
        typer.Argument(metavar="REV|A..B|A...B|PATH...", show_default=False),
    ] = None,
    format_: ReportFormat = "text",
    output: Output = None,
) -> int:
    """Show which items were added, re-sealed or removed.

    Needs no key and shows no value.
    """
    from sealer.commands import diff as body

    return body.run(args or [], format=format_, output=output)


@app.command(
    "run",
    context_settings={"allow_interspersed_args": False},
    epilog="""\b
Examples:
  sealer run -f secrets/payments/db.yaml -- npm start
  sealer run --files --only tls.key --watch HUP -- nginx -g 'daemon off;'""",
)
def run(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", show_default=False)],
    files: Annotated[
        list[str] | None, typer.Option("--file", "-f", metavar="FILE", help="Sealed file; later ones win.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="K", help="Only this item; may be repeated.")] = None,
    prefix: Annotated[str, typer.Option(metavar="P", help="Put this before each variable's name.")] = "",
    as_files: Annotated[bool, typer.Option("--files", help="As files in $SEALER_FILES, not as variables.")] = False,
    preserve_env: Annotated[bool, typer.Option("--preserve-env", help="The environment beats secrets.")] = False,
    watch: Annotated[
        str | None,
        typer.Option(metavar="restart|SIGNAL", help="When values change: start again; or renew --files and send this."),
    ] = None,
    private_key: PrivateKeys = None,
) -> int:
    """Run a command with secrets in its environment."""
    from sealer.commands import run as body

    return body.run(
        command,
        files=files or [],
        only=only or [],
        prefix=prefix,
        as_files=as_files,
        preserve_env=preserve_env,
        watch=watch,
        private_keys=private_key or [],
    )


@app.command("scan", context_settings=_PASS_ON)
def scan(context: typer.Context) -> int:
    """Find plaintext secrets; see `sealer scan --help`."""
    from sealer.commands import scan as body

    return body.run(context.args)


def main() -> None:
    """Entry point of the console script `sealer`."""
    argv = sys.argv[1:]
    sys.exit(entry.start(app, "sealer", argv, usage=_RUN_FAILED if argv[:1] == ["run"] else CANNOT_TELL))
