"""holdgate status: how every site stands, from where it runs."""

import json as text_json
import sys
from http.client import HTTPConnection, HTTPException
from typing import Annotated, Any, Final

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from holdgate.engine.address import host_and_port
from holdgate.terms import instant
from holdgate.terms.errors import Malformed, Unavailable
from holdgate.terms.limits import STATUS_BYTES_MAX

DEADLINE_S: Final = 5.0
FAILED: Final = 1
LISTEN: Final = "127.0.0.1:8460"
SETTLED: Final = 4
"""Entries about cosignatures and links themselves, which need no cosignature soon."""
UNSURE_US: Final = 1_000_000
"""A clock that may be off by more is said to be unsure."""


def status(*at: str, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Show every site that runs at these addresses: log, cosignature, links, backlog, clock.

    Parameters
    ----------
    at
        Where processes of the shop listen, as host:port (default 127.0.0.1:8460).
    json
        One JSON document.
    """
    found: list[dict[str, Any]] = []
    for address in at or (LISTEN,):
        found.extend(_ask(address, f"/{name}/status") for name in _ask(address, "/"))
    if json:
        sys.stdout.write(text_json.dumps(found, sort_keys=True) + "\n")
    else:
        _tell(found)
    return FAILED if any(_wrong(one) for one in found) else 0


def _ask(address: str, path: str) -> Any:
    host, port = host_and_port(address)
    connection = HTTPConnection(host, port, timeout=DEADLINE_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(STATUS_BYTES_MAX + 1)
    except (OSError, HTTPException) as error:
        raise Unavailable(
            f"nothing answers at {address}: {error}; start it with holdgate up or holdgate run"
        ) from error
    finally:
        connection.close()
    if response.status != 200:
        raise Unavailable(f"{address}{path} answers {response.status}")
    if len(body) > STATUS_BYTES_MAX:
        raise Malformed(
            f"{address}{path} answers more than {STATUS_BYTES_MAX} bytes, which is no status; check the address"
        )
    try:
        return text_json.loads(body)
    except ValueError:
        raise Malformed(f"{address} is no site of a shop: it answers something else") from None


def _wrong(one: dict[str, Any]) -> str:
    """What a person has to see to; empty where all is well."""
    if one["kind"] == "vault":
        caught = [mirror["origin"] for mirror in one["mirrors"] if mirror["evidence"]]
        said = [f"holds evidence against {', '.join(caught)}"] if caught else []
        return "; ".join([text for text in (*said, _ahead(one), *(_alarmed(alarm) for alarm in one["alarms"])) if text])
    failed = [
        f"{target['name']} is not told any more: {target['fault']}" for target in _targets(one) if target["failed"]
    ]
    return "; ".join([text for text in (str(one["fault"]), _ahead(one), _backdated(one), *failed) if text])


def _ahead(one: dict[str, Any]) -> str:
    """A machine's clock that its site does not follow."""
    leap = int(one.get("ahead_us", 0))
    if not leap:
        return ""
    return (
        f"its machine's clock is {instant.show_duration(leap)} ahead of the time that it goes by, and nothing speaks for that: "
        "set it right; if it is right, see to the Vault's clock and start again"
    )


def _backdated(one: dict[str, Any]) -> str:
    """A clock that was ahead and was set right: what its site refuses, and for how long."""
    left = int(one.get("backdated_us", 0))
    if not left:
        return ""
    lasts = instant.show_duration(left)
    return f"its clock was ahead when it last wrote: what is signed now is refused as backdated for about {lasts}"


def _targets(one: dict[str, Any]) -> list[dict[str, Any]]:
    """Who outside is told of a site's log."""
    return list(one.get("targets", ()))


def _untold(one: dict[str, Any]) -> str:
    """Who does not take what is told at the moment; it is tried again."""
    late = [target["name"] for target in _targets(one) if target["tries"] and not target["failed"]]
    return f"{', '.join(late)} out of reach, told later" if late else ""


def _alarmed(alarm: dict[str, Any]) -> str:
    return (
        f"ALARM: entry {alarm['seq']} of {alarm['site']} is not what the law says: expected {alarm['expected']}; "
        f"it says {alarm['found']}"
    )


def _tell(found: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("site", "kind", "entries", "witnessed", "links", "clock", ""):
        table.add_column(title, justify="right" if title == "entries" else "left")
    for one in found:
        table.add_row(*_ROWS.get(one["kind"], _site_row)(one))
    Console(highlight=False).print(table)


def _site_row(one: dict[str, Any]) -> tuple[Text, ...]:
    down = [link["peer"] for link in one["links"] if not link["up"]]
    waiting = sum(link["backlog"] for link in one["links"] if not link["up"])
    links = Text("all up") if not down else Text(f"{', '.join(down)} out of reach; {waiting} to tell", style="yellow")
    fault = _wrong(one)
    notes = "; ".join(note for note in ("" if one["reconciled"] else "alone", _untold(one)) if note)
    word = Text(fault, style="bold red") if fault else Text(notes, style="yellow")
    kind = Text(one["kind"].replace("_", " "))
    return (
        Text(one["host"] or one["site"]),
        kind,
        Text(str(one["size"])),
        _witnessed(one),
        links,
        _clock(one["clock"]),
        word,
    )


def _witnessed(one: dict[str, Any]) -> Text:
    if not one["witnessed_size"]:
        return Text("never", style="yellow")
    ago = instant.show_duration(max(one["at"] - one["witnessed_at"], 0))
    since = one["size"] - one["witnessed_size"]
    return Text(f"{ago} ago" if since < SETTLED else f"{ago} ago, {since} entries since")


def _vault_row(one: dict[str, Any]) -> tuple[Text, ...]:
    held, mirrors = sum(mirror["size"] for mirror in one["mirrors"]), Text(f"{len(one['mirrors'])} mirrors")
    wrong = _wrong(one)
    notes = [note for note in (_behind(one), _unstamped(one.get("head"))) if note]
    word = Text(wrong, style="bold red") if wrong else Text("; ".join(notes), style="yellow")
    return Text(one["site"]), Text("vault"), Text(str(held)), Text(""), mirrors, _clock(one["clock"]), word


def _unstamped(head: dict[str, Any] | None) -> str:
    """What a person should know of a daily head that has no token; nothing depends on it today, so it is no failure."""
    if head is None or not head["fault"]:
        return ""
    return f"the head of {head['day'] or 'the day'} is not stamped yet: {head['fault']}"


def _standby_row(one: dict[str, Any]) -> tuple[Text, ...]:
    counts = Text("its copy counts") if one["counts"] else Text("does not count yet", style="yellow")
    follows = Text(f"follows {one['writer'] or 'nobody'}, term {one['term']}")
    word = Text(_wrong(one), style="bold red")
    return Text(one["host"]), Text("standby"), Text(str(one["size"])), counts, follows, _clock(one["clock"]), word


def _behind(one: dict[str, Any]) -> str:
    """What a Vault has still to decide again; empty where it is up to date or does not."""
    left = sum(m["size"] - m["reexecuted"] for m in one["mirrors"] if m["reexecuted"] is not None)
    waits = [m["waits"] for m in one["mirrors"] if m["waits"]]
    return f"{left} entries to decide again{''.join(f'; {why}' for why in waits)}" if left else ""


def _clock(clock: dict[str, Any]) -> Text:
    if clock["synchronised"] is None:
        return Text("unknown", style="dim")
    if not clock["synchronised"]:
        return Text("not synchronised", style="yellow")
    error = clock["error_us"] or 0
    return Text(f"within {error / 1000:.0f} ms", style="yellow" if error > UNSURE_US else "")


_ROWS: Final = {"vault": _vault_row, "standby": _standby_row}
