"""PINs that are among the first that anybody tries: runs, repeats, dates, the commonest words, the owner's own name.

A PIN never leaves the machine on which it is chosen, so no service is asked whether it was breached. What breaches are full of is
known by its shape: these rules refuse each word of a short list with any digits and signs around it and any of the usual signs in
the place of letters, and so far more than a list of the same length. Browsers have the same rules (`web/static/pins.js`); a test
holds the two together.

Source: NIST SP 800-63B-4, 3.1.1.2 (blocklists: dictionary words, repeated or sequential
characters, context); OWASP ASVS 5.0, V6.2.
"""

import re
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Final

PIECES: Final = 3
"""A PIN of so many runs at most, one after the other, is no better than one run."""
PIECE: Final = 3
"""Signs of a run at least."""
AROUND: Final = 6
"""So many signs around a word add nothing: a year, a number, an exclamation mark."""
LINES: Final = (
    *(
        "qwertyuiop",
        "qwertzuiop",
        "azertyuiop",
        "asdfghjkl",
        "yxcvbnm",
        "zxcvbnm",
        "1qaz2wsx3edc4rfv5tgb6yhn",
        "qazwsxedcrfvtgb",
    ),
    *(
        "147258369",
        "159",
        "357",
        "2580",
        "1379",
        "13579024680",
        "24681012",
        "142536",
        "112358",
        "314159265",
        "271828182",
    ),
)
"""Ways over a keyboard or a number pad, and numbers that everybody knows."""
_LIST: Final = """
abc access admin administrator aerospace airplane america angel apple asshole august autumn baby banana baseball basketball
batman biteme blink boss brother buster butterfly calibration certified changeme charlie cheese chelsea chocolate coffee
computer cookie corvette cowboy daddy daniel december default dragon eagle everton facebook factory family february ferrari
fish flower football forever freedom friday friends fuckyou furnace ginger god gold google guest hallo hammer hannah harley
heaven hello hockey holdgate hunter icecream iloveyou inspection inspector internet jackson january jennifer jesus jordan
joshua july june justin killer kitten lab laboratory letmein letmeinnow liverpool login london lovely loveyou lucky maggie
manager march master matrix matthew maverick mercedes merlin michael michelle monday money monkey monster mother mustang
mypassword nicole nothing november october office operator orange panther pass passw passwd password passwort patrick peanut
pepper please pokemon princess pussy qwe qwerty qwertz ranger root samsung saturday schatz scooter secret secure september
service shadow silver slipknot smokey snoopy soccer sommer spiderman spring starwars station summer sunday sunflower
sunshine superman superstar supervisor support system taylor technician temp test tester testing thomas thunder thursday
tigger trustno tuesday user username wednesday welcome whatever willkommen winter wizard wordpass work workstation yamaha
yankees yellow
"""
WORDS: Final = frozenset(_LIST.split())
"""Words that breaches are full of, months and days, and words of this trade."""
_LETTERS: Final = str.maketrans("0134578@$!|+€", "oieastbasilte")
"""Signs that stand for letters."""


def why_easy(pin: str, about: Iterable[str] = ()) -> str:
    """Why somebody would try this PIN early, in words that go on after "the PIN is"; "" where nothing is known against it.

    Args:
        pin: as it was typed.
        about: names of its owner.
    """
    text = pin.lower()
    bare = re.sub(r"[\W_]", "", text)
    if _repeats(bare):
        return "a few signs over and over"
    if _runs(bare):
        return "a row of the keyboard or the alphabet"
    if _is_date(bare):
        return "a date"
    cores = _cores(text)
    if cores & WORDS:
        return "a word that everybody tries, with signs around it"
    if cores & _names(about):
        return "the name of its owner"
    return ""


def _repeats(text: str) -> bool:
    """The same block again and again; also each sign twice, in a row (112233)."""
    half = len(text) // 2
    if any(text[length:] == text[:-length] for length in range(1, half + 1)):
        return True
    return len(text) % 2 == 0 and text[::2] == text[1::2] and _runs(text[::2])


def _runs(text: str) -> bool:
    """Nothing but runs: 123456, abc123, 789456, qwer1234."""
    pieces = 0
    while text and pieces < PIECES:
        length = max((n for n in range(PIECE, len(text) + 1) if _is_run(text[:n])), default=0)
        if not length:
            return False
        text, pieces = text[length:], pieces + 1
    return pieces > 0 and not text


def _is_run(text: str) -> bool:
    if any(text in line or text in line[::-1] for line in LINES):
        return True
    digits = text.isascii() and text.isdecimal()
    steps = {(ord(b) - ord(a)) % 10 if digits else ord(b) - ord(a) for a, b in pairwise(text)}
    return len(steps) == 1 and steps <= ({0, 1, 9} if digits else {0, 1, -1})


def _is_date(text: str) -> bool:
    """Six or eight digits that are a day of 1900 to 2099 in one of the usual orders."""
    if not (text.isascii() and text.isdecimal() and len(text) in (6, 8)):
        return False
    year = len(text) - 4
    orders = (
        (text[4:], text[2:4], text[:2]),  # day, month, year
        (text[4:], text[:2], text[2:4]),  # month, day, year
        (text[:year], text[year : year + 2], text[year + 2 :]),  # year, month, day
    )
    return any(_is_day(*parts) for parts in orders)


def _is_day(year: str, month: str, day: str) -> bool:
    full = int(year) if len(year) == 4 else 2000 + int(year)
    if not 1900 <= full <= 2099:
        return False
    try:
        date(full, int(month), int(day))
    except ValueError:
        return False
    return True


def _cores(text: str) -> set[str]:
    """The words that a PIN may come from: without what stands around them, and with letters where signs stand for them."""
    inner = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    found = {re.sub(r"[^a-z]", "", one.translate(_LETTERS)) for one in (inner, text)}
    return {_once(core) for core in found if core and len(text) - len(core) <= AROUND}


def _once(text: str) -> str:
    """A word that stands twice, once."""
    half = len(text) // 2
    return text[:half] if text[:half] == text[half:] else text


def _names(about: Iterable[str]) -> set[str]:
    """The parts of names that are words, and all of a name in one."""
    found: set[str] = set()
    for name in about:
        parts = [re.sub(r"[^a-z]", "", part) for part in re.split(r"[\W\d_]+", name.lower())]
        found |= {part for part in (*parts, "".join(parts)) if len(part) >= PIECE}
    return found
