"""The plan of a contract's witness runs: every deed with its prediction, and what no run can show."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from holdgate.certifier.adoption import adopt, adoption
from holdgate.certifier.cast import Cast
from holdgate.certifier.deeds_of_adaptation import adapt
from holdgate.certifier.deeds_of_job import WRITE
from holdgate.certifier.graph import Graph, moves_of
from holdgate.certifier.life import Law, Life
from holdgate.certifier.tour import Leg, tours
from holdgate.certifier.witness import Deed, Missed, Writer
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
    late = {_key(item.leg): item.leg for item in missed if _key(item.leg) not in shown}
    if late:
        more, missed = _walk(writer, tours(graph, [*late.values()]))
        shown |= more
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
        unshown=_unshown(left, missed),
    )


def _unshown(left: Sequence[Leg], missed: Sequence[Missed]) -> tuple[str, ...]:
    """What could not be walked, each with its reason; what only comes after that is counted."""
    lost = dict.fromkeys(leg.move.words for leg in left if leg.refused_by is None)
    if not lost:
        return ()
    first = {item.leg.move.words: item.why for item in missed if item.why and item.leg.refused_by is None}
    told = [f"{words} ({why})" for words, why in first.items()] or [*lost]
    behind = len([words for words in lost if words not in first])
    if first and behind:
        told[-1] += f", nor the {behind} act{'s' if behind > 1 else ''} that can only come after it"
    return tuple(told)


def _walk(writer: Writer, ways: Iterable[tuple[Leg, ...]]) -> tuple[dict[str, None], list[Missed]]:
    """Write ways; what they show, and the legs that could not be walked in time."""
    shown: dict[str, None] = {}
    missed: list[Missed] = []
    for way in ways:
        left = writer.way(way, WRITE)
        missed += left
        lost = [item.leg for item in left]
        shown.update(dict.fromkeys(_key(leg) for leg in way if leg not in lost))
    return shown, missed


def _key(leg: Leg) -> str:
    return leg.move.label if leg.refused_by is None else f"{leg.move.label} not {leg.refused_by.name}"


def _told(leg: Leg) -> str:
    return f"{leg.move.words} although not: {'' if leg.refused_by is None else leg.refused_by.name}"
