"""The plan of a contract's witness runs: every deed with its prediction, and what no run can show."""

from collections.abc import Iterable

from msgspec import Struct

from holdgate.certifier.adoption import adopt, adoption
from holdgate.certifier.cast import Cast
from holdgate.certifier.deeds_of_adaptation import adapt
from holdgate.certifier.deeds_of_job import WRITE
from holdgate.certifier.graph import Graph, moves_of
from holdgate.certifier.life import Law, Life
from holdgate.certifier.tour import Leg, tours
from holdgate.certifier.witness import Deed, Writer
from holdgate.crypto.hashes import digest
from holdgate.law.certificate import WitnessRun
from holdgate.law.families import Bundle
from holdgate.terms import canon


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be run. `contracts`: those that are in force in the shop, the one that is certified first.

    `left_out`: acts that this law version has not, and conditions that no run shows, as sentences. `unshown`: acts that it has and
    that no run shows all the same.
    """

    contracts: tuple[Bundle, ...]
    cast: Cast
    deeds: tuple[Deed, ...]
    left_out: tuple[str, ...]
    unshown: tuple[str, ...]

    def record(self) -> WitnessRun:
        """What a certificate says of the runs, once they came out as predicted."""
        return WitnessRun(deeds=len(self.deeds), sha256=digest(canon.encode(self.deeds)), left_out=self.left_out)


def plan_runs(life: Life, law: Law, every: Law) -> Plan:
    """Plan the runs of a contract.

    Args:
        life: the contract.
        law: the acts and gates that the engine at hand has.
        every: the law with all acts of the vocabulary.

    Raises:
        Malformed: no job passes every step.
    """
    graph = Graph(life, moves_of(life, law))
    writer = Writer(life)
    adopt(writer)
    first = adoption(life.contract)
    shown, missed = _walk(writer, tours(graph))
    late = {_key(leg): leg for leg in missed if _key(leg) not in shown}
    if late:
        shown |= _walk(writer, tours(graph, [*late.values()]))[0]
    left = [leg for key, leg in late.items() if key not in shown]
    adapt(writer, law)
    possible = {move.label for move in moves_of(life, law)}
    absent = [move.words for move in moves_of(life, every) if move.label not in possible]
    refusals = [_told(leg) for leg in left if leg.refused_by is not None]
    return Plan(
        contracts=(life.contract,) if first is None else (life.contract, first),
        cast=writer.cast,
        deeds=tuple(writer.deeds),
        left_out=tuple(dict.fromkeys((*refusals, *absent))),
        unshown=tuple(dict.fromkeys(leg.move.words for leg in left if leg.refused_by is None)),
    )


def _walk(writer: Writer, ways: Iterable[tuple[Leg, ...]]) -> tuple[dict[str, None], list[Leg]]:
    """Write ways; what they show, and the legs that could not be walked in time."""
    shown: dict[str, None] = {}
    missed: list[Leg] = []
    for way in ways:
        left = writer.way(way, WRITE)
        missed += left
        shown.update(dict.fromkeys(_key(leg) for leg in way if leg not in left))
    return shown, missed


def _key(leg: Leg) -> str:
    return leg.move.label if leg.refused_by is None else f"{leg.move.label} not {leg.refused_by.name}"


def _told(leg: Leg) -> str:
    return f"{leg.move.words} although not: {'' if leg.refused_by is None else leg.refused_by.name}"
