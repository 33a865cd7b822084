r"""A labelled set of Kubernetes manifests: Secrets in every shape that leak, and what looks like one. Made at run time.

Each shape is a function that writes a file from values of a seeded generator, so that two runs see the same set and no
file of ours holds one. A line that leaks ends in `~` while it is written. Values are what people put there: drawn by
generators, typed, keys in PEM, registry logins, whole configuration files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tests.hooks.kubernetes_lookalikes import CLEAN
from tests.hooks.kubernetes_values import Shape, Values, b64, block, deployment

DRAWS = 14
_MARK = "~"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A file, and the lines of it that leak: none, if it is a lookalike."""

    path: str
    shape: str
    text: str
    lines: frozenset[int]


def _data(values: dict[str, str], *, indent: str = "  ", quote: str = "", comment: str = "") -> str:
    return "".join(f"{indent}{key}: {quote}{b64(value)}{quote}{comment}{_MARK}\n" for key, value in values.items())


def _plain(values: dict[str, str], *, indent: str = "  ", quote: str = '"') -> str:
    return "".join(f"{indent}{key}: {quote}{value}{quote}{_MARK}\n" for key, value in values.items())


def _object(v: Values, *, plain: bool = False) -> dict[str, object]:
    values = {key: value + _MARK if plain else b64(value) + _MARK for key, value in v.items().items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData" if plain else "data": values}


def _json(value: object, indent: int | None = 2) -> str:
    """JSON whose marks stand at the ends of lines."""
    lines = json.dumps(value, indent=indent).split("\n")
    return "\n".join(line.replace(_MARK, "") + (_MARK if _MARK in line else "") for line in lines) + "\n"


def _config(v: Values) -> str:
    return v.head("ConfigMap") + "data:\n  LOG_LEVEL: info\n  DB_HOST: db.prod.svc\n  password.policy: strong\n"


def _folded(v: Values) -> str:
    text = b64("\n".join(f"{key}={value}" for key, value in v.items(3).items()))
    rows = "".join(f"    {text[at : at + 60]}\n" for at in range(0, len(text), 60))
    return v.head() + f"data:\n  app.env: {v.pick(['|', '>-', '|-'])}{_MARK}\n" + rows


def _registry(v: Values) -> str:
    login = v.drawn(16)
    auth = {"username": "ci", "password": login, "auth": b64(f"ci:{login}")}
    value = json.dumps({"auths": {"registry.acme.io": auth}})
    head = v.head() + "type: kubernetes.io/dockerconfigjson\n"
    if v.random.random() < 0.5:
        return head + f"data:\n  .dockerconfigjson: {b64(value)}{_MARK}\n"
    return head + f"stringData:\n  .dockerconfigjson: '{value}'{_MARK}\n"


def _tls(v: Values) -> str:
    cert, key = v.pem("CERTIFICATE"), v.pem(v.pick(["PRIVATE KEY", "RSA PRIVATE KEY"]))
    head = v.head() + "type: kubernetes.io/tls\n"
    if v.random.random() < 0.5:
        return head + f"data:\n  tls.crt: {b64(cert)}\n  tls.key: {b64(key)}{_MARK}\n"
    return head + f"stringData:\n  tls.crt: |\n{block(cert)}  tls.key: |{_MARK}\n{block(key)}"


def _file(v: Values) -> str:
    """A configuration file as a block: the lines in it that leak are told."""
    inner = v.pick(
        [
            f"server:\n  port: 8080\ndb:\n  user: app\n  password: {v.drawn(14)}{_MARK}\n",
            f"[smtp]\nhost = mail.acme.io\npassword = {v.drawn(14)}{_MARK}\n",
            f"spring.datasource.username=app\nspring.datasource.password={v.drawn(14)}{_MARK}\n",
        ]
    )
    name = {"s": "config.yaml", "[": "app.ini"}.get(inner[0], "x") if "spring" not in inner else "app.properties"
    return v.head() + f"stringData:\n  {name}: |\n{block(inner)}"


def _applied(v: Values) -> str:
    values = {key: b64(value) for key, value in v.items().items()}
    said = json.dumps({"apiVersion": "v1", "data": values, "kind": "Secret", "metadata": {"name": "x"}})
    body = "".join(f"  {key}: {value}{_MARK}\n" for key, value in values.items())
    note = f"  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {said}{_MARK}\n"
    return f"apiVersion: v1\ndata:\n{body}kind: Secret\nmetadata:\n{note}  name: x\ntype: Opaque\n"


def _helm(v: Values) -> str:
    head = (
        "{{- if .Values.enabled }}\napiVersion: v1\nkind: Secret\nmetadata:\n"
        "  name: {{ .Release.Name }}-db\ntype: Opaque\n"
    )
    made = v.pick(
        [f'{{{{ "{v.drawn(16)}" | b64enc | quote }}}}', f'{{{{ .Values.pw | default "{v.drawn(16)}" | b64enc }}}}']
    )
    return head + f"data:\n{_data(v.items())}  second: {made}{_MARK}\n{{{{- end }}}}\n"


def _kustomize(v: Values) -> str:
    rows = "".join(f"  - {key}={value}{_MARK}\n" for key, value in v.items().items())
    rest = v.pick(["", "  files: [tls.crt]\n", "  envs: [.env.secret]\n", "  type: Opaque\n"])
    return (
        "resources: [app.yaml]\nsecretGenerator:\n- name: app\n  literals:\n"
        f"{rows}{rest}generatorOptions:\n  disableNameSuffixHash: true\n"
    )


def _envs(v: Values) -> str:
    return f"DB_PASSWORD={v.drawn(16)}{_MARK}\nLOG_LEVEL=info\nAPI_TOKEN={v.drawn(32)}{_MARK}\n"


def _commented(v: Values) -> str:
    whole = v.head() + "data:\n" + _data(v.items())
    return _config(v) + "---\n" + "".join(f"# {line}\n" for line in whole.splitlines())


def _list(v: Values) -> str:
    one, two = _data(v.items(), indent="    "), _plain(v.items(), indent="    ")
    return (
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n"
        "  metadata: {name: c}\n  data: {a: b}\n"
        f"- apiVersion: v1\n  kind: Secret\n  metadata: {{name: a}}\n  data:\n{one}"
        f"- kind: Secret\n  apiVersion: v1\n  metadata: {{name: b}}\n  stringData:\n{two}"
    )


def _beside(v: Values) -> str:
    sealed = f"    token: Ag{b64(v.random.randbytes(420))}\n"
    template = f"  template:\n    stringData:\n      password: {v.drawn(18)}{_MARK}\n"
    return (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
        f"metadata: {{name: x}}\nspec:\n  encryptedData:\n{sealed}{template}"
    )


def _flow(v: Values) -> str:
    values = ", ".join(f"{key}: {b64(value)}" for key, value in v.items().items())
    return f"{{apiVersion: v1, kind: Secret, metadata: {{name: x}}, data: {{{values}}}}}{_MARK}\n"


LEAKS: dict[str, tuple[str, Shape]] = {
    "data": ("db.yaml", lambda v: v.head() + "type: Opaque\ndata:\n" + _data(v.items())),
    "quoted data": ("db.yml", lambda v: v.head() + "data:\n" + _data(v.items(), quote=v.pick(["'", '"']))),
    "comments": (
        "k8s/x.yaml",
        lambda v: "# of prod\n" + v.head() + "data:\n" + _data(v.items(), comment=" # rotate it"),
    ),
    "no indent": ("x.yaml", lambda v: v.head() + "data:\n" + _data(v.items(), indent=" ")),
    "stringData": ("deploy/secret.yaml", lambda v: v.head() + "stringData:\n" + _plain(v.items())),
    "bare stringData": ("secret.yaml", lambda v: v.head() + "stringData:\n" + _plain(v.items(), quote="")),
    "both": ("s.yaml", lambda v: v.head() + "data:\n" + _data(v.items()) + "stringData:\n" + _plain(v.items())),
    "kind last": (
        "s.yaml",
        lambda v: "apiVersion: v1\ndata:\n" + _data(v.items(2)) + "kind: Secret\nmetadata:\n  name: x\n",
    ),
    "documents": (
        "all.yaml",
        lambda v: deployment() + "---\n" + v.head() + "data:\n" + _data(v.items()) + "---\n" + _config(v),
    ),
    "windows": ("s.yaml", lambda v: (v.head() + "data:\n" + _data(v.items())).replace(_MARK, "\r" + _MARK)),
    "JSON": ("s.json", lambda v: _json(_object(v), v.pick([2, 4, None]))),
    "JSON stringData": ("s.json", lambda v: _json(_object(v, plain=True))),
    "JSON list": ("all.json", lambda v: _json({"apiVersion": "v1", "kind": "List", "items": [_object(v), _object(v)]})),
    "List": ("list.yaml", _list),
    "folded": ("env.yaml", _folded),
    "registry": ("pull.yaml", _registry),
    "TLS": ("tls.yaml", _tls),
    "file in a block": ("config.yaml", _file),
    "last applied": ("export.yaml", _applied),
    "Helm": ("templates/secret.yaml", _helm),
    "kustomize": ("kustomization.yaml", _kustomize),
    "kustomize envs": (".env.secret", _envs),
    "commented": ("old.yaml", _commented),
    "beside sealed": ("sealed.yaml", _beside),
    "flow": ("s.yaml", _flow),
}


def manifests(seed: int = 20261126) -> Iterator[Manifest]:
    """The whole set, the same one for the same seed."""
    for shapes in (LEAKS, CLEAN):
        for shape, (path, write) in shapes.items():
            for draw in range(DRAWS):
                yield _labelled(path, shape, write(Values(f"{seed}/{shape}/{draw}")))


def _labelled(path: str, shape: str, text: str) -> Manifest:
    lines = text.split("\n")
    leaking = frozenset(number for number, line in enumerate(lines, 1) if line.endswith(_MARK))
    return Manifest(path, shape, "\n".join(line.removesuffix(_MARK) for line in lines), leaking)
