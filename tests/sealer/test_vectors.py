"""The envelope vectors, against our implementation and, for v2, against Go's."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sealer.errors import BoundElsewhere, CannotOpen, EnvelopeError, NameRefused, NoKey
from sealer.formats import envelope_v1, envelope_v2
from sealer.formats.binding import Binding, Scope
from tests.vectors import keys

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "tests/vectors/envelopes").glob("*.json"))
VECTORS = {path.stem: json.loads(path.read_text()) for path in FILES}
LAYERS = {
    NameRefused: "name",
    EnvelopeError: "parse",
    BoundElsewhere: "bind",
    NoKey: "recipient",
    CannotOpen: "open",
}


def binding(vector: dict[str, Any]) -> Binding:
    place = vector["place"]
    return Binding(Scope(place["scope"]), place["namespace"], place["name"])


def open_vector(vector: dict[str, Any]) -> bytes:
    if vector["format"] == "v1":
        label = binding(vector).label()
        at_hand = [keys.rsa_key(label) for label in vector["keys"]]
        return envelope_v1.open_envelope(envelope_v1.parse(vector["text"]), label, at_hand)[0]
    context = binding(vector).context(vector["place"]["item"])
    envelope = envelope_v2.parse(vector["text"])
    for name in vector["keys"]:
        if keys.kem(name).id in envelope.recipients:
            return envelope_v2.open_envelope(envelope, context, keys.kem(name))
    # No key of ours: still says first what is public.
    return envelope_v2.open_envelope(envelope, context, keys.kem("stranger"))


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    vector = VECTORS[name]
    try:
        outcome: object = open_vector(vector)
    except tuple(LAYERS) as error:
        outcome = LAYERS[type(error)]
    expected = base64.b64decode(vector["value"]) if vector["expect"] == "value" else vector["expect"]
    assert outcome == expected, vector["about"]


def test_vectors_fit_their_schema() -> None:
    validator = jsonschema.Draft202012Validator(json.loads((ROOT / "schemas/vector.v1.json").read_text()))
    for name, vector in VECTORS.items():
        assert list(validator.iter_errors(vector)) == [], name
        assert name == f"{vector['format']}-{vector['name']}"


def test_every_layer_of_both_formats_has_a_vector() -> None:
    seen = {(vector["format"], vector["expect"]) for vector in VECTORS.values()}
    assert seen == {(form, layer) for form in ("v1", "v2") for layer in (*LAYERS.values(), "value")} - {("v1", "bind")}


def test_go_agrees_on_every_v2_vector(crosscheck: Path) -> None:
    """Names are ours to check: Go gets a context ready-made."""
    asked = {n: v for n, v in VECTORS.items() if v["format"] == "v2" and v["expect"] != "name"}
    requests = []
    for vector in asked.values():
        context = base64.b64encode(binding(vector).context(vector["place"]["item"])).decode()
        seed = base64.b64encode(keys.seed((vector["keys"] or ["stranger"])[0])).decode()
        requests.append(json.dumps({"op": "open", "context": context, "seed": seed, "text": vector["text"]}))
    run = subprocess.run([crosscheck], input="\n".join(requests), capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(asked)
    for (name, vector), answer in zip(asked.items(), answers, strict=True):
        expected = {"value": vector["value"]} if vector["expect"] == "value" else {"refused": vector["expect"]}
        assert answer == expected, name
