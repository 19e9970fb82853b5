"""Text that every bank can carry: the basic Latin characters of SEPA, or those of an ACH file.

Letters with marks become their base letter, and signs that have no place become the nearest one that has. A letter of
another script is refused: to guess how a name is spelled in Latin letters is the payee's affair, whose bank compares it.

Source: EPC 217-08 (SEPA extended character set, best practices on conversion); Nacha Operating Rules, appendix 1.
"""

import unicodedata
from typing import Final

from holdgate.terms.errors import Malformed

SEPA: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ")
"""What every bank in SEPA has to carry (EPC 230-15)."""
ACH: Final = frozenset(chr(code) for code in range(0x20, 0x7F))
"""What an alphanumeric field of an ACH file may hold."""

_LETTERS: Final = {
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ø": "o",
    "Ø": "O",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "Ð": "D",
    "þ": "th",
    "Þ": "TH",
    "ł": "l",
    "Ł": "L",
    "ı": "i",
    "ħ": "h",
    "Ħ": "H",
    "ŋ": "n",
    "Ŋ": "N",
    "ŧ": "t",
    "Ŧ": "T",
    "€": "EUR",
    "£": "GBP",
    "…": "...",
    "№": "No",
    "×": "x",
    "·": ".",
    **dict.fromkeys("‘’‚‛“”„«»‹›`´", "'"),
    **dict.fromkeys("‐‑‒–—―−", "-"),
}
_SIGNS: Final = {
    "&": "+",
    ";": ",",
    "_": "-",
    "~": "-",
    "@": "(at)",
    '"': "'",
    "[": "(",
    "]": ")",
    "{": "(",
    "}": ")",
    "<": "(",
    ">": ")",
    "\\": "/",
    "|": "/",
    **dict.fromkeys("!#$%*=^", "."),
}


def latin(text: str, allowed: frozenset[str], what: str) -> str:
    """The text in allowed characters, blanks run together. The result for a text of allowed characters is the text.

    Args:
        text: a name or what a payee reads.
        allowed: `SEPA` or `ACH`.
        what: the field in words, for the message.

    Raises:
        Malformed: empty, or a letter that has no Latin counterpart; the sentence says what to do.
    """
    lost: list[str] = []
    written = " ".join("".join(_one(sign, allowed, lost) for sign in unicodedata.normalize("NFC", text)).split())
    if lost:
        shown = " ".join(dict.fromkeys(lost))[:40]
        raise Malformed(
            f"{what} {text[:70]!r} cannot be written in a bank's characters ({shown}); register it in Latin letters, as the "
            "bank keeps it"
        )
    if not written:
        raise Malformed(f"{what} is empty; say it")
    return written


def _one(sign: str, allowed: frozenset[str], lost: list[str]) -> str:
    if sign in allowed:
        return sign
    if sign.isspace():
        return " "
    known = _LETTERS.get(sign) or _SIGNS.get(sign)
    if known is not None:
        return known
    base = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    if base and all(part in allowed for part in base):
        return base
    lost.append(sign if sign.isprintable() else f"U+{ord(sign):04X}")
    return ""
