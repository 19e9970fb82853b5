"""The day's work: orders from the office, scans at the dock, jobs at the nodes; whoever gets no answer asks again."""

import base64
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from typing import Any, NamedTuple

from msgspec.structs import replace

from holdgate.bench.load import CONTRACT, Place, Work, order_acts
from holdgate.cli.standing import open_standing
from holdgate.law import command as c
from holdgate.law.case import Pin
from tests.soak.machines import NODES, READERS, Machines

PATIENCE_S = 240.0
"""How long a worker tries to get one act done."""


class Acknowledged(NamedTuple):
    """An answer that somebody got."""

    site: str
    seq: int
    raw: bytes


class Stuck(Exception):
    """An act was not done in time."""


class Shift:
    """So many orders, worked by a few at a time; with `minutes` none is begun later than that."""

    def __init__(self, machines: Machines, orders: int, workers: int, minutes: float | None = None) -> None:
        self._machines = machines
        self._until = None if minutes is None else time.monotonic() + 60 * minutes
        self._numbers = iter(range(orders))
        self._workers = workers
        self._lock = threading.Lock()
        self._signing = threading.Lock()
        self.acknowledged: list[Acknowledged] = []
        self.finished: list[str] = []
        self.unfinished: list[str] = []
        self.asked_again = 0
        with open_standing(machines.base, NODES[0]) as standing:
            sha256 = standing.state.contracts[standing.state.in_force[CONTRACT]].sha256
            template = standing.library.template(sha256)
            assert template is not None
            technique = standing.library.technique(template.process)
            assert technique is not None
            self._work = Work(machines.desk, technique, sha256)

    @property
    def proven(self) -> int:
        """Scans that readers hold a receipt for."""
        return sum(len(self._machines.words(reader)) for reader in READERS)

    def work(self) -> None:
        """Until every order is done or given up."""
        threads = [threading.Thread(target=self._worker, args=(number,)) for number in range(self._workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _worker(self, technician: int) -> None:
        while True:
            with self._lock:
                number = next(self._numbers, None)
            if number is None or (self._until is not None and time.monotonic() > self._until):
                return
            try:
                self._order(number, technician)
                self.finished.append(f"PO-{number:04d}")
            except Exception as error:  # noqa: BLE001  # counted, and told in the end
                self.unfinished.append(f"PO-{number:04d}: {error!r}"[:600])

    def _order(self, number: int, technician: int) -> None:
        order, node = f"PO-{number:04d}", NODES[number % len(NODES)]
        serials = tuple(f"{number}-{part}" for part in range(4))
        with self._signing:
            acts = list(order_acts(self._machines.desk, order, serials, node=node))
        for act in acts:
            self._do("HUB", act)
        self._scan(order, serials, READERS[number % len(READERS)])
        place = Place(f"SID-TEC-{1000 + technician}", order, f"J-{number}", serials)
        for act in self._acts(place, node):
            self._do(node, act)

    def _acts(self, place: Place, node: str) -> Iterator[c.AnyCommand]:
        with self._signing:
            acts = list(self._work.acts(place))
        for act in acts:
            yield replace(act, site=node, node=node) if isinstance(act, c.StartJob) else replace(act, site=node)

    def _scan(self, order: str, serials: tuple[str, ...], reader: str) -> None:
        """The parts are scanned until the reader shows green: again where the order was not staged yet, or the reader was off."""
        until = time.monotonic() + PATIENCE_S
        words: list[dict[str, Any]] = []
        for again in itertools.count():
            with suppress(OSError):
                what = {"order": order, "part_no": "4512-7", "rev": "C", "serials": list(serials)}
                self._machines.scan(reader, what)
            looked = time.monotonic() + 15
            while time.monotonic() < looked:
                words = [word for word in self._machines.words(reader) if word["order"] == order]
                if any(
                    word["came"] == "received" or {"ALREADY_DONE", "DUPLICATE_ARRIVAL"} & set(word["codes"])
                    for word in words
                ):
                    return
                if len(words) > again:  # refused: the slip is on its way
                    break
                time.sleep(0.1)
            if time.monotonic() > until:
                raise Stuck(f"{reader} does not get {order} in: {words[-3:]}")
            time.sleep(0.3)

    def _do(self, site: str, act: c.Command, pins: tuple[Pin, ...] = ()) -> None:
        """Have an act done. What was refused because something has not come yet is wished for anew."""
        until = time.monotonic() + PATIENCE_S
        while True:
            with self._signing:
                raw = self._machines.desk.sign(act)
            answer = self._post(site, raw, pins, until)
            codes = [refusal["code"] for refusal in answer["refusals"]]
            if answer["verdict"] == "allow" or codes == ["ALREADY_DONE"]:
                return
            if time.monotonic() > until:
                raise Stuck(f"{site} refuses {type(act).__name__}: {codes}")
            time.sleep(0.2)
            with self._signing:
                act = replace(act, nonce=self._machines.desk.nonce())

    def _post(self, site: str, raw: bytes, pins: tuple[Pin, ...], until: float) -> dict[str, Any]:
        """Hand in the same bytes again and again until they are answered."""
        body, kind = raw, "application/vnd.dsse+json"
        if pins:
            beside = {pin.sha256: base64.b64encode(pin.content).decode() for pin in pins}
            body, kind = json.dumps({"envelope": json.loads(raw), "documents": beside}).encode(), "application/json"
        while time.monotonic() < until:
            for name in self._machines.processes_of(site):
                with suppress(OSError, HTTPException):
                    answer: dict[str, Any] = self._machines.request(name, "POST", "/actions", body, kind)
                    with self._lock:
                        self.acknowledged.append(Acknowledged(site, answer["seq"], raw))
                    return answer
            self.asked_again += 1
            time.sleep(0.1)
        raise Stuck(f"{site} does not answer")
