"""What everybody tries first is refused as a PIN, what nobody would think of is not; the browser's rules say the same."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from holdgate.crypto.keyfile import check_pin
from holdgate.crypto.pins import LINES, WORDS, why_easy
from holdgate.terms.errors import Malformed

NODE_JS: Final = shutil.which("node")
SCRIPT: Final = Path(__file__).resolve().parents[2] / "src" / "holdgate" / "web" / "static" / "pins.js"
EASY: Final = {
    "over and over": [
        "111111",
        "aaaaaaaa",
        "121212",
        "123123",
        "abcabcab",
        "2020 2020",
        "112233",
        "00-00-00",
        "xyxyxyxy",
    ],
    "a row": [
        *("123456", "654321", "1234567890", "0987654321", "890123", "abcdefgh", "qwertz", "QwErTyUi", "poiuytrewq"),
        *(
            "1qaz2wsx",
            "147258",
            "789456",
            "159357",
            "abc123",
            "qwer1234",
            "123qweasd",
            "135790",
            "246810",
            "1-2-3-4-5-6",
        ),
    ],
    "a date": ["240687", "19870624", "24061987", "06/24/1987", "31.12.99", "290224", "2024-02-29"],
    "a word": [
        *(
            "password",
            "Passwort1",
            "P@ssw0rd!",
            "p4ssw0rd2024",
            "letmein!!",
            "iloveyou",
            "Welcome123",
            "admin2026",
            "summer2025",
        ),
        *("trustno1", "monkeymonkey1", "!!dragon!!", "holdgate1", "t3chnici4n", "2026furnace", "Sunsh1ne"),
    ],
    "its owner": ["stone2026", "KStone01", "sidadm01", "St0ne!"],
}
ABOUT: Final = ("SID-ADM-01", "K. Stone")
GOOD: Final = (
    *(
        "805172",
        "274913",
        "93018475",
        "oven glove on the left",
        "Würstchen im Öl",
        "pqzvmtyw",
        "two dogs at 5",
        "Vr8#kk2q",
    ),
    *(
        "password of the third kind",
        "dragon 83920174826",
        "300299",
        "13131999x7",
        "the next PIN",
        "a wrong PIN",
        "ΑΒΓδεζηθ4",
    ),
)


@pytest.mark.parametrize(("why", "pin"), [(why, pin) for why, pins in EASY.items() for pin in pins])
def test_what_everybody_tries_is_told_by_its_kind(why: str, pin: str) -> None:
    assert why in why_easy(pin, ABOUT)


@pytest.mark.parametrize("pin", GOOD)
def test_what_nobody_would_think_of_is_let_pass(pin: str) -> None:
    assert why_easy(pin, ABOUT) == ""


def test_a_name_is_no_reason_for_somebody_else() -> None:
    assert why_easy("stone2026", ("SID-ADM-01", "K. Stone"))
    assert not why_easy("stone2026", ("SID-QA-01", "Q. Abel", ""))


def test_few_random_numbers_are_refused() -> None:
    """Whoever takes digits by lot is not sent away again and again."""
    drawn = random.Random(7)  # the same numbers each time
    eight = sum(bool(why_easy(f"{drawn.randrange(10**8):08}")) for _ in range(4000))
    assert eight < 4000 * 0.02
    six = sum(bool(why_easy(f"{drawn.randrange(10**6):06}")) for _ in range(4000))
    assert six < 4000 * 0.13, "one in ten reads as a date"


def test_a_key_file_refuses_it_and_says_what_to_do() -> None:
    with pytest.raises(Malformed, match=r"a word that everybody tries.*take a few words"):
        check_pin("P@ssw0rd!")
    with pytest.raises(Malformed, match="the name of its owner"):
        check_pin("kstone2026", "K. Stone")


@pytest.mark.skipif(NODE_JS is None, reason="node is not installed (Debian: nodejs)")
def test_browsers_say_the_same(tmp_path: Path) -> None:
    drawn = random.Random(11)  # the same words each time
    made = ["".join(drawn.choice("0123456789") for _ in range(drawn.randint(4, 9))) for _ in range(1500)]
    made += ["".join(drawn.choice("01aAbBcqwe!@ -_ü") for _ in range(drawn.randint(1, 10))) for _ in range(1500)]
    made += [drawn.choice(sorted(WORDS)) + drawn.choice(("", "1", "!!", "2026", " 1234567")) for _ in range(300)]
    pins = [*made, *GOOD, *(pin for rows in EASY.values() for pin in rows)]
    script = tmp_path / "ask.mjs"
    asks = f"pins.map((pin) => whyEasy(pin, {json.dumps(ABOUT)}))"
    script.write_text(
        f"""import {{ LINES, WORDS, whyEasy }} from "./pins.mjs";
const pins = {json.dumps(pins)};
process.stdout.write(JSON.stringify({{ lines: LINES, words: [...WORDS].sort(), why: {asks} }}));""",
        encoding="utf-8",
    )
    (tmp_path / "pins.mjs").write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run([NODE_JS or "node", script], capture_output=True, check=True, timeout=60, cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["lines"] == list(LINES)
    assert told["words"] == sorted(WORDS)
    assert {pin: why for pin, why in zip(pins, told["why"], strict=True) if why != why_easy(pin, ABOUT)} == {}
