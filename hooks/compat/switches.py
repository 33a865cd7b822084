"""Words of other scanners' command lines (gitleaks, trufflehog, detect-secrets), and what does the same here.

Asked only once a word is none of ours, so that who comes from there is told more than that.
"""

from __future__ import annotations

_FROM = "sealer-scan baseline --history --from FILE, once"
_SHOWN = "leave it out: every finding is shown, and no value ever"
_UNTRIED = "leave it out: no credential is ever tried out"
_PLAIN = "leave it out: there is none"
_LIMITS = "leave it out: the limits are fixed, and what is beyond them is named"

COMMANDS = {
    "audit": "sealer-scan baseline --reason TEXT",
    "detect": "sealer-scan; for commits as well: sealer-scan --history",
    "dir": "sealer-scan PATH",
    "directory": "sealer-scan PATH",
    "filesystem": "sealer-scan PATH",
    "git": "sealer-scan --history",
    "help": "sealer-scan --help",
    "protect": "sealer-scan --staged",
    "scan": "sealer-scan",
    "version": "sealer-scan --version",
}
OPTIONS = {
    "--all-files": "sealer-scan .",
    "--baseline-path": _FROM,
    "--branch": "--range main..BRANCH",
    "--config": "GITLEAKS_CONFIG=FILE; .gitleaks.toml at the top is read without it",
    "--disable": "in .sealer.yaml: scan: {disable: [RULE]}",
    "--disable-plugin": "in .sealer.yaml: scan: {disable: [RULE]}",
    "--enable-rule": "--rule ID",
    "--exclude-files": "--exclude GLOB",
    "--exclude-paths": "--exclude GLOB",
    "--exit-code": "leave it out: findings end with 1; to go on all the same: sealer-scan || true",
    "--fail": "leave it out: findings end with 1",
    "--github-actions": "--format github",
    "--gitleaks-ignore-path": f"{_FROM}; .gitleaksignore at the top is read without it",
    "--json": "--format json",
    "--list-all-plugins": "sealer-scan explain",
    "--list-rules": "sealer-scan explain",
    "--log-level": _SHOWN,
    "--log-opts": "--range A..B, or --history",
    "--max-archive-depth": _LIMITS,
    "--max-decode-depth": _LIMITS,
    "--max-target-megabytes": _LIMITS,
    "--no-banner": _PLAIN,
    "--no-color": _PLAIN,
    "--no-git": "sealer-scan .",
    "--no-verification": _UNTRIED,
    "--no-verify": _UNTRIED,
    "--only-verified": _UNTRIED,
    "--pre-commit": "--staged",
    "--redact": _SHOWN,
    "--report-format": "--format NAME; or -o FILE, whose ending says it",
    "--report-path": "-o FILE",
    "--since-commit": "--range COMMIT..HEAD",
    "--source": "sealer-scan PATH",
    "--update": "sealer-scan baseline --reason TEXT",
    "--verbose": _SHOWN,
    "-b": _FROM,
    "-c": "GITLEAKS_CONFIG=FILE; .gitleaks.toml at the top is read without it",
    "-f": "--format NAME; or -o FILE, whose ending says it",
    "-r": "-o FILE",
    "-s": "sealer-scan PATH",
    "-v": _SHOWN,
}
