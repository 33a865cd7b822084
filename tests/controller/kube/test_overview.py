"""What SealedSecrets say of themselves, ours and Bitnami's, as rows of `status`."""

from __future__ import annotations

from typing import Any

from controller import reason
from controller.kube.overview import rows, stands
from controller.kube.standing import Mark


def _item(name: str, generation: int = 2, **status: Any) -> dict[str, Any]:
    metadata = {
        "namespace": "shop",
        "name": name,
        "generation": generation,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"metadata": metadata, **({"status": status} if status else {})}


def _synced(status: str, **more: str) -> dict[str, str]:
    return {"type": "Synced", "status": status, "lastTransitionTime": "2026-02-03T04:05:06Z", **more}


def test_delivered_by_either_controller() -> None:
    theirs = _item("a", observedGeneration=2, conditions=[_synced("True")])
    ours = _item("b", observedGeneration=2, conditions=[_synced("True")], secretRef={"resourceVersion": "77"})
    found = rows([theirs, ours])
    assert [(row.state, row.version) for row in found] == [("delivered", ""), ("delivered", "77")]
    assert found[0].since == 1_770_091_506_000


def test_a_status_of_an_older_generation_says_nothing() -> None:
    assert [row.state for row in rows([_item("a", 3, observedGeneration=2, conditions=[_synced("True")])])] == [
        "pending"
    ]
    assert [row.state for row in rows([_item("a"), _item("b", observedGeneration=-1)])] == ["pending", "pending"]


def test_failures_come_first_and_say_why() -> None:
    good = _item("a", observedGeneration=2, conditions=[_synced("True")])
    closed = _synced("False", reason="NoMatchingKey", message="no key could decrypt secret (password)")
    failed = _item("b", observedGeneration=2, conditions=[closed])
    found = rows([good, failed])
    assert [(row.name, row.state) for row in found] == [("b", "failed"), ("a", "delivered")]
    assert reason.load(found[0].why)[0].code == reason.NO_KEY
    assert found[0].reason == "no key could decrypt secret (password)"


def _failed(name: str, word: str = "NoMatchingKey", message: str = "no key", **status: Any) -> dict[str, Any]:
    return _item(name, observedGeneration=2, conditions=[_synced("False", reason=word, message=message)], **status)


def _secret(name: str, uid: str = "u", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": name, "uid": uid, "resourceVersion": "9", **metadata}}


def _owned(name: str) -> list[dict[str, Any]]:
    return [
        {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": name, "uid": "s", "controller": True}
    ]


def test_what_stands_is_told_by_the_secrets_not_by_the_status() -> None:
    ref = {"uid": "u", "resourceVersion": "5"}
    mark = Mark("shop/marked", "s", "0" * 64, "").text()
    items = [_failed("gone", secretRef=ref), _failed("kept", secretRef=ref)]
    items += [_failed(name) for name in ("owned", "marked", "anothers", "copied", "never")]
    secrets = [
        _secret("kept"),
        _secret("owned", ownerReferences=_owned("owned")),
        _secret("marked", annotations={"sealer.dev/delivered": mark}),
        _secret("anothers", ownerReferences=_owned("other")),
        _secret("copied", annotations={"sealer.dev/delivered": mark}),
    ]
    found = {row.name: (row.state, row.version) for row in rows(items, dict(map(stands, secrets)))}
    assert {name for name, said in found.items() if said == ("stale", "9")} == {"kept", "owned", "marked"}
    assert {name for name, said in found.items() if said == ("failed", "")} == {"gone", "anothers", "copied", "never"}
    assert {row.state for row in rows(items)} == {"failed"}


def test_what_was_delivered_and_is_gone_is_missing() -> None:
    there, gone = (_item(name, observedGeneration=2, conditions=[_synced("True")]) for name in "ab")
    found = rows([there, gone], dict([stands(_secret("a"))]))
    assert [(row.name, row.state, row.reason) for row in found] == [("b", "missing", ""), ("a", "delivered", "")]


def test_the_controllers_own_words_are_shown() -> None:
    template = _failed("a", "TemplateError", "template of item dsn, line 1, column 11: function nofunc is not defined")
    unmanaged = _failed("b", "Unmanaged", 'Resource "b" already exists and is not managed by SealedSecret')
    refused = _failed("c", "Refused", "type x is never delivered\x1b[31m")
    wordless = {**_failed("d"), "status": {"observedGeneration": 2, "conditions": [_synced("False", reason="Gone")]}}
    found = rows([template, unmanaged, refused, wordless], dict([stands(_secret("b"))]))
    assert [(row.state, row.reason) for row in found] == [
        ("failed", "template of item dsn, line 1, column 11: function nofunc is not defined"),
        ("refused", 'Resource "b" already exists and is not managed by SealedSecret'),
        ("refused", "type x is never delivered\\x1b[31m"),
        ("failed", "Gone"),
    ]
    assert [reason.load(row.why)[0].code for row in found[:3]] == [reason.TEMPLATE, reason.FOREIGN, reason.NEVER]


def test_what_is_no_status_at_all_does_not_stop_the_others() -> None:
    odd = {"metadata": {"namespace": "shop", "name": "x", "generation": 1}, "status": {"conditions": ["?", None]}}
    assert [row.state for row in rows([odd, _item("a", status=[])])] == ["pending", "pending"]
