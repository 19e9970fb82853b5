"""Writes the frozen histories of the present law version: `python -m tests.golden.make`. Never over an existing file.

`law<n>_spine.jsonl` is written here; `templates/`, one history per shipped template, in `tests.golden.shops`.

One line per entry, per log; then one line per pinned blob. All keys, times and nonces follow from names, so that the same
law gives the same bytes. A frozen file is evidence: a later law version gets a file of its own beside it.
"""

import base64
import sys
from pathlib import Path
from typing import Final

import msgspec

from holdgate.law import command as c
from holdgate.law.decision import SEMANTICS
from tests.builders import HUB, NODE, Log, S, hub_log, node_log
from tests.golden.shops import freeze, unfrozen

HERE: Final = Path(__file__).parent


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a frozen history: an entry of a log (`site`, `kind`), or a blob under its key."""

    body: str
    site: str = ""
    kind: str = ""
    key: str = ""

    @property
    def raw(self) -> bytes:
        """The bytes."""
        return base64.b64decode(self.body)


def history() -> tuple[Log, Log]:
    """A hub and a node: an order from its terms to its last invoice, with refusals, a split and a restart on the way."""
    shop = hub_log()
    log = node_log(shop)
    log.act(c.StartStep)
    log.attempt()
    log.worked()
    log.act(c.SignStep)
    log.act(c.RepinJob)
    log.act(c.WriteVault)
    log.heard(HUB, up=False)
    log.later(60 * S)
    log.heard(HUB)
    shop.now = log.now
    shop.act(c.SignQa)
    shop.heard(NODE)
    shop.take_in(log.segment())
    shop.act(c.SignCompliance)
    shop.allow(c.SignQa)
    shop.allow(c.SignCompliance)
    shop.act(c.GenerateReport, fields=("title",))
    shop.allow(c.GenerateReport)
    shop.act(c.CloseWindow)
    shop.cosigned(shop.now // S + 1)
    shop.allow(c.ReviewReport)
    shop.act(c.IssueInvoice)
    log.take_in(shop.segment(log.state.origins[f"test/{HUB}"].size))
    log.act(c.CorrectEntry)
    return shop, log


def lines(logs: tuple[Log, ...]) -> list[Line]:
    """The logs as they are frozen."""
    out = [
        Line(site=log.state.site, kind=log.state.kind, body=base64.b64encode(body).decode())
        for log in logs
        for body in log.bodies()
    ]
    blobs = {key: body for log in logs for key, body in log.blobs.items()}
    out.extend(Line(key=key, body=base64.b64encode(body).decode()) for key, body in sorted(blobs.items()))
    return out


def main() -> int:
    """Freeze what is not frozen yet; 1 where nothing was left to freeze."""
    path, templates = HERE / f"law{SEMANTICS}_spine.jsonl", unfrozen()
    if path.exists():
        print(f"{path.name} is frozen; another law version gets another file")
        if not templates:
            return 1
    else:
        encoder = msgspec.json.Encoder(order="deterministic")
        path.write_bytes(encoder.encode_lines(lines(history())))
    for template in templates:
        freeze(template)
        print(f"{template} is frozen now")
    return 0


if __name__ == "__main__":
    sys.exit(main())
