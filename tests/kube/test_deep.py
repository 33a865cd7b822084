"""SealedSecrets that are made to stop a controller: nested too deep, or with templates that cost what they can."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.kube.controllers import KIND, Objects, Running, data, ours, sealed

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster


def _put_deep(objects: Objects, controller: Running, name: str, depth: int) -> bytes:
    value = secrets.token_hex(8).encode()
    body = sealed(controller, objects.namespace, name, {"a": value}, metadata={"name": name, "x": "@@"})
    text = json.dumps(body).replace('"@@"', '{"a":' * depth + "1" + "}" * depth)
    connection = objects.cluster.connect()
    try:
        connection.request("POST", objects.path("sealedsecrets"), text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 201, answer[:500]
    finally:
        connection.close()
    return value


@pytest.mark.parametrize("depth", [900, 3_000])
def test_a_deep_one_is_delivered_as_are_those_after_it(own_cluster: Cluster, objects: Objects, depth: int) -> None:
    own = own_cluster.namespace()
    with ours(own_cluster, own) as controller:
        value = _put_deep(objects, controller, "watched", depth)
        assert data(objects.until("secrets", "watched", bool)) == {"a": value}
        other = secrets.token_hex(8).encode()
        objects.create("sealedsecrets", sealed(controller, objects.namespace, "after", {"a": other}))
        assert data(objects.until("secrets", "after", bool)) == {"a": other}
        controller.end()
    objects.delete("secrets", "watched")
    with ours(own_cluster, own) as controller:  # which lists it
        assert data(objects.until("secrets", "watched", bool)) == {"a": value}
        assert controller.process.poll() is None


def test_templates_that_cost_what_they_can_stop_nobody(own_cluster: Cluster, objects: Objects) -> None:
    """They need no key, and were rendered on the loop: no probe was answered, no lease renewed."""
    own = own_cluster.namespace()
    regexes = '{{ range $i := until 100000 }}{{ $x := regexMatch (printf "\\\\pL{300}x%d" $i) "" }}{{ end }}'
    texts = [regexes, "{{ 1 }}" * 60_000, *["{{ range until 190000 }}{{ end }}" * 6] * 8]
    with ours(own_cluster, own) as controller:
        for number, text in enumerate(texts):
            spec = {"encryptedData": {}, "template": {"data": {"a": text}}}
            metadata = {"namespace": objects.namespace, "name": f"costs-{number}"}
            objects.create("sealedsecrets", {**KIND, "metadata": metadata, "spec": spec})
        value = secrets.token_hex(8).encode()
        objects.create("sealedsecrets", sealed(controller, objects.namespace, "honest", {"a": value}))
        assert data(objects.until("secrets", "honest", bool)) == {"a": value}
        assert controller.get("/healthz")
        for number in range(len(texts)):
            objects.until("sealedsecrets", f"costs-{number}", lambda item: item.get("status", {}).get("conditions"))
        assert not any(each["event"] in ("lease-lost", "defect") for each in controller.log)
        failed = {each["name"]: each for each in controller.log if each["event"] == "failed"}
        assert failed[f"{objects.namespace}/costs-0"]["reason"] == "TemplateError"
        assert "regexMatch" in failed[f"{objects.namespace}/costs-0"]["message"]
