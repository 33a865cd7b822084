"""Manifests that look as if they leaked: sealed, references, templates, placeholders, certificates, settings."""

from __future__ import annotations

from tests.hooks.kubernetes_values import Shape, Values, b64, block, deployment


def _sealed(v: Values) -> str:
    rows = "".join(f"    {key}: Ag{b64(v.random.randbytes(420))}\n" for key in v.items(2))
    return (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
        f"metadata: {{name: x}}\nspec:\n  encryptedData:\n{rows}  template:\n"
        f"    metadata: {{name: x}}\n    type: Opaque\n"
    )


def _external(v: Values) -> str:
    return (
        "apiVersion: external-secrets.io/v1beta1\nkind: ExternalSecret\n"
        "metadata: {name: x}\nspec:\n  refreshInterval: 1h\n"
        "  secretStoreRef: {name: vault, kind: ClusterSecretStore}\n"
        "  target: {name: db}\n  data:\n  - secretKey: password\n"
        f"    remoteRef:\n      key: secret/data/prod/{v.pick(['db', 'mq', 'api'])}\n      property: password\n"
    )


def _sops(v: Values) -> str:
    def cipher() -> str:
        parts = f"data:{b64(v.random.randbytes(20))},iv:{b64(v.random.randbytes(32))},tag:{b64(v.random.randbytes(16))}"
        return f"ENC[AES256_GCM,{parts},type:str]"

    rows = "".join(f"  {key}: {cipher()}\n" for key in v.items(2))
    age = "-----BEGIN AGE ENCRYPTED FILE-----\n" + b64(v.random.randbytes(150)) + "\n-----END AGE ENCRYPTED FILE-----\n"
    meta = (
        "sops:\n  age:\n"
        f"  - recipient: age1{v.drawn(58, 'qpzry9x8gf2tvdw0s3jn54khce6mua7l')}\n"
        f"    enc: |\n{block(age, '      ')}"
    )
    return v.head() + f"{v.pick(['data', 'stringData'])}:\n{rows}{meta}  mac: {cipher()}\n  version: 3.8.1\n"


_FILLERS = (
    "changeme",
    "CHANGE_ME",
    "<your-password>",
    "YOUR_API_KEY",
    "REPLACE_ME",
    "xxxxxxxx",
    "${DB_PASSWORD}",
    "",
    "TODO",
    "$(DB_PASSWORD)",
    "your-api-key-here",
    "********",
    "<path:secret/data/db#password>",
    "placeholder",
    "__TOKEN__",
    "vault:secret/data/db#password",
    "ref+vault://secret/db#/password",
    "op://prod/db/password",
    "REDACTED",
    "null",
)


def _fillers(v: Values) -> str:
    filled = {key: v.pick(_FILLERS) for key in v.items(2)}
    if v.random.random() < 0.5:
        return v.head() + "stringData:\n" + "".join(f'  {key}: "{value}"\n' for key, value in filled.items())
    return v.head() + "data:\n" + "".join(f"  {key}: {b64(value) or chr(34) * 2}\n" for key, value in filled.items())


def _templates(v: Values) -> str:
    made = [
        "{{ .Values.db.password | b64enc | quote }}",
        '{{ required "a password" .Values.password | b64enc }}',
        '{{ include "app.password" . | b64enc }}',
        "{{ randAlphaNum 32 | b64enc }}",
        "{{ lookup_secret('db') }}",
        "{{ default (randAlphaNum 16) .Values.password | b64enc | quote }}",
        '{{ printf "%s" .Values.x | b64enc }}',
    ]
    rows = "".join(f"  {key}: {v.pick(made)}\n" for key in v.items(2))
    return "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n" + rows


def _harmless_config(v: Values) -> str:
    return (
        v.head("ConfigMap")
        + "data:\n"
        + "".join(
            f"  {line}\n"
            for line in v.random.sample(
                [
                    "LOG_LEVEL: debug",
                    "DB_HOST: db.prod.svc.cluster.local",
                    'DB_PORT: "5432"',
                    "TOKEN_TTL: 3600s",
                    'PASSWORD_MIN_LENGTH: "12"',
                    "SECRET_NAME: db-credentials",
                    'AUTH_ENABLED: "true"',
                    "KEY_FILE: /etc/tls/tls.key",
                    "API_URL: https://api.acme.io/v1",
                    f"BUILD: {v.drawn(40, '0123456789abcdef')}",
                    f"TENANT_ID: {v.drawn(8, '0123456789abcdef')}-1f2e-4d3c-8b5a-{v.drawn(12, '0123456789abcdef')}",
                    "AUTH_SECRET_REF: vault/db",
                    "USERNAME: app",
                    "TOKEN_ISSUER: https://login.acme.io/",
                ],
                7,
            )
        )
    )


def _certificates(v: Values) -> str:
    ca, crt = v.pem("CERTIFICATE"), v.pem(v.pick(["CERTIFICATE", "PUBLIC KEY"]))
    if v.random.random() < 0.5:
        return v.head() + f"data:\n  ca.crt: {b64(ca)}\n  other.pem: {b64(crt)}\n"
    return v.head() + f"stringData:\n  ca.crt: |\n{block(ca)}  other.pem: |\n{block(crt)}"


def _references(v: Values) -> str:
    lines = ["        - secretRef: {name: app}", "        - configMapRef: {name: app}"]
    return (
        deployment()
        + "        envFrom:\n"
        + "\n".join(v.random.sample(lines, 2))
        + (
            "\n      volumes:\n      - name: tls\n        secret:\n"
            "          secretName: tls\n"
            "          items: [{key: tls.key, path: tls.key}]\n"
        )
    )


def _generator_files(v: Values) -> str:
    what = v.pick(
        [
            "  files:\n  - tls.key\n  - ca=certs/ca.crt\n",
            "  envs:\n  - secret.env\n",
            "  env: .env.secret\n",
            "  literals: []\n",
        ]
    )
    return (
        f"secretGenerator:\n- name: {v.pick(['db', 'app'])}\n"
        f"{what}configMapGenerator:\n- name: c\n  literals:\n  - LOG_LEVEL=info\n"
        "  - TOKEN_TTL=60s\n"
    )


def _crd(v: Values) -> str:
    return (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "metadata: {name: secrets.acme.io}\nspec:\n  names:\n"
        "    kind: Secret\n    plural: secrets\n  versions:\n  - name: v1\n"
        "    schema:\n      openAPIV3Schema:\n        properties:\n"
        "          password:\n"
        f"            description: The password of the user, in {v.pick(['plain text', 'base64'])}.\n"
        "            type: string\n"
    )


CLEAN: dict[str, tuple[str, Shape]] = {
    "SealedSecret": ("sealed.yaml", _sealed),
    "ExternalSecret": ("external.yaml", _external),
    "SOPS": ("secret.enc.yaml", _sops),
    "fillers": ("secret.yaml", _fillers),
    "fillers in an example": ("secret.example.yaml", _fillers),
    "templates": ("templates/secret.yaml", _templates),
    "empty": (
        "s.yaml",
        lambda v: v.head() + v.pick(["data: {}\n", "type: Opaque\n", 'stringData:\n  password: ""\n', "data:\n"]),
    ),
    "settings": ("config.yaml", _harmless_config),
    "certificates": ("ca.yaml", _certificates),
    "references": ("deployment.yaml", _references),
    "generator": ("kustomization.yaml", _generator_files),
    "CRD": ("crd.yaml", _crd),
    "RBAC": (
        "rbac.yaml",
        lambda v: (
            "kind: Role\napiVersion: rbac.authorization.k8s.io/v1\n"
            f'metadata: {{name: x}}\nrules:\n- apiGroups: [""]\n'
            f"  resources: [secrets]\n  resourceNames: [{v.pick(['db', 'api-token'])}]\n"
            "  verbs: [get]\n"
        ),
    ),
    "service account token": (
        "token.yaml",
        lambda v: (
            v.head()
            + ("  annotations: {kubernetes.io/service-account.name: ci}\ntype: kubernetes.io/service-account-token\n")
        ),
    ),
    "repository": (
        "repo.yaml",
        lambda v: (
            v.head()
            + (
                "stringData:\n  type: git\n"
                f"  url: https://git.acme.io/{v.pick(['a', 'b'])}/deploy\n"
                "  project: default\n"
            )
        ),
    ),
    "user names": (
        "user.yaml",
        lambda v: (
            v.head()
            + (
                f"data:\n  username: {b64(v.pick(['admin', 'svc-app', 'postgres']))}\n"
                f"  host: {b64('db.prod.svc')}\n  port: {b64('5432')}\n"
            )
        ),
    ),
}
