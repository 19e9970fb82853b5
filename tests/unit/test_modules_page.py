"""How to write a module: the page's code runs, its table is whole, and the two examples hold what they promise."""

import asyncio
import importlib.util
import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from holdgate.gate import Gate, Halt, Halted, MachineClock
from holdgate.law.command import ReportModule
from tests.unit.test_gate import MODULE_KEY, PERMIT_US, SITE_KEY, Bench, Node, SetTime

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "modules.md").read_text(encoding="utf-8")
BLOCKS: Final[list[str]] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
OP: Final = {"order": "PO-1001", "job": "J-1", "step": "S50"}


def load(name: str) -> ModuleType:
    """An example, as the file that people copy."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Oven:
    """Counts cycles; `each` is called in every one."""

    each: Callable[[], object]

    def __init__(self, cycles: int = 3) -> None:
        self.cycles = cycles
        self.heating = False
        self.heated = 0
        self.each = lambda: None

    def on(self) -> None:
        self.heating = True

    def off(self) -> None:
        self.heating = False

    def wait(self) -> bool:
        self.cycles -= 1
        self.heated += self.heating
        self.each()
        return self.cycles >= 0


class Display:
    def __init__(self) -> None:
        self.shown = ""

    def show(self, text: str) -> None:
        self.shown = text


class Now(SetTime):
    """The node's clock follows the machine's: the page's gate has no other."""

    def __init__(self) -> None:
        super().__init__()
        self.utc = MachineClock().now()


def names(node: Node) -> dict[str, Any]:
    """What the page's code is given."""
    return {
        "module_key": MODULE_KEY,
        "node_key": SITE_KEY.public,
        "post": node,
        "oven": Oven(),
        "display": Display(),
    }


# ---- the page ------------------------------------------------------------------------------------------------------


def test_the_pages_code_runs() -> None:
    node = Node(Now())
    held = names(node)
    for block in BLOCKS[:2]:
        exec(block, held)  # the code of the page is what is tested
    assert held["oven"].heated == 4
    assert not held["oven"].heating
    assert held["display"].shown == ""
    assert isinstance(node.asked[-1], ReportModule)
    assert isinstance(held["gate"], Gate)


def test_the_pages_code_shows_why_it_halts() -> None:
    node = Node(Now())
    node.refuse = True
    held = names(node)
    exec(BLOCKS[0], held)
    assert held["oven"].heated == 0
    assert "S10 is not complete" in held["display"].shown


def test_the_pages_transport_hands_over_to_a_running_site() -> None:
    class Site:
        async def answer_module(self, raw: bytes, source: str) -> bytes:
            return raw + source.encode()

    loop = asyncio.new_event_loop()
    held: dict[str, Any] = {"site": Site(), "loop": loop}
    exec(BLOCKS[2], held)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        assert held["post"](b"wish ") == b"wish oven line"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_the_pages_table_lists_every_halt() -> None:
    assert re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE) == [halt.value for halt in Halt]


# ---- the oven ------------------------------------------------------------------------------------------------------


def test_the_oven_heats_under_a_permit_and_reports() -> None:
    gate, oven = Bench(), Oven()
    load("oven").dry(gate, oven, **OP, operator="SID-TEC-11")
    assert oven.heated == 4
    assert not oven.heating
    assert [wish.deed for wish in gate.node.asked] == ["heat", "heat"]


def test_without_a_permit_the_oven_stays_cold() -> None:
    gate, oven = Bench(), Oven()
    gate.node.refuse = True
    with pytest.raises(Halted):
        load("oven").dry(gate, oven, **OP, operator="SID-TEC-11")
    assert (oven.heated, oven.heating) == (0, False)


def test_the_oven_stops_when_the_time_is_over() -> None:
    gate, oven = Bench(), Oven(cycles=1_000)
    oven.each = lambda: gate.time.pass_(PERMIT_US // 4)
    with pytest.raises(Halted) as caught:
        load("oven").dry(gate, oven, **OP, operator="SID-TEC-11")
    assert caught.value.halt is Halt.PERMIT_OVER
    assert oven.heated == 4
    assert not oven.heating


# ---- the panel -----------------------------------------------------------------------------------------------------


def test_the_panel_stays_locked_until_the_pre_checks_are_signed() -> None:
    gate = Bench()
    panel = load("panel").Panel(gate, **OP)
    gate.node.refuse = True
    assert not panel.unlock()
    assert panel.locked
    assert not panel.type_in("oven_temp", "135")
    assert "S10 is not complete." in panel.told
    gate.node.refuse = False
    assert panel.unlock()
    assert panel.type_in("oven_temp", "135")
    panel.lock()
    assert panel.locked
    assert not panel.type_in("oven_temp", "140")
    assert panel.values == {"oven_temp": "135"}
    assert [wish.deed for wish in gate.node.asked] == ["unlock_widget"] * 3, "asked, asked, reported"


def test_the_panel_locks_itself_when_the_time_is_over() -> None:
    gate = Bench()
    panel = load("panel").Panel(gate, **OP)
    assert panel.unlock()
    assert panel.unlock(), "an open panel asks nobody"
    gate.time.pass_(PERMIT_US)
    assert not panel.type_in("oven_temp", "135")
    assert panel.locked
    assert "holds until" in panel.told


def test_a_panel_whose_report_waits_says_so() -> None:
    gate = Bench()
    panel = load("panel").Panel(gate, **OP)
    assert panel.unlock()
    gate.node.down = OSError("cable")
    panel.lock()
    assert panel.locked
    assert "is not confirmed" in panel.told
    assert not panel.unlock()
