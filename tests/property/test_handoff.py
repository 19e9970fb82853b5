"""The gate over random histories: nothing goes without the recorded arrival of exactly its parts."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from holdgate.handoff.match import match
from holdgate.identity.charter import Charter, Settings, SiteSeat
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law import event as ev
from holdgate.law.decision import Decision
from holdgate.law.evolve import evolve
from holdgate.law.library import Library
from holdgate.law.state import State

S = 1_000_000
T0 = 1_743_512_400 * S
SETTINGS = Settings(
    name="Lab",
    tz="UTC",
    receiving_zones=("DOCK",),
    office="WS-OFFICE",
    session_idle_s=600,
    entry_skew_s=120,
    arrival_skew_s=100,
    arrival_fresh_s=400,
    approval_roles=(),
    report_fields=(),
)
NO_DOCUMENTS = Library(lambda sha256: None)
IDENTITIES = (
    ("HUB", "site", "business_hub", None),
    ("NODE", "site", "node", None),
    ("R1", "device", "scanner", None),
    ("R2", "device", "scanner", "DOCK"),
    ("REC", "person", "receiving", None),
    ("REC-2", "person", "receiving", None),
    ("TEC", "person", "technician", None),
    ("PM", "person", "project_manager", None),
    ("DOCK-1", "device", "workstation", "DOCK"),
    ("LAB-1", "device", "workstation", "LAB"),
)
ORDERS, SERIALS = ("PO-1", "PO-2", "PO-3"), ("S1", "S2", "S3")

some_serials = st.lists(st.sampled_from(SERIALS), min_size=1, max_size=3, unique=True).map(tuple)
many_serials = st.sampled_from([SERIALS, SERIALS, SERIALS[:2], SERIALS[1:]])
slips = st.fixed_dictionaries(
    {
        "order": st.sampled_from(ORDERS),
        "serials": many_serials,
        "policy": st.sampled_from(["full", "partial"]),
        "amendment": st.booleans(),
        "rev": st.sampled_from([*("A",) * 7, "B"]),
        "evidence": st.sampled_from([("broadcast",), ("broadcast", "attested"), ("attested",)]),
    }
)
scans = st.fixed_dictionaries(
    {
        "order": st.sampled_from([*ORDERS, None]),
        "serials": some_serials,
        "rev": st.sampled_from([*("A",) * 7, "B"]),
        "extra": st.sampled_from([0, 0, 0, 0, 1]),
        "reader": st.sampled_from(["R1", "R2"]),
        "ahead": st.sampled_from([1, 1, 1, 1, 1, 2, 0, -1]),
        "place": st.sampled_from(["DOCK-1", "DOCK-1", "DOCK-1", "LAB-1"]),
        "age": st.sampled_from([0, 0, 0, 50, 100, 101, 500, -101]),
        "buffered": st.booleans(),
    }
)
RIGHT = (("REC", "receiving"), ("TEC", "technician"))
attestations = st.fixed_dictionaries(
    {
        "order": st.sampled_from([*ORDERS, None]),
        "serials": some_serials,
        "rev": st.sampled_from([*("A",) * 7, "B"]),
        "extra": st.sampled_from([0, 0, 0, 0, 1]),
        "pair": st.sampled_from(
            [
                *(RIGHT,) * 8,
                RIGHT[:1],
                (RIGHT[0], ("REC-2", "receiving")),
                (RIGHT[0], ("PM", "project_manager")),
                (RIGHT[0], ("REC-2", "technician")),
            ]
        ),
        "place": st.sampled_from([*("DOCK-1",) * 8, "LAB-1", None]),
        "age": st.sampled_from([*(0,) * 6, 120, 121]),
        "words": st.sampled_from([*("seen here",) * 9, ""]),
        "components": st.sampled_from([*(("badge", "pin"),) * 9, ("pin",)]),
    }
)
voids = st.fixed_dictionaries(
    {
        "order": st.sampled_from(ORDERS),
        "serials": some_serials,
        "by": st.sampled_from([*(RIGHT[0],) * 5, RIGHT[1]]),
        "reason": st.sampled_from([*("another box",) * 5, ""]),
    }
)
moves = st.one_of(
    slips.map(lambda f: ("slip", f)),
    scans.map(lambda f: ("scan", f)),
    scans.map(lambda f: ("scan", f)),
    attestations.map(lambda f: ("attest", f)),
    voids.map(lambda f: ("void", f)),
    st.sampled_from(ORDERS).map(lambda order: ("wish", {"order": order})),
    st.sampled_from(ORDERS).map(lambda order: ("receipt", {"order": order})),
)
begun = st.lists(slips.map(lambda f: ("slip", f)), max_size=4)
histories = st.builds(
    lambda first, more: [*((move, 1) for move in first), *more],
    begun,
    st.lists(st.tuples(moves, st.integers(0, 120)), min_size=10, max_size=40),
)
"""Some orders are staged first, so that most histories hold arrivals that count."""


def floor() -> State:
    seats = tuple(
        SiteSeat(id=name, kind=role, origin=f"test/{name}", key=bytes(32))
        for name, kind, role, _ in IDENTITIES
        if kind == "site"
    )
    charter = Charter(org="LAB", settings=SETTINGS, sites=seats, founders=(), roots=(bytes(32),), threshold=1)
    identities = {
        name: Identity(
            id=name, name=name, org="LAB", kind=kind, key=bytes(32), roles=(role,), ref=0, zone=zone, credentials={}
        )
        for name, kind, role, zone in IDENTITIES
    }
    return State(
        charter=charter,
        site="FLOOR",
        kind="floor_hub",
        identities=identities,
        slips={},
        readers={},
        early=[],
        orders={},
        sessions={},
    )


def command_of(state: State, kind: str, fields: dict[str, Any], now: int) -> c.AnyCommand:
    head: dict[str, Any] = {"site": "FLOOR", "at": now, "nonce": f"{now}"}
    if kind == "slip":
        slip = c.Slip(node="NODE", part_no="P", buffer_max_us=300 * S, body="b" * 64, staged_at=now, **fields)
        return c.StageSlip(signers=(c.Signer(id="HUB", role="business_hub"),), slip=slip, **head)
    if kind == "scan":
        reader, at = fields["reader"], now - fields["age"] * S
        return c.ReportArrival(
            signers=(c.Signer(id=reader, role="scanner"),),
            place=fields["place"],
            part_no="P",
            rev=fields["rev"],
            serials=fields["serials"],
            quantity=len(fields["serials"]) + fields["extra"],
            order=fields["order"],
            reader_seq=state.readers.get(reader, 0) + fields["ahead"],
            observed_at=at,
            buffered=fields["buffered"],
            captured_at=at if fields["buffered"] else None,
            **head,
        )
    if kind == "attest":
        auth = c.Auth(components=fields["components"], session="s")
        return c.AttestArrival(
            signers=tuple(
                c.Signer(id=name, role=role, meaning=fields["words"], auth=auth) for name, role in fields["pair"]
            ),
            place=fields["place"],
            part_no="P",
            rev=fields["rev"],
            serials=fields["serials"],
            quantity=len(fields["serials"]) + fields["extra"],
            order=fields["order"],
            photo_digest=fields["words"],
            reason=fields["words"],
            **(head | {"at": now - fields["age"] * S}),
        )
    if kind == "void":
        name, role = fields["by"]
        return c.VoidArrival(
            signers=(c.Signer(id=name, role=role),),
            order=fields["order"],
            serials=fields["serials"],
            reason=fields["reason"],
            **head,
        )
    if kind == "wish":
        return c.ReleaseOrder(signers=(c.Signer(id="HUB", role="business_hub"),), order=fields["order"], **head)
    held = state.slips.get(fields["order"])
    gone = () if held is None else held.released
    return c.AcknowledgeForward(
        signers=(c.Signer(id="NODE", role="node"),), order=fields["order"], body="b" * 64, serials=gone, **head
    )


def fold(state: State, decision: Decision, now: int, ref: int) -> None:
    for event in decision.events:
        evolve(state, NO_DOCUMENTS, event, now, ref)
    waiting = [slip for slip in state.slips.values() if slip.state in ("held", "partial")]
    named = {(serial, slip.order) for slip in waiting for serial in slip.serials}
    assert {(serial, order) for serial, orders in state.awaited.items() for order in orders} == named
    assert all(state.awaited.values()), "nothing is left of who does not wait"


class Book:
    """An account of its own, from the events alone: which parts each order has on the record, and which it let go."""

    def __init__(self) -> None:
        self.slip: dict[str, ev.SlipStaged] = {}
        self.here: dict[str, list[str]] = {}
        self.gone: dict[str, list[str]] = {}
        self.ever: dict[str, list[str]] = {}

    def enter(self, decision: Decision, command: c.AnyCommand) -> None:
        for event in decision.events:
            if isinstance(event, ev.SlipStaged):
                self._staged(event)
            elif isinstance(event, ev.ArrivalRecorded):
                slip, here = self.slip[event.order], self.here[event.order]
                assert set(event.serials) <= set(slip.serials), "exactly its parts"
                assert not set(event.serials) & set(here), "a part arrives once"
                here.extend(event.serials)
                assert event.evidence in slip.evidence, "evidence that the slip allows"
                assert event.evidence == self._evidence(command)
            elif isinstance(event, ev.ArrivalVoided):
                self._voided(event, command)
            elif isinstance(event, ev.OrderReleased):
                self._released(event)
        recorded = [e.order for e in decision.events if isinstance(e, ev.ArrivalRecorded)]
        assert len(recorded) <= 1, "one scan counts for one order"
        if recorded and isinstance(command, (c.ReportArrival, c.AttestArrival)):
            assert command.order in (None, recorded[0]), "and for no other than the one it names"

    def _staged(self, slip: ev.SlipStaged) -> None:
        before = self.slip.get(slip.order)
        self.slip[slip.order], self.gone[slip.order] = slip, []
        same = before is not None and (before.part_no, before.rev, before.serials) == (
            slip.part_no,
            slip.rev,
            slip.serials,
        )
        if not same:
            self.here[slip.order], self.ever[slip.order] = [], []

    @staticmethod
    def _evidence(command: c.AnyCommand) -> str:
        """What an act can be evidence of: an attestation only where two people vouch for it in full."""
        if not isinstance(command, c.AttestArrival):
            assert isinstance(command, (c.ReportArrival, c.StageSlip)), "nothing else records an arrival"
            return "broadcast"
        people = [(signer.id, signer.role) for signer in command.signers]
        assert people == [*RIGHT]
        assert command.place == "DOCK-1"
        assert command.photo_digest
        assert command.reason
        assert all(s.meaning and s.auth and len(s.auth.components) == 2 for s in command.signers)
        return "attested"

    def _voided(self, event: ev.ArrivalVoided, command: c.AnyCommand) -> None:
        assert isinstance(command, c.VoidArrival)
        assert (command.actor.role, command.reason) == ("receiving", "another box")
        if event.order not in self.slip:
            return  # a scan that is kept for an order to come
        here = self.here[event.order]
        assert set(event.serials) <= set(here), "only what is here"
        assert not set(event.serials) & set(self.ever[event.order]), "nothing that ever went"
        self.here[event.order] = [serial for serial in here if serial not in event.serials]

    def _released(self, release: ev.OrderReleased) -> None:
        slip, here, gone = self.slip[release.order], self.here[release.order], self.gone[release.order]
        assert release.serials
        assert set(release.serials) <= set(here), "nothing goes without its arrival"
        assert not set(release.serials) & set(gone), "nothing goes twice under one slip"
        assert release.node == slip.node
        gone.extend(release.serials)
        self.ever[release.order].extend(release.serials)
        assert release.complete == (set(gone) == set(slip.serials))
        assert release.complete or slip.policy == "partial"


@settings(max_examples=150, deadline=None)
@given(histories)
def test_nothing_is_released_without_the_recorded_arrival_of_its_parts(
    history: list[tuple[tuple[str, dict[str, Any]], int]],
) -> None:
    state, book, now = floor(), Book(), T0
    for ref, ((kind, fields), pause) in enumerate(history, 1):
        now += pause * S
        command = command_of(state, kind, fields, now)
        readers = dict(state.readers)
        decision = match(state, NO_DOCUMENTS, command, now)
        assert decision == match(state, NO_DOCUMENTS, command, now), "deterministic"
        released = any(isinstance(e, ev.OrderReleased) for e in decision.events)
        assert not released or (decision.allowed and kind in ("slip", "scan", "attest")), (
            "a denial and a wish release nothing"
        )
        book.enter(decision, command)
        fold(state, decision, now, ref)
        assert all(state.readers[r] >= seq for r, seq in readers.items()), "counters only go up"
        for order, slip in state.slips.items():
            assert set(slip.arrived) == set(book.here[order])
            assert set(slip.released) == set(book.gone[order])


@settings(max_examples=100, deadline=None)
@given(histories)
def test_the_same_wish_again_releases_and_records_nothing(
    history: list[tuple[tuple[str, dict[str, Any]], int]],
) -> None:
    state, now = floor(), T0
    for ref, ((kind, fields), pause) in enumerate(history, 1):
        now += pause * S
        command = command_of(state, kind, fields, now)
        first = match(state, NO_DOCUMENTS, command, now)
        fold(state, first, now, ref)
        again = match(state, NO_DOCUMENTS, replace(command, nonce="anew"), now)
        if isinstance(command, c.ReportArrival):
            assert again.events == (), "a replay moves nothing"
            assert again.codes == ("REPLAYED_BROADCAST",)
        moved = [type(e) for e in again.events if not isinstance(e, (ev.ForwardAcknowledged, ev.ArrivalQuarantined))]
        assert moved == [] or not first.allowed
        assert ev.OrderReleased not in moved
