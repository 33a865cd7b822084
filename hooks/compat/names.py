"""Which of our rules find what a rule of gitleaks finds. Pure.

Most names begin with the provider in both, so that the same first word at the same place means the same leak. Where
the words differ, the table says which of ours it is.
"""

from __future__ import annotations

GENERIC = "generic-api-key"
"""Finds any value by its name: at one place, whatever we call it, it is the same one."""

_BEGIN = {
    "aws-access-token": ("aws-",),
    "gcp-api-key": ("google-", "gcp-"),
    "gcp-service-account": ("google-", "gcp-", "private-key"),
    "private-key": ("private-key", "encrypted-private-key", "pgp-", "ssh-", "age-", "openssh-", "putty-"),
    "age-secret-key": ("private-key", "age-"),
    "pkcs12-file": ("pkcs12", "private-key", "keystore"),
    "kubernetes-secret-yaml": ("kubernetes-secret", "kustomize-secret"),
    "jwt": ("jwt", "json-web-token"),
    "jwt-base64": ("jwt", "json-web-token"),
    "curl-auth-header": ("authorization-", "bearer-", "basic-auth", "generic-", "http-"),
    "curl-auth-user": ("basic-auth", "generic-", "curl-"),
    "hashicorp-tf-api-token": ("hashicorp-", "terraform-"),
    "hashicorp-tf-password": ("hashicorp-", "terraform-", "generic-password"),
    "vault-service-token": ("vault-", "hashicorp-"),
    "vault-batch-token": ("vault-", "hashicorp-"),
    "azure-ad-client-secret": ("azure-", "microsoft-", "entra-"),
    "cloudflare-origin-ca-key": ("cloudflare-",),
    "dropbox-api-token": ("dropbox-",),
    "facebook-page-access-token": ("facebook-", "meta-"),
    "microsoft-teams-webhook": ("microsoft-", "teams-"),
    "nuget-config-password": ("nuget-", "generic-password"),
    "npm-access-token": ("npm-", "npmrc-"),
    "pypi-upload-token": ("pypi-",),
    "rubygems-api-token": ("rubygems-",),
    "sidekiq-secret": ("sidekiq-",),
    "sidekiq-sensitive-url": ("sidekiq-", "basic-auth"),
    "telegram-bot-api-token": ("telegram-",),
    "yandex-aws-access-token": ("yandex-", "aws-"),
}


def same(theirs: str, ours: str) -> bool:
    """Whether a rule of gitleaks and one of ours, at one place, mean the same leak."""
    if theirs in (ours, GENERIC):
        return True
    return ours.startswith(_BEGIN.get(theirs, (f"{theirs.partition('-')[0]}-",)))


def equal(theirs: str, ours: str) -> bool:
    """Whether a rule of gitleaks and one of ours look for the same, wherever it is."""
    if theirs == GENERIC:
        return ours.startswith("generic-")
    return theirs == ours or (theirs in _BEGIN and ours.startswith(_BEGIN[theirs]))


def own(theirs: str) -> str:
    """The id that a rule of a team's own has with us."""
    words = "".join(char if char.isalnum() and char.isascii() else "-" for char in theirs.lower())
    return "-".join(filter(None, words.split("-")))[:63] or "unnamed"
