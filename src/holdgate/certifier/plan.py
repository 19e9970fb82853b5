"""The plan of a contract's witness runs: every deed with its prediction, and what no run can show."""

from msgspec import Struct

from holdgate.certifier.cast import Cast
from holdgate.certifier.deeds_of_adaptation import adapt
from holdgate.certifier.deeds_of_job import WRITE
from holdgate.certifier.graph import Graph, moves_of
from holdgate.certifier.life import Law, Life
from holdgate.certifier.tour import Leg, tours
from holdgate.certifier.witness import Deed, Writer
from holdgate.crypto.hashes import digest
from holdgate.law.certificate import WitnessRun
from holdgate.terms import canon


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be run. `left_out`: moves and conditions that no run shows, as sentences."""

    cast: Cast
    deeds: tuple[Deed, ...]
    left_out: tuple[str, ...]

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
    shown: dict[str, None] = {}
    missed: dict[str, None] = {}
    for way in tours(graph):
        left = writer.way(way, WRITE)
        count = len(way) - len(left)
        skipped = [leg for leg in left if leg.refused_by is not None]
        walked = [leg for leg in way if leg not in left] if skipped else [*way[:count]]
        shown.update(dict.fromkeys(map(_told, walked)))
        missed.update(dict.fromkeys(map(_told, left)))
    adapt(writer, law)
    possible = {move.label for move in moves_of(life, law)}
    absent = (move.words for move in moves_of(life, every) if move.label not in possible)
    left_out = (*(told for told in missed if told not in shown), *absent)
    return Plan(cast=writer.cast, deeds=tuple(writer.deeds), left_out=tuple(dict.fromkeys(left_out)))


def _told(leg: Leg) -> str:
    return leg.move.words if leg.refused_by is None else f"{leg.move.words} although not: {leg.refused_by.name}"
