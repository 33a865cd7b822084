"""What Argo CD, Flux and whoever knows kstatus make of each status: the checks that we ship, run for real.

Flux without our expressions, `kubectl wait` of newer tools and Helm 4 read Ready and Stalled as kstatus does; its rules
(shared/reference/operators.md, 3.1) are a column here, so that all three agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from cel_expr_python import cel
from lupa.lua51 import LuaRuntime  # the version that Argo CD has

from controller.install.manifests import HERE

LUA = (HERE / "gitops" / "argocd-health.lua").read_text()
(FLUX,) = yaml.safe_load((HERE / "gitops" / "flux-health.yaml").read_text())["healthCheckExprs"]
_CEL = cel.NewEnv(variables={"status": cel.Type.DYN, "metadata": cel.Type.DYN})
EXPRESSIONS = {name: _CEL.compile(FLUX[name]) for name in ("inProgress", "failed", "current")}


def condition(kind: str, status: str, observed: int | None = 3, **more: str) -> dict[str, Any]:
    own = {} if observed is None else {"observedGeneration": observed}
    return {"type": kind, "status": status, "reason": "Word", "message": f"{kind} says why", **own, **more}


SYNCED, READY = condition("Synced", "True"), condition("Ready", "True")
FAILS = [condition("Synced", "False"), condition("Ready", "False")]


@dataclass(frozen=True)
class Case:
    """A status of generation 3, and what the three say of it."""

    name: str
    status: dict[str, Any]
    argo: str
    flux: str
    kstatus: str


def status(*conditions: dict[str, Any], observed: int = 3) -> dict[str, Any]:
    return {"observedGeneration": observed, **({"conditions": list(conditions)} if conditions else {})}


CASES = [
    Case("just made, our type", status(observed=-1), "Progressing", "inProgress", "InProgress"),
    Case("no status at all, Bitnami's type", {}, "Progressing", "inProgress", "Current"),
    Case("delivered", status(SYNCED, READY), "Healthy", "current", "Current"),
    Case("changed since", status(SYNCED, READY, observed=2), "Progressing", "inProgress", "InProgress"),
    Case("failed, and changed since", status(*FAILS, observed=2), "Progressing", "inProgress", "InProgress"),
    Case("failed for good", status(*FAILS, condition("Stalled", "True")), "Degraded", "failed", "Failed"),
    Case("tried again", status(*FAILS, condition("Reconciling", "True")), "Progressing", "inProgress", "InProgress"),
    Case("taking its time", status(condition("Synced", "Unknown"), condition("Ready", "Unknown")), "Progressing",
         "inProgress", "InProgress"),
    Case("recovered", status(SYNCED, READY, condition("Stalled", "False")), "Healthy", "current", "Current"),
    Case("Bitnami's, delivered", status(condition("Synced", "True", None)), "Healthy", "current", "Current"),
    # kstatus knows no Synced: who has Bitnami's controller needs the expressions.
    Case("Bitnami's, failed", status(condition("Synced", "False", None)), "Degraded", "failed", "Current"),
    Case("Bitnami's, changed since", status(condition("Synced", "True", None), observed=2), "Progressing", "inProgress",
         "InProgress"),
    Case("seen, and nothing said yet", status(), "Progressing", "inProgress", "Current"),
]  # fmt: skip


def each(case: Case) -> str:
    return case.name


def argo(value: dict[str, Any]) -> tuple[str, str]:
    """Verdict and message of the Lua."""
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(value, recursive=True)
    found = lua.execute(LUA)
    return found["status"], found["message"]


def kstatus(value: dict[str, Any]) -> str:
    """The rules of kstatus for a type that it doesn't know."""
    found = value["status"]
    if found.get("observedGeneration", value["metadata"]["generation"]) != value["metadata"]["generation"]:
        return "InProgress"
    said = {each["type"]: each["status"] for each in found.get("conditions", [])}
    if said.get("Reconciling") == "True":
        return "InProgress"
    if said.get("Stalled") == "True":
        return "Failed"
    return "Current" if said.get("Ready", "True") == "True" else "InProgress"


def document(found: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "db", "namespace": "shop", "generation": 3}, "status": found}


@pytest.mark.parametrize("case", CASES, ids=each)
def test_argo_cd(case: Case) -> None:
    verdict, message = argo(document(case.status))
    assert verdict == case.argo
    if verdict == "Degraded":
        assert message in ("Stalled says why", "Synced says why")


@pytest.mark.parametrize("case", CASES, ids=each)
def test_flux_one_of_three_and_no_error(case: Case) -> None:
    data = document(case.status)
    verdicts = {name: program.eval(data=data).value() for name, program in EXPRESSIONS.items()}
    assert [name for name, verdict in verdicts.items() if verdict is True] == [case.flux]
    assert set(verdicts.values()) == {True, False}


@pytest.mark.parametrize("case", CASES, ids=each)
def test_who_knows_kstatus(case: Case) -> None:
    assert kstatus(document(case.status)) == case.kstatus


def test_an_object_that_argo_cd_sees_before_it_has_a_status() -> None:
    assert argo({"metadata": {"name": "db", "generation": 1}})[0] == "Progressing"


def test_what_was_said_of_an_older_generation_is_no_news() -> None:
    old = status(condition("Synced", "True", observed=2))
    assert argo(document(old))[0] == "Progressing"
