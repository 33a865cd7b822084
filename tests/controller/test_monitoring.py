"""The alerts and the dashboard: promtool takes them, each alert fires when it should and not before, and is on metrics
that there are."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.install.manifests import HERE
from controller.kube.metrics import OURS, THEIRS, Metrics
from controller.kube.queue_core import QueueCore
from tests.conftest import _peer
from tests.servers import tools

RULE = HERE / "monitoring" / "prometheusrule.yaml"
DASHBOARD = HERE / "monitoring" / "dashboard.json"
CHART = HERE / "chart"
SPEC: dict[str, Any] = yaml.safe_load(RULE.read_text())["spec"]
DAY = 86400


@pytest.fixture(scope="module")
def promtool() -> Path:
    return _peer(tools.PROMTOOL)


def run(program: Path, *arguments: str, cwd: Path) -> str:
    done = subprocess.run([program, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expressions() -> list[str]:
    """Every expression of the dashboard, as Grafana sends it."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"].replace("$__rate_interval", "5m") for panel in panels for target in panel["targets"]]


def series(name: str, values: str) -> dict[str, str]:
    return {"series": f"{THEIRS}_{name}", "values": values}


def ours(name: str, values: str) -> dict[str, str]:
    return {"series": f"{OURS}_{name}", "values": values}


_OBJECT = 'condition_info{condition="Synced",namespace="shop",name="db"}'
# Input, and the alerts at a time. Every 60 s a sample.
TIMES: dict[str, tuple[list[dict[str, str]], str, list[tuple[str, bool]]]] = {
    "all is well": (
        [
            series(_OBJECT, "1x90"),
            ours("leader", "1x90"),
            ours("queue_oldest_seconds", "2x90"),
            ours('key_not_after_timestamp_seconds{algorithm="rsa"}', f"{400 * DAY}x90"),
            series('unseal_errors_total{reason="unseal",namespace="shop"}', "3x90"),
            ours("audit_failures_total", "3x90"),
        ],
        "80m",
        [(alert, False) for alert in ("NotReady", "ErrorHigh", "NoLeader", "QueueOld", "KeyExpires", "AuditLog")],
    ),
    "an audit log on a volume that is full": ([ours("audit_failures_total", "0x5 0+1x9")], "10m", [("AuditLog", True)]),
    "failed for a moment": ([series(_OBJECT, "1x5 -1x3 1x90")], "15m", [("NotReady", False)]),
    "failed for long": ([series(_OBJECT, "1x5 -1x90")], "20m", [("NotReady", True)]),
    "failed, as both replicas say": (
        [
            series('condition_info{condition="Synced",namespace="shop",name="db",pod="a"}', "-1x90"),
            series('condition_info{condition="Synced",namespace="shop",name="db",pod="b"}', "-1x90"),
        ],
        "20m",
        [("NotReady", True)],
    ),
    "not known for long": ([series(_OBJECT, "0x90")], "20m", [("NotReady", True)]),
    "errors": (
        [series('unseal_errors_total{reason="unseal",namespace="shop"}', "0+1x90")],
        "10m",
        [("ErrorHigh", True)],
    ),
    "a standby beside the leader": (
        [ours('leader{pod="a"}', "1x90"), ours('leader{pod="b"}', "0x90")],
        "10m",
        [("NoLeader", False)],
    ),
    "two standbys": (
        [ours('leader{pod="a"}', "0x90"), ours('leader{pod="b"}', "0x90")],
        "10m",
        [("NoLeader", True)],
    ),
    "nobody is there": ([series('up{pod="a"}', "1x90")], "10m", [("NoLeader", True)]),
    "a hand-over": ([ours("leader", "1x5 0x1 1x90")], "7m", [("NoLeader", False)]),
    "a long queue": ([ours("queue_oldest_seconds", "600x90")], "20m", [("QueueOld", True)]),
    "the key ends soon": (
        [ours('key_not_after_timestamp_seconds{algorithm="rsa"}', f"{20 * DAY}x90")],
        "80m",
        [("KeyExpires", True)],
    ),
    "an old key ends, the newest doesn't": (
        [
            ours('key_not_after_timestamp_seconds{algorithm="rsa",pod="a"}', f"{20 * DAY}x90"),
            ours('key_not_after_timestamp_seconds{algorithm="rsa",pod="b"}', f"{400 * DAY}x90"),
        ],
        "80m",
        [("KeyExpires", False)],
    ),
}
FULL = {
    "NotReady": "SealedSecretsControllerNotReady",
    "ErrorHigh": "SealedSecretsUnsealErrorHigh",
    "NoLeader": "SealedSecretsControllerNoLeader",
    "QueueOld": "SealedSecretsControllerQueueOld",
    "KeyExpires": "SealedSecretsKeyExpires",
    "AuditLog": "SealedSecretsAuditLogFails",
}


def test_promtool_takes_the_rules_and_the_dashboard(promtool: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(SPEC))
    assert f"{len(FULL)} rules found" in run(promtool, "check", "rules", "rules.yml", cwd=tmp_path)
    rules = [{"record": f"panel:number:{number}", "expr": text} for number, text in enumerate(expressions())]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run(promtool, "check", "rules", "panels.yml", cwd=tmp_path)


@pytest.mark.parametrize("name", TIMES)
def test_an_alert_fires_when_it_should_and_not_before(promtool: Path, tmp_path: Path, name: str) -> None:
    given, at, expected = TIMES[name]
    # What an alert says is its own matter: here whether it does, counted by Prometheus' own series of alerts.
    counts = [
        {"expr": f'count(ALERTS{{alertname="{FULL[alert]}",alertstate="firing"}}) or vector(0)', "eval_time": at,
         "exp_samples": [{"labels": "{}", "value": int(fires)}]}
        for alert, fires in expected
    ]  # fmt: skip
    test = {"interval": "1m", "input_series": given, "promql_expr_test": counts}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(SPEC))
    (tmp_path / "test.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}))
    run(promtool, "test", "rules", "test.yml", cwd=tmp_path)


def test_the_dashboard_counts_a_sealed_secret_once_however_many_replicas_tell_of_it(
    promtool: Path, tmp_path: Path
) -> None:
    given = [
        series(f'condition_info{{condition="Synced",namespace="shop",name="{name}",pod="{pod}"}}', value)
        for name, value in (("db", "-1x9"), ("web", "1x9"), ("new", "0x9"))
        for pod in "ab"
    ]
    panels = {each["title"]: each["targets"][0]["expr"] for each in json.loads(DASHBOARD.read_text())["panels"]}
    expected = {"SealedSecrets": 3, "Not in their Secret": 2}
    counts = [
        {"expr": panels[title], "eval_time": "5m", "exp_samples": [{"labels": "{}", "value": number}]}
        for title, number in expected.items()
    ]
    rows = f"count({panels['Which are not in their Secret']})"
    counts.append({"expr": rows, "eval_time": "5m", "exp_samples": [{"labels": "{}", "value": 2}]})
    test = {"interval": "1m", "input_series": given, "promql_expr_test": counts}
    (tmp_path / "test.yml").write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    run(promtool, "test", "rules", "test.yml", cwd=tmp_path)


def test_each_alert_was_seen_to_fire_and_says_what_to_do() -> None:
    rules = [rule for group in SPEC["groups"] for rule in group["rules"]]
    assert {rule["alert"] for rule in rules} == set(FULL.values())
    assert {FULL[alert] for _, _, alerts in TIMES.values() for alert, fires in alerts if fires} == set(FULL.values())
    assert all(set(rule["annotations"]) == {"summary", "description"} for rule in rules)
    assert {rule["labels"]["severity"] for rule in rules} == {"critical", "warning"}


def test_the_chart_has_the_same_alerts_and_the_same_dashboard() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["metrics"]["prometheusRule"]["groups"] == SPEC["groups"]
    assert (CHART / "files" / "dashboard.json").read_bytes() == DASHBOARD.read_bytes()


def test_they_ask_for_metrics_that_there_are() -> None:
    metrics = Metrics("1.0", lambda: QueueCore().numbers(0.0))
    metrics.audits()
    page, _ = metrics.page("")
    # Series with labels that nothing was counted for have no line yet, but a type.
    have = set(re.findall(r"^# TYPE (\w+)", page.decode(), re.MULTILINE)) | {"ALERTS"}
    texts = [*expressions(), *(rule["expr"] for group in SPEC["groups"] for rule in group["rules"])]
    asked = {name for text in texts for name in re.findall(rf"(?:{THEIRS}|{OURS}|process)_\w+", text)}
    assert len(asked) > 10
    assert {re.sub("_bucket$", "", name) for name in asked} <= have
