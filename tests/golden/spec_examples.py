"""Writes the examples of `docs/spec` anew, from one run of a scenario: `python -m tests.golden.spec_examples`.

Wanted where the law changes what an entry says: a denial's trace, say (`tests/tidy/test_docs.py` finds that out). One run
differs from another where threads take turns, so the bytes are kept and not compared.
"""

import asyncio
import base64
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from holdgate.adapters.sqlite_store import SqliteStore
from holdgate.engine.ports import Row
from holdgate.identity.charter import open_charter
from holdgate.ledger.entry import Entry, read_entry
from holdgate.ledger.merkle import inclusion_path
from holdgate.ledger.note import make_vkey
from holdgate.ledger.proof import write_proof
from holdgate.scenario.continued import read_whole
from holdgate.scenario.files import apply_given, read_world
from holdgate.scenario.opening import Opening
from holdgate.scenario.run import play
from tests.places import SCENARIOS

SPEC: Final = Path(__file__).resolve().parents[2] / "docs" / "spec"
EXAMPLES: Final = SPEC / "examples"
STORY: Final = SCENARIOS / "101-story-A-fpi-happy-path.yaml"
SIGNED: Final = ("SID-TEC-11", "WS-FPI-1")
WIDTH: Final = 110
_BLOCK: Final = re.compile(r"(<!-- example: (\S+)(?: (\w+))? -->\n```\w*\n).*?(```)", re.DOTALL)

Log = list[tuple[Row, Entry]]


def asked(entry: Entry) -> dict[str, Any]:
    """The payload of an entry's action; nothing where there is none."""
    if entry.kind != "action":
        return {}
    envelope: dict[str, str] = json.loads(bytes(entry.action))
    payload: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    return payload


def noted(entry: Entry) -> dict[str, Any]:
    """The site's own account in an entry; nothing where there is none."""
    record: dict[str, Any] | None = json.loads(bytes(entry.record))
    return record or {}


def first(log: Log, wanted: Callable[[Entry], bool]) -> tuple[Row, Entry]:
    return next((row, entry) for row, entry in log if wanted(entry))


def of_act(act: str, step: str = "") -> Callable[[Entry], bool]:
    return lambda entry: (asked(entry).get("act"), asked(entry).get("step", "")) == (act, step)


def examples(shop: Path, public: Callable[[str], bytes]) -> Iterator[tuple[str, bytes]]:
    """The examples by name, out of a shop that was closed. `public`: somebody's public key."""
    logs: dict[str, Log] = {}
    for site in ("HUB", "FLOOR", "NODE-FPI"):
        store = SqliteStore(shop / site / "ledger.db", read_only=True)
        logs[site] = [(row, read_entry(row.body)) for row in store.rows(0, store.head().size)]
        store.close()
    hub, floor, node = logs.values()
    signed, entry = first(node, of_act("step.sign", "S40"))
    taken, _ = first(
        hub, lambda e: e.kind == "import" and (noted(e)["origin"][-8:], noted(e)["start"]) == ("NODE-FPI", signed.seq)
    )
    record = noted(read_entry(taken.body))
    if record["size"] != signed.seq + 1:
        raise SystemExit("the business hub took in more than this one entry; run it again")
    leaves = [row.leaf for row, _ in node[: signed.seq + 1]]
    yield (
        "step-sign.receipt.txt",
        write_proof(signed.seq, inclusion_path(leaves, signed.seq), base64.b64decode(record["checkpoint"])),
    )
    yield "step-sign.entry.json", signed.body
    yield "step-sign.envelope.json", bytes(entry.action)
    yield "step-sign.payload.json", base64.b64decode(json.loads(bytes(entry.action))["payload"])
    yield "import.entry.json", taken.body
    yield "cosigned.entry.json", first(hub, lambda e: e.kind == "cosigned")[0].body
    yield "boot.entry.json", first(node, lambda e: e.kind == "boot")[0].body
    yield "contact.entry.json", first(node, lambda e: e.kind == "contact")[0].body
    yield "denial.entry.json", first(node, of_act("step.start", "S30"))[0].body
    yield "arrival.entry.json", first(floor, of_act("part.arrival"))[0].body
    yield "slip.entry.json", first(floor, of_act("slip.stage"))[0].body
    charter, trust = (shop / "charter.json").read_bytes(), json.loads((shop / "trust.json").read_bytes())
    yield "charter.envelope.json", charter
    seats = open_charter(charter, tuple(base64.b64decode(root) for root in trust["roots"])).sites
    trust["signers"] = {name: base64.b64encode(public(name)).decode() for name in SIGNED}
    trust["logs"] = {seat.id: make_vkey(seat.origin, seat.key) for seat in seats if seat.id in logs}
    yield "keys.json", (json.dumps(trust, indent=2) + "\n").encode()


def spelled(value: Any, indent: int = 0) -> str:
    """JSON for a page: on one line where it fits, else an item a line."""
    flat = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if not value or not isinstance(value, dict | list) or len(flat) + indent <= WIDTH:
        return flat
    pad = ",\n" + " " * (indent + 1)
    if isinstance(value, list):
        return f"[{pad.join(spelled(item, indent + 1) for item in value)}]"
    items = ((json.dumps(key), value[key]) for key in sorted(value))
    return f"{{{pad.join(f'{key}: {spelled(item, indent + len(key) + 3)}' for key, item in items)}}}"


def shown(name: str, part: str | None) -> str:
    """What a page shows of an example."""
    raw = (EXAMPLES / name).read_bytes()
    if not name.endswith(".json"):
        return raw.decode()
    value = json.loads(raw)
    if part == "payload":
        value = json.loads(base64.b64decode(value["payload"]))
    return spelled(value[part] if part not in (None, "payload") else value) + "\n"


def main() -> None:
    """Play the story, keep its examples, and show them on the pages."""
    old = json.loads((EXAMPLES / "step-sign.entry.json").read_bytes())["seq"]
    scenario = read_whole(STORY)
    world = apply_given(read_world(SCENARIOS / "worlds" / f"{scenario.world}.yaml"), scenario.given)
    with tempfile.TemporaryDirectory() as folder:
        opening = Opening(Path(folder) / "shop", world, scenario.steps[0].at)
        asyncio.run(play(scenario, opening))
        for name, raw in examples(Path(folder) / "shop", opening.desk.public):
            (EXAMPLES / name).write_bytes(raw)
    print(
        f"entry {old} is entry {json.loads((EXAMPLES / 'step-sign.entry.json').read_bytes())['seq']} now; mend the words"
    )
    for page in SPEC.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(_BLOCK.sub(lambda m: m[1] + shown(m[2], m[3]) + m[4], text), encoding="utf-8")


if __name__ == "__main__":
    main()
