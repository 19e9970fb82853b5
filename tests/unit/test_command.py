"""Reading what was signed: each thing that is not as it should be, one at a time."""

import base64
import json

import pytest

from holdgate.law.command import parse_command
from holdgate.terms.errors import Malformed
from tests.unit.test_submit import GARBAGE, SOUND

TWICE = SOUND.replace(b'{"id":"ADM","role":"admin"}', b'{"id":"ADM","role":"admin"},{"id":"ADM","role":"qa"}')
ODD = {
    name: (base64.b64decode(json.loads(raw)["payload"]), why)
    for name, (raw, why) in GARBAGE.items()
    if name.startswith("payload: ")
} | {
    "the same signer twice": (TWICE, "names the same signer twice"),
    "the site is no id": (SOUND.replace(b'"site":"HUB"', b'"site":"H B"'), "is not an id"),
    "a signer is no id": (SOUND.replace(b'"id":"ADM"', b'"id":"A M"'), "is not an id"),
}


def test_what_is_sound_is_read() -> None:
    assert parse_command(SOUND).site == "HUB"
    assert len(parse_command(TWICE.replace(b'{"id":"ADM","role":"qa"}', b'{"id":"QA","role":"qa"}')).signers) == 2


@pytest.mark.parametrize("name", ODD)
def test_what_is_not_is_refused_with_a_sentence(name: str) -> None:
    payload, why = ODD[name]
    with pytest.raises(Malformed, match=why):
        parse_command(payload)
