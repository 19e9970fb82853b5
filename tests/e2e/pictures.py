"""Pictures of every screen for the documentation, and the page that shows them (`make screens`).

The shop is played first, and its people are made up; the pictures are PNG files with as few colours as a screen has.
"""

import struct
import sys
import tempfile
import zlib
from collections import Counter
from pathlib import Path
from typing import Final

from tests.e2e.desk import Seat, Served, browsing
from tests.e2e.house import PROGRAM
from tests.e2e.looker import DESK, Looker
from tests.e2e.screens import SCREENS

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
TALLEST_PX: Final = 1100
LARGEST_BYTES: Final = 120_000
COLOURS: Final = 256
LEFT, UP, PAETH = 1, 2, 4
"""Filters of a line (ISO/IEC 15948, 9.2); 3 is the average."""
HEAD: Final = """# Screens

Every page of the product as its people see it, in a shop that was played for the pictures (`make screens`); people, clients and
orders are made up. What each page may show and do is decided by the record and the law, never by the page. `holdgate up --demo`
opens a shop to click through.
"""


def main() -> int:
    """Take the pictures and write the page."""
    folder = DOCS / "screens"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    lines = [HEAD]
    with tempfile.TemporaryDirectory(prefix="holdgate-screens-") as place, browsing() as browser:
        shop = Served(Path(place) / "shop", PROGRAM)
        try:
            looker = Looker(browser, shop)
            for screen in SCREENS:
                seat = looker.shown(screen)
                title = seat.page.locator("main h1").inner_text()
                lines.append(shot(seat, folder, screen.name, title, screen.says))
            demo = looker.fresh(SCREENS[0].at, SCREENS[0].path)
            demo.page.goto(f"{shop.url}/demo")
            lines.append(
                shot(demo, folder, "demo", "The demonstration", "A newcomer clicks through one order, step by step.")
            )
            demo.close()
            looker.close()
        finally:
            shop.stop()
    (DOCS / "screens.md").write_text("\n".join(lines), encoding="utf-8")
    large = [path.name for path in folder.glob("*.png") if path.stat().st_size > LARGEST_BYTES]
    print(f"{len(SCREENS) + 1} pictures in {folder}" + (f"; too large: {', '.join(large)}" if large else ""))
    return 1 if large else 0


def shot(seat: Seat, folder: Path, name: str, title: str, says: str) -> str:
    """One picture, without the demonstration's bar; gives its part of the page."""
    page = seat.page
    page.evaluate("() => document.getElementById('stand')?.remove()")
    height = min(TALLEST_PX, int(page.evaluate("document.documentElement.scrollHeight")))
    clip = {"x": 0, "y": 0, "width": DESK["width"], "height": height}
    (folder / f"{name}.png").write_bytes(small(page.screenshot(full_page=True, clip=clip)))
    return f"## {title}\n\n{says}\n\n![{title}](screens/{name}.png)\n"


def small(png: bytes) -> bytes:
    """The picture with at most 256 colours: each rare one becomes the nearest frequent one."""
    width, height, rows = pixels(png)
    counted = Counter(pixel for row in rows for pixel in row)
    palette = [colour for colour, _ in counted.most_common(COLOURS)]
    place = {colour: at for at, colour in enumerate(palette)}
    for colour in counted:
        if colour not in place:
            place[colour] = min(
                range(len(palette)), key=lambda at: sum((a - b) ** 2 for a, b in zip(palette[at], colour, strict=True))
            )
    body = b"".join(b"\0" + bytes(place[pixel] for pixel in row) for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", bytes(part for colour in palette for part in colour)),
        (b"IDAT", zlib.compress(body, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG file (ISO/IEC 15948, 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pixels(png: bytes) -> tuple[int, int, list[list[tuple[int, int, int]]]]:
    """Width, height and rows of colours of a PNG file with 8 bits a channel, as Chromium writes it."""
    at, data, width, height, channels = 8, b"", 0, 0, 3
    while at < len(png):
        (size,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", body[:10])
            channels = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            data += body
        at += 12 + size
    raw, step = zlib.decompress(data), width * channels
    rows, above = [], bytearray(step)
    for start in range(0, len(raw), step + 1):
        above = unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + step]), above, channels)
        rows.append([(above[i], above[i + 1], above[i + 2]) for i in range(0, step, channels)])
    return width, height, rows


def unfiltered(kind: int, line: bytearray, above: bytearray, back: int) -> bytearray:
    """One line with its filter undone (ISO/IEC 15948, 9.2)."""
    if kind == UP:
        return bytearray((one + up) & 0xFF for one, up in zip(line, above, strict=True))
    for i in range(len(line)) if kind else ():
        left, corner = (line[i - back], above[i - back]) if i >= back else (0, 0)
        up = above[i]
        if kind == PAETH:
            near = (abs(up - corner), abs(left - corner), abs(left + up - 2 * corner))
            guess = left if near[0] <= near[1] and near[0] <= near[2] else up if near[1] <= near[2] else corner
        else:
            guess = left if kind == LEFT else (left + up) // 2
        line[i] = (line[i] + guess) & 0xFF
    return line


if __name__ == "__main__":
    sys.exit(main())
