"""What an act says, in words and whole: whoever signs it sees everything that the signature covers, and nothing that looks like it.

Texts of others may hold line breaks and signs that turn a line around; they are shown by their codes, so that no text
can pass for a line of ours.
"""

from collections.abc import Iterator

import msgspec

from holdgate.cli.wish_file import Wish
from holdgate.crypto.keys import PUBLIC_BYTES, key_id
from holdgate.identity.roots import RootDocument, read_root
from holdgate.law import command as c
from holdgate.law.state import Attempt, Job, State, job_key
from holdgate.law.view import view_of
from holdgate.query.why import first_line
from holdgate.query.words import is_instant, moment
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import show_duration

Row = tuple[str, str]
"""A head and what is said under it; the head "" goes on."""
_HEADER = frozenset(c.Command.__struct_fields__)


def shown_text(text: str) -> str:
    """A text of somebody else's on one line, without signs that are not seen."""
    return "".join(
        sign if sign.isprintable() and sign != "\\" else sign.encode("unicode_escape").decode() for sign in text
    )


def shown_whole(name: str, value: object) -> str:
    """A field's value, all of it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return moment(value) if is_instant(name) else str(value)
    if isinstance(value, bytes):
        return f"{value.hex()}  (key id {key_id(value)})" if len(value) == PUBLIC_BYTES else value.hex()
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(shown_text(item) for item in value) or "none"
    if isinstance(value, str):
        return shown_text(value)
    if isinstance(value, dict):
        return ", ".join(f"{shown_text(str(key))} {shown_whole('until', item)}" for key, item in value.items())
    return shown_text(msgspec.json.encode(value).decode())


def act_rows(wish: Wish, now: int) -> Iterator[Row]:
    """What would be signed, by whom, who did, and how long there is time (`now`: UTC µs)."""
    command = wish.command
    yield "act", f"{command.__struct_config__.tag}: {first_line(type(command).__doc__)}"
    for name in command.__struct_fields__:
        value = getattr(command, name)
        if name not in _HEADER and value is not None:
            yield "", f"{name}: {shown_whole(name, value)}"
    if isinstance(command, c.RotateRoots):
        yield from _root_document(command.document)
    yield "decided by", command.site
    for position, signer in enumerate(command.signers):
        yield "signed by" if position == 0 else "", _signer(wish, signer)
    if command.place is not None:
        did = _did(wish, command.place)
        yield "at", f"{_named(wish, command.place)}: attests place and components, and signs too  {did}"
    yield "when", f"{moment(command.at)}; {_time_left(wish, now)}"
    if command.seen is not None:
        yield "covers", f"what stood on the record when this was prepared: view {command.seen}"
    yield "digest", wish.digest


def _root_document(raw: bytes) -> Iterator[Row]:
    """What the keepers signed, for the officers who hand it in; whether it holds, the law says."""
    try:
        envelope, document = read_root(raw)
    except Malformed as error:
        yield "roots", f"no root document: {error}"
        return
    yield from root_rows(document)
    yield "", f"signed under the key ids {', '.join(shown_text(row.keyid) for row in envelope.signatures)}"


def root_rows(document: RootDocument) -> Iterator[Row]:
    """Everything that a root document says."""
    yield (
        "roots",
        f"version {document.version} of {shown_text(document.org)}; {document.threshold} of these have to sign:",
    )
    for key in document.roots:
        yield "", f"  {shown_whole('key', key)}"
    yield "", f"replaces {shown_text(document.before)}"


def view_rows(state: State, command: c.AnyCommand) -> Iterator[Row]:
    """For an act that covers what stands on the record: what that is now, and whether it is still what was prepared."""
    if command.seen is None:
        return
    same = view_of(state, command) == command.seen
    yield (
        "on record",
        "unchanged since this was prepared" if same else "CHANGED since this was prepared: prepare it anew",
    )
    if isinstance(command, (c.SignStep, c.SignQa, c.SignCompliance)):
        job = state.jobs.get(job_key(command.order, command.job))
        step = command.step if isinstance(command, c.SignStep) else None
        for line in () if job is None else _readings(job, step):
            yield "", line
    elif isinstance(command, c.ReviewReport) and (report := state.reports.get(command.report)) is not None:
        yield "", f"report {report.id} of {report.order}/{report.job}: digest {report.digest}"
        yield "", f"deviations in it: {', '.join(report.deviations) or 'none'}"


def _readings(job: Job, step: str | None) -> Iterator[str]:
    for attempt in job.attempts:
        if attempt is not None and step in (None, attempt.step):
            yield f"{attempt.step} by {attempt.performer}: {attempt.result or 'not signed'}{_by(attempt)}"
            for name, last in attempt.last.items():
                yield f"  {shown_text(name)}: {shown_text(last.value)}{'' if last.conforms else '  does NOT conform'}"
    for ncr in job.ncrs.values():
        yield f"nonconformance {ncr.id}: {ncr.disposition or 'open'}"


def _by(attempt: Attempt) -> str:
    return f", signed by {', '.join(attempt.signers)}" if attempt.signers else ""


def _named(wish: Wish, smart_id: str) -> str:
    name = wish.file.signers[smart_id].name
    return f"{smart_id} ({shown_text(name)})" if name else smart_id


def _did(wish: Wish, smart_id: str) -> str:
    return "[signed]" if smart_id in wish.signed else "[has not signed yet]"


def _signer(wish: Wish, signer: c.Signer) -> str:
    meaning = f", meaning: {shown_text(signer.meaning)}" if signer.meaning else ""
    unlocked = ""
    if signer.auth is not None:
        unlocked = f", unlocked by {' and '.join(shown_text(part) for part in signer.auth.components)}"
        if signer.auth.presented_by is not None:
            unlocked += f" OF {shown_text(signer.auth.presented_by)}"
    return f"{_named(wish, signer.id)} as {shown_text(signer.role)}{meaning}{unlocked}  {_did(wish, signer.id)}"


def _time_left(wish: Wish, now: int) -> str:
    first, last = wish.window
    if now < first:
        return f"{wish.command.site} takes it from {moment(first)} until {moment(last)}"
    if now > last:
        return f"too late since {show_duration(now - last)}: prepare it anew"
    return f"{show_duration(last - now)} left to hand it in"
