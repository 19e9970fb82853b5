"""What a page can show of a text: characters that print nothing, and those that no font here has, are written by their number.

A name with a character that turns text around, or one that is shown as an empty box, would be read as something that it is not.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, Final

from holdgate.terms.limits import PAPER_GLYPHS_MAX, PAPER_WORD_CHARS_MAX

PDF_STANDARD: Final = "a-3a"
"""PDF/A-3, accessible: for keeping, read aloud, and with attachments (ISO 19005-3). It refuses missing glyphs."""
_PLAIN: Final = frozenset("\n\u200c\u200d\u00ad")
"""What prints nothing by itself and belongs to writing all the same: line ends, joiners of scripts, soft hyphens."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_LATIN_END: Final = "\u0180"
"""Everything printable below is in the fonts."""


_LONG: Final = re.compile(rf"\S{{{PAPER_WORD_CHARS_MAX + 1},}}")


@cache
def fonts() -> Any:
    """The fonts inside typst's wheel, and none of the machine's: a page looks the same everywhere."""
    import typst  # noqa: PLC0415  # optional: the extra `paper`

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)


def printable(value: Any) -> Any:
    """Decoded JSON with every string as a page can show it."""
    held = set[str]()
    _gather(value, held)
    return _mapped(value, _out_of(held))


def shown(text: str) -> str:
    """One text as a page can show it: `<U+202E>` for the character that turns text around."""
    result = printable(text)
    return str(result)


def ascii_only(value: Any) -> Any:
    """Decoded JSON with everything beyond ASCII written out: for text whose clusters no font can shape."""
    held = set[str]()
    _gather(value, held)
    return _mapped(value, str.maketrans({one: _number(one) for one in held if not one.isascii()}))


def _gather(value: Any, held: set[str]) -> None:
    if isinstance(value, str):
        held.update(unicodedata.normalize("NFC", value))
    elif isinstance(value, dict):
        for item in value.values():
            _gather(item, held)
    elif isinstance(value, list):
        for item in value:
            _gather(item, held)


def _mapped(value: Any, table: dict[int, str]) -> Any:
    if isinstance(value, str):
        return _LONG.sub(_broken, unicodedata.normalize("NFC", value).translate(table))
    if isinstance(value, list):
        return [_mapped(item, table) for item in value]
    if isinstance(value, dict):
        return {key: _mapped(item, table) for key, item in value.items()}
    return value


def _out_of(held: Iterable[str]) -> dict[int, str]:
    """What is written by its number."""
    seen = sorted(one for one in held if one not in _PLAIN)
    unseen = [one for one in seen if unicodedata.category(one) in _UNSEEN]
    others = [one for one in seen if one >= _LATIN_END and unicodedata.category(one) not in _UNSEEN]
    asked = others[:PAPER_GLYPHS_MAX]
    missing = [] if not asked or _has("".join(asked)) else [one for one in asked if not _has(one)]
    return str.maketrans({one: _number(one) for one in (*unseen, *missing, *others[PAPER_GLYPHS_MAX:])})


def _broken(word: re.Match[str]) -> str:
    """The word with places where a line may end (ZERO WIDTH SPACE); data has none of its own left."""
    text = word[0]
    return "\u200b".join(text[start : start + 32] for start in range(0, len(text), 32))


def _number(character: str) -> str:
    return f"<U+{ord(character):04X}>"


@lru_cache(maxsize=4096)
def _has(text: str) -> bool:
    """Whether the fonts have all of these characters: asked of the typesetter, which refuses PDF/A with one that they do not."""
    import typst  # noqa: PLC0415  # optional: the extra `paper`

    source = '#set document(title: "-")\n#set text(font: "Libertinus Serif")\n#for c in sys.inputs.t.clusters() [#c ]'
    try:
        typst.compile(
            source.encode(),
            font_paths=fonts(),
            ignore_system_fonts=True,
            sys_inputs={"t": text},
            format="pdf",
            timestamp=0,
            pdf_standards=[PDF_STANDARD],
        )
    except typst.TypstError:
        return False
    return True
