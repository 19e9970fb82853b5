"""holdgate act: an act that several people sign, each with a key of their own: prepared, shown, signed, handed in."""

from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter
from msgspec.structs import replace
from rich.console import Console
from rich.text import Text

from holdgate.adapters.host import HostClock, HostEntropy
from holdgate.adapters.new_file import put, write_new
from holdgate.cli.act_fields import act_of, fields_in, fields_of, read_fields
from holdgate.cli.act_send import send
from holdgate.cli.act_words import Row, act_rows, view_rows
from holdgate.cli.key_files import FoundKey, find_key
from holdgate.cli.pin import agreed
from holdgate.cli.standing import Standing, moment_of, open_standing
from holdgate.cli.wish_file import Wish, read_draft, read_wish, written
from holdgate.cli.wish_making import Wanted, ground_of, make_wish, read_signer
from holdgate.crypto.envelope import add_signature
from holdgate.law import command as c
from holdgate.law.decide import decide
from holdgate.law.denial import remedy, sentence
from holdgate.law.signers import keys_of
from holdgate.query.why import first_line
from holdgate.terms.errors import Malformed, Tampered, Unavailable

act = App(
    name="act", help="Sign an act with others: prepare it, show it, sign it, hand it in.", result_action="return_value"
)
act.command(send)

WITH_DOCUMENTS: Final = (c.SubmitContract, c.CertifyContract, c.StageSlip, c.ForwardOrder)
"""Acts that documents come beside: what the law says of them without is no use to anybody."""
INDENT: Final = 12

Data = Annotated[Path | None, Parameter(name="--data")]
PinFd = Annotated[int | None, Parameter(name="--pin-fd")]


@act.command
def fields(name: str | None = None, /) -> int:
    """List the acts; with a name, what that act says and in which form each of its fields is written.

    Parameters
    ----------
    name
        An act, such as identity.enrol.
    """
    console = Console(highlight=False)
    if name is None:
        for tag, known in c.ACTS.items():
            console.print(Text(f"{tag:<22}{first_line(known.__doc__)}"), soft_wrap=True)
        return 0
    wanted = act_of(name)
    console.print(Text(f"{name}: {first_line(wanted.__doc__)}"), soft_wrap=True)
    for field in fields_of(wanted):
        needed = "" if field.required else "  (may be left out)"
        console.print(Text(f"  {field.name}=<{field.form}>{needed}"), soft_wrap=True)
    return 0


@act.command
def prepare(
    name: str,
    /,
    *words: str,
    data: Path,
    out: Path,
    actor: Annotated[str, Parameter(name="--as")],
    role: str = "",
    others: Annotated[tuple[str, ...], Parameter(name="--with")] = (),
    meaning: str = "",
    place: str | None = None,
    site: str | None = None,
    file: Annotated[Path | None, Parameter(name="--fields")] = None,
    at: str | None = None,
) -> int:
    """Write down an act, on what a site knows now, in a file that its signers pass on. Nothing is signed or recorded.

    Parameters
    ----------
    name
        The act, such as credential.grant (holdgate act fields lists them).
    words
        Its fields, each field=value (holdgate act fields ACT says in which form).
    data
        The shop's directory.
    out
        The new file.
    actor
        The SMART-ID of whoever acts.
    role
        The role in which they act (default: the first that they hold).
    others
        Somebody who signs too, as ID:ROLE or ID:ROLE:MEANING; once for each.
    meaning
        What the actor's signature means, where the act asks for it: review, approval, responsibility ….
    place
        The workstation at which they sign; it signs too.
    site
        Who is to decide (default: the business hub).
    file
        Fields from a JSON object, such as a node's seat.json.
    at
        When it will be handed in, where that is not now, such as 2026-04-01T13:00:00Z: so that everybody has time to sign.
    """
    made = act_of(name)
    entropy = HostEntropy()
    with open_standing(data, site, founded=True) as standing:
        wanted = Wanted(
            act=made,
            fields=read_fields(made, words, ground_of(standing).tz, None if file is None else fields_in(file)),
            signers=((actor, role, meaning), *(read_signer(other) for other in others)),
            place=place,
            at=moment_of(at),
            nonce=entropy.token(),
            session=entropy.token(),
        )
        _write(wanted, standing, out)
    return 0


@act.command
def take(
    file: Path,
    line: int,
    /,
    *words: str,
    data: Path,
    out: Path,
    at: str | None = None,
) -> int:
    """Write down an act that holdgate import read from a table, as holdgate act prepare does. Nothing is signed or recorded.

    Parameters
    ----------
    file
        The acts, as holdgate import --out wrote them.
    line
        Which line of them, from 1.
    words
        What is still to be filled in, each field=value (of somebody new: key=@FILE.pub).
    data
        The shop's directory.
    out
        The new file.
    at
        When it will be handed in, where that is not now.
    """
    draft = read_draft(file, line)
    made = act_of(draft.act)
    given = {name: value for name, value in draft.fields.items() if name not in draft.asks}
    with open_standing(data, draft.site, founded=True) as standing:
        wanted = Wanted(
            act=made,
            fields=read_fields(made, words, ground_of(standing).tz, given),
            signers=tuple((smart_id, role, "") for smart_id, role in draft.signers),
            place=None,
            at=moment_of(at),
            nonce=draft.nonce,
            session="",
        )
        _write(wanted, standing, out)
    return 0


@act.command
def show(file: Path, /, *, data: Data = None) -> int:
    """Say in words what an act says, who signed it and who did not yet, and how long there is time.

    Parameters
    ----------
    file
        The act, as holdgate act prepare wrote it.
    data
        The shop's directory: what the record says of the signers' keys, and of what the act covers, is compared and shown.
    """
    wish = read_wish(file)
    _show(Console(highlight=False), wish, data)
    return 0


@act.command
def sign(
    file: Path,
    /,
    *,
    key: Path,
    data: Data = None,
    pin_fd: PinFd = None,
    yes: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Show an act, ask whether you sign it, and add your signature to the file.

    Parameters
    ----------
    file
        The act, as holdgate act prepare wrote it.
    key
        The file of your key (holdgate key make).
    data
        The shop's directory. An act that covers what stands on the record is signed only where that can be shown.
    pin_fd
        Read the PIN from this file descriptor (a line) instead of the terminal.
    yes
        Do not ask: for a program whose person was shown the act already.
    """
    wish = read_wish(file)
    console = Console(highlight=False)
    _show(console, wish, data)
    if wish.command.seen is not None and data is None:
        raise Unavailable(
            "this act covers what stands on the record; name the shop's directory with --data to be shown it"
        )
    found = find_key(key)
    signer = _signer_of(wish, found)
    if signer in wish.signed:
        raise Malformed(f"{signer} signed this already; nothing was done")
    if found.sealed is None:
        console.print(Text(f"{key} lies open: whoever copies it signs as {signer}.", style="yellow"), soft_wrap=True)
    if not agreed(f"Sign this as {signer}?", yes=yes):
        console.print("Not signed.")
        return 1
    envelope = add_signature(wish.file.envelope, signer, found.open(pin_fd))
    put(file, written(replace(wish.file, envelope=envelope)))
    after = read_wish(file)
    waits = (
        f"It waits for {', '.join(after.missing)}." if after.missing else f"Everybody signed: holdgate act send {file}"
    )
    console.print(Text(f"Signed as {signer}. {waits}"), soft_wrap=True)
    return 0


def _write(wanted: Wanted, standing: Standing, out: Path) -> None:
    """Make the wish, write it, and show it as it was written."""
    wish, command = make_wish(wanted, ground_of(standing))
    write_new(out, written(wish))
    console = Console(highlight=False)
    _tell(console, list(act_rows(read_wish(out), HostClock().now())))
    for doubt in _doubts(standing, command):
        console.print(Text(f"As things stand it would be refused: {doubt}", style="yellow"), soft_wrap=True)
    console.print(f"{out}: each signer signs it with holdgate act sign {out} --key FILE", soft_wrap=True, markup=False)


def _show(console: Console, wish: Wish, data: Path | None) -> None:
    rows = list(act_rows(wish, HostClock().now()))
    if data is not None:
        with open_standing(data, wish.command.site, founded=True) as standing:
            _check_keys(wish, standing)
            rows += view_rows(standing.state, wish.command)
    _tell(console, rows)


def _check_keys(wish: Wish, standing: Standing) -> None:
    """The keys that the file gives for its signers are those on record.

    Raises:
        Tampered: they are not.
    """
    keys = keys_of(wish.command, standing.state.identities)
    if isinstance(keys, str):
        raise Malformed(f"{keys[:80]} is not enrolled at {standing.state.site} any more; prepare the act anew")
    for name, key in keys:
        if wish.file.signers[name].key != key:
            raise Tampered(f"the file gives a key for {name} that is not the one on record; prepare the act anew")


def _signer_of(wish: Wish, found: FoundKey) -> str:
    """Whose key of those who have to sign this is.

    Raises:
        Malformed: nobody's.
    """
    for name, known in wish.file.signers.items():
        if known.key == found.public:
            return name
    raise Malformed(
        f"{found.path} is the key of nobody who is to sign this; {', '.join(wish.wanted)} are. Is it the right file?"
    )


def _doubts(standing: Standing, command: c.AnyCommand) -> list[str]:
    """What the law would say now, were it signed: so that nobody's signature is asked for in vain."""
    state = standing.state
    if isinstance(command, WITH_DOCUMENTS) or state.kind not in ("business_hub", "node"):
        return []
    denials = decide(state, standing.library, command, command.at).denials
    return [f"{sentence(denial)} {remedy(denial)} [{denial.code}]" for denial in denials]


def _tell(console: Console, rows: list[Row]) -> None:
    for head, said in rows:
        console.print(Text.assemble((f"{head:<{INDENT}}", "dim"), said), soft_wrap=True)
