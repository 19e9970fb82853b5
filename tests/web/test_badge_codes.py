"""The bars and the square on a badge, as the browser draws them: read back by rules that are written here anew."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

STATIC: Final = Path(__file__).parents[2] / "src" / "holdgate" / "web" / "static"
NODE: Final = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no node here (Debian package nodejs)")
TEXTS: Final = (
    "hg1:SID-TEC-11:AbCdEfGhIjKlMnOpQrStUv",
    "hg1:A:----------------______",
    f"hg1:{'X' * 64}:AbCdEfGhIjKlMnOpQrStUv",
    "x",
    "Y" * 60,
)
SCRIPT: Final = """
const { bars } = await import(`${process.argv[1]}/code128.js`);
const { matrix } = await import(`${process.argv[1]}/qr.js`);
console.log(JSON.stringify(process.argv.slice(2).map((text) => [bars(text), matrix(text)])));
"""


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, list[list[int]]]]:
    """Bars and square of every text. The scripts are copied beside a note that they are modules."""
    place = tmp_path_factory.mktemp("modules")
    for name in ("code128.js", "qr.js"):
        shutil.copy(STATIC / name, place / name)
    (place / "package.json").write_text('{"type": "module"}')
    assert NODE is not None
    run = [NODE, "--input-type=module", "-e", SCRIPT, str(place), *TEXTS]
    made = json.loads(subprocess.run(run, check=True, capture_output=True, timeout=60).stdout)
    return dict(zip(TEXTS, ((bars, square) for bars, square in made), strict=True))


@pytest.mark.parametrize("text", TEXTS)
def test_every_symbol_of_the_bars_is_eleven_modules_wide(
    codes: dict[str, tuple[str, list[list[int]]]], text: str
) -> None:
    bars = codes[text][0]
    assert bars.endswith("2331112")
    symbols = [bars[at : at + 6] for at in range(0, len(bars) - 7, 6)]
    assert symbols[0] == "211214", "start B"
    assert len(symbols) == len(text) + 2
    assert all(sum(map(int, symbol)) == 11 and sum(map(int, symbol[::2])) % 2 == 0 for symbol in symbols)


# ---- reading a square: ISO/IEC 18004, level M, versions 1 to 6 -----------------------------------------------------

BLOCKS: Final = {1: (1, 16, 10), 2: (1, 28, 16), 3: (1, 44, 26), 4: (2, 32, 18), 5: (2, 43, 24), 6: (4, 27, 16)}
MASKS: Final[tuple[Callable[[int, int], int], ...]] = (
    lambda x, y: (x + y) % 2,
    lambda x, y: y % 2,
    lambda x, y: x % 3,
    lambda x, y: (x + y) % 3,
    lambda x, y: (x // 3 + y // 2) % 2,
    lambda x, y: x * y % 2 + x * y % 3,
    lambda x, y: (x * y % 2 + x * y % 3) % 2,
    lambda x, y: ((x + y) % 2 + x * y % 3) % 2,
)


def is_function(size: int, x: int, y: int) -> bool:
    corner = (x < 9 and y < 9) or (x >= size - 8 and y < 9) or (x < 9 and y >= size - 8)
    aligned = size > 21 and abs(x - (size - 7)) <= 2 and abs(y - (size - 7)) <= 2
    return x == 6 or y == 6 or corner or aligned


def codewords(square: list[list[int]]) -> list[int]:
    size = len(square)
    told = [square[at][8] for at in (0, 1, 2, 3, 4, 5, 7, 8)] + [square[8][at] for at in (7, 5, 4, 3, 2, 1, 0)]
    form = sum(bit << at for at, bit in enumerate(told)) ^ 0x5412
    assert form >> 13 == 0, "error correction level M"
    mask = MASKS[form >> 10 & 7]
    columns = [*range(size - 1, 6, -2), 5, 3, 1]
    bits = []
    for turn, right in enumerate(columns):
        for y in range(size - 1, -1, -1) if turn % 2 == 0 else range(size):
            bits += [square[y][x] ^ (mask(x, y) == 0) for x in (right, right - 1) if not is_function(size, x, y)]
    return [int("".join(map(str, map(int, bits[at : at + 8]))), 2) for at in range(0, len(bits) - 7, 8)]


def times(one: int, other: int) -> int:
    product = 0
    while other:
        product ^= one if other & 1 else 0
        one = one << 1 ^ (0x11D if one & 0x80 else 0)
        other >>= 1
    return product


@pytest.mark.parametrize("text", TEXTS)
def test_the_square_reads_back_and_its_error_correction_holds(
    codes: dict[str, tuple[str, list[list[int]]]], text: str
) -> None:
    square = codes[text][1]
    many, data, check = BLOCKS[(len(square) - 17) // 4]
    words = codewords(square)
    read = b""
    for block in range(many):
        whole = [words[at * many + block] for at in range(data)]
        read += bytes(whole)
        whole += [words[many * data + at * many + block] for at in range(check)]
        root = 1
        for _ in range(check):
            rest = 0
            for word in whole:
                rest = times(rest, root) ^ word
            assert rest == 0, "a syndrome is not zero"
            root = times(root, 2)
    bits = "".join(f"{word:08b}" for word in read)
    assert bits[:4] == "0100", "byte mode"
    length = int(bits[4:12], 2)
    assert bytes(int(bits[12 + 8 * at : 20 + 8 * at], 2) for at in range(length)).decode() == text
