"""`sealer-controller run kubernetes`: options and help, no logic (DESIGN section 11).

Flags and variables are Bitnami's, so that the arguments of their Deployment do; `controller/kube/flags.py` says what
they mean.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sealer import entry

NAME = "sealer-controller run kubernetes"

_PREFIX = "SEALED_SECRETS_"
_BOOLEANS = frozenset(
    {
        "accept-deprecated-v1-data", "all-namespaces", "metrics-omit-secret-labels", "skip-recreate",
        "watch-for-secrets", "update-status", "old-gc-behavior", "log-info-stdout", "require-identity",
    }
)  # fmt: skip
_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 80}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, context_settings=_HELP)


def _option(name: str, help_: str, metavar: str | None = None, *, hidden: bool = False) -> object:
    variable = _PREFIX + name.upper().replace("-", "_")
    words = f"--{name}/--no-{name}" if name in _BOOLEANS else f"--{name}"
    return typer.Option(words, help=help_, metavar=metavar, envvar=variable, show_envvar=False, hidden=hidden)


def _version(asked: bool) -> None:
    """Print the version as Bitnami's controller does, for scripts that read it."""
    if asked:
        from importlib.metadata import version

        typer.echo(f"controller version: {version('sealer')}")
        raise typer.Exit


@app.command(
    epilog="""\b
Each flag is a variable, too: SEALED_SECRETS_ and its name in capitals.

\b
Signals:
  SIGUSR1           make a new sealing key
  SIGTERM, SIGINT   end what is being done, give the lease back, exit 0

\b
Examples:
  sealer-controller run kubernetes
  sealer-controller run kubernetes --audit-log /var/lib/sealer/log
  sealer-controller run kubernetes --additional-namespaces=shop,pay""",
)
def run(
    key_prefix: Annotated[
        str, _option("key-prefix", "How the names of key Secrets begin.", "TEXT")
    ] = "sealed-secrets-key",
    key_size: Annotated[int, _option("key-size", "Bits of a new RSA key.", "BITS")] = 4096,
    key_ttl: Annotated[str, _option("key-ttl", "How long a new certificate is valid.", "DURATION")] = "87600h",
    my_cn: Annotated[str, _option("my-cn", "Common name of new certificates.", "TEXT")] = "",
    key_renew_period: Annotated[
        str, _option("key-renew-period", "A new key each so often; 0: never.", "DURATION")
    ] = "720h",
    key_order_priority: Annotated[
        Literal["CertNotBefore", "SecretCreationTimestamp"],
        _option("key-order-priority", "What makes a key the newest."),
    ] = "CertNotBefore",
    key_cutoff_time: Annotated[
        str, _option("key-cutoff-time", "A new key at the start if the newest is older (RFC 1123).", "TIME")
    ] = "",
    privatekey_annotations: Annotated[
        str, _option("privatekey-annotations", "More annotations of new key Secrets.", "K=V,...")
    ] = "",
    privatekey_labels: Annotated[str, _option("privatekey-labels", "More labels of them.", "K=V,...")] = "",
    accept_deprecated_v1_data: Annotated[
        bool, _option("accept-deprecated-v1-data", "Open SealedSecrets with the old `data` field.")
    ] = True,
    all_namespaces: Annotated[
        bool, _option("all-namespaces", "Serve all namespaces; else one's own and those named.")
    ] = True,
    additional_namespaces: Annotated[
        str, _option("additional-namespaces", "Serve these and one's own only.", "NAMES")
    ] = "",
    label_selector: Annotated[str, _option("label-selector", "Only SealedSecrets with these labels.", "SELECTOR")] = "",
    skip_recreate: Annotated[
        bool, _option("skip-recreate", "Don't watch Secrets: what is deleted or changed by hand stays so.")
    ] = False,
    update_status: Annotated[bool, _option("update-status", "Write the status of SealedSecrets.")] = True,
    old_gc_behavior: Annotated[
        bool, _option("old-gc-behavior", "Delete Secrets ourselves when their SealedSecret goes.")
    ] = False,
    require_identity: Annotated[
        bool, _option("require-identity", "Answer /v1/verify and /v1/rotate only to whom RBAC lets.")
    ] = False,
    token_audiences: Annotated[
        str, _option("token-audiences", "Whom their tokens are for; default: the API server.", "NAMES")
    ] = "",
    rate_limit: Annotated[float, _option("rate-limit", "Requests to these two a second.", "N")] = 2.0,
    rate_limit_burst: Annotated[int, _option("rate-limit-burst", "And so many at once.", "N")] = 2,
    trusted_proxies: Annotated[
        str, _option("trusted-proxies", "Networks whose X-Forwarded-For is believed for these limits.", "CIDR,...")
    ] = "",
    listen_addr: Annotated[str, _option("listen-addr", "Where the endpoints are.", "[HOST]:PORT")] = ":8080",
    listen_metrics_addr: Annotated[str, _option("listen-metrics-addr", "Where /metrics is.", "[HOST]:PORT")] = ":8081",
    read_timeout: Annotated[str, _option("read-timeout", "To read a request.", "DURATION")] = "2m",
    write_timeout: Annotated[str, _option("write-timeout", "To answer it.", "DURATION")] = "2m",
    metrics_omit_secret_labels: Annotated[
        bool, _option("metrics-omit-secret-labels", "No series that name SealedSecrets.")
    ] = False,
    kubeclient_qps: Annotated[
        float,
        _option("kubeclient-qps", "Taken, without effect: a busy API server says so.", "N", hidden=True),
    ] = 0.0,
    kubeclient_burst: Annotated[int, _option("kubeclient-burst", "Taken, without effect.", "N", hidden=True)] = 0,
    workers: Annotated[int, _option("workers", "SealedSecrets of a namespace worked on at once.", "N")] = 8,
    lease_name: Annotated[
        str, _option("lease-name", "The Lease by which one of several replicas is elected.", "NAME")
    ] = "sealed-secrets-controller",
    cluster: Annotated[str, _option("cluster", "What the key bundle calls this cluster.", "NAME")] = "kubernetes",
    audit_log: Annotated[
        str, _option("audit-log", "Say each access in an audit log here before it is done; default: none.", "DIR")
    ] = "",
    namespace: Annotated[
        str, _option("namespace", "Where its keys and its Lease are; default: $POD_NAMESPACE.", "NS")
    ] = "",
    kubeconfig: Annotated[
        str, _option("kubeconfig", "Outside of a cluster; default: $KUBECONFIG, ~/.kube/config.", "FILE")
    ] = "",
    context: Annotated[str, _option("context", "Another context of it than the current.", "NAME")] = "",
    log_level: Annotated[str, _option("log-level", "DEBUG, INFO, WARN or ERROR.", "LEVEL")] = "INFO",
    log_format: Annotated[Literal["text", "json"], _option("log-format", "Of the log on stderr.")] = "text",
    log_info_stdout: Annotated[
        bool, _option("log-info-stdout", "Taken, without effect: the log is on stderr.", hidden=True)
    ] = True,
    watch_for_secrets: Annotated[
        bool, _option("watch-for-secrets", "Taken, without effect: keys are always watched.", hidden=True)
    ] = True,
    max_unseal_retries: Annotated[
        int, _option("max-unseal-retries", "Taken, without effect: it is always tried again.", "N", hidden=True)
    ] = 0,
    rotate_period: Annotated[str, _option("rotate-period", "Old name of key-renew-period.", hidden=True)] = "",
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> int:
    """Take the place of the Sealed Secrets controller in a cluster, until a signal ends it."""
    del version, log_info_stdout, watch_for_secrets, max_unseal_retries, kubeclient_qps, kubeclient_burst
    from controller.commands import run_kubernetes as body
    from controller.kube import flags, selector
    from sealer.formats.binding import check_cluster

    keys = flags.KeyFlags(
        prefix=flags.prefix(key_prefix),
        size=key_size,
        ttl=flags.seconds(key_ttl, "key-ttl"),
        common_name=my_cn,
        renew_period=flags.seconds(rotate_period or key_renew_period, "key-renew-period"),
        order=key_order_priority,
        cutoff=flags.cutoff(key_cutoff_time),
        annotations=flags.pairs(privatekey_annotations, "privatekey-annotations"),
        labels=flags.pairs(privatekey_labels, "privatekey-labels"),
    )
    wanted = flags.Flags(
        keys=keys,
        accept_v1_data=accept_deprecated_v1_data,
        all_namespaces=all_namespaces,
        additional_namespaces=flags.namespaces(additional_namespaces),
        label_selector=selector.checked(label_selector),
        omit_secret_labels=metrics_omit_secret_labels,
        skip_recreate=skip_recreate,
        update_status=update_status,
        old_gc_behavior=old_gc_behavior,
        rate_limit=rate_limit,
        rate_limit_burst=rate_limit_burst,
        proxies=trusted_proxies,
        listen=listen_addr,
        listen_metrics=listen_metrics_addr,
        read_timeout=flags.seconds(read_timeout, "read-timeout"),
        write_timeout=flags.seconds(write_timeout, "write-timeout"),
        workers=flags.workers(workers),
        require_identity=require_identity,
        token_audiences=flags.audiences(token_audiences, identity=require_identity),
        lease=flags.lease(lease_name),
        cluster=check_cluster(cluster),
        audit_log=audit_log,
        namespace=flags.namespace(namespace),
        kubeconfig=kubeconfig,
        context=context,
    )
    return body.run(wanted, flags.level(log_level), log_format)


def start(arguments: list[str]) -> int:
    """Run on the arguments behind `run kubernetes`."""
    from controller.kube.flags import as_ours

    return entry.start(app, NAME, list(as_ours(arguments, _BOOLEANS)))
