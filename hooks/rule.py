"""What is looked for: an id that users write (`sealer:allow ID`, `scan.disable`), a severity, what to say.

These few need code of their own to be found. Rules that are patterns (tokens of providers) are data in
`hooks/rules/*.yaml` once the engine for them is there; they become the same `Rule`.
"""

from __future__ import annotations

from hooks.fields import Fields

ERROR = "error"
WARNING = "warning"


class Rule(Fields):
    """One kind of leak. Only errors stop a commit. `remediation`: how to make a value worthless, at its provider."""

    __slots__ = ("description", "id", "remediation", "severity")

    def __init__(self, id: str, description: str, severity: str = ERROR, remediation: str = "") -> None:  # noqa: A002
        self.id = id
        self.description = description
        self.severity = severity
        self.remediation = remediation


KUBERNETES_SECRET = Rule("kubernetes-secret", "a value in a plaintext Secret of Kubernetes")
KUSTOMIZE_SECRET = Rule("kustomize-secret", "a literal value of kustomize's secretGenerator")
PRIVATE_KEY = Rule("private-key", "a private key")
ENCRYPTED_KEY = Rule("encrypted-private-key", "a private key under a passphrase, which can be guessed offline", WARNING)
ENV_FILE = Rule("env-file", "a credential in an environment file")

RULES = {rule.id: rule for rule in (KUBERNETES_SECRET, KUSTOMIZE_SECRET, PRIVATE_KEY, ENCRYPTED_KEY, ENV_FILE)}
