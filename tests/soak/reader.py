"""A reader at the dock, on a machine of its own: scans come as JSON lines; each is kept, handed in over MQTT, and proven.

python -m tests.soak.reader CONFIG.json < scans > words
"""

import json
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from holdgate.crypto.keys import SigningKey
from holdgate.ledger.note import parse_vkey
from holdgate.reader import Outbox, Reader
from holdgate.reader.mqtt_link import MqttLink
from holdgate.terms.errors import HoldgateError


def main(path: Path) -> None:
    """Scan what is asked for, until the input ends; deliver all the time."""
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    link = MqttLink(told["to"], told["reader"], told["password"], authority=told["authority"])
    outbox = Outbox(Path(told["outbox"]), told["reader"], link.site)
    dock = Reader(
        told["reader"],
        SigningKey.from_seed(bytes.fromhex(told["key"])),
        outbox=outbox,
        site=link.site,
        link=link,
        log=parse_vkey(told["log"]),
        place=told["place"],
        place_key=SigningKey.from_seed(bytes.fromhex(told["place_key"])),
    )
    lock = threading.Lock()
    asked: list[dict[str, Any]] = []

    def listen() -> None:
        for line in sys.stdin:
            with lock:
                asked.append(json.loads(line))

    threading.Thread(target=listen, daemon=True).start()
    while True:
        with lock:
            scans, asked[:] = list(asked), []
        for scan in scans:
            dock.scan(scan["part_no"], scan["rev"], tuple(scan["serials"]), len(scan["serials"]), order=scan["order"])
        with suppress(HoldgateError):
            for word in dock.deliver().words:
                said = {"order": word.scan.order, "came": word.came.value, "codes": word.codes, "entry": word.entry}
                sys.stdout.write(json.dumps(said) + "\n")
        Path(told["waiting"]).write_text(str(dock.waiting), encoding="utf-8")
        sys.stdout.flush()
        time.sleep(0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
