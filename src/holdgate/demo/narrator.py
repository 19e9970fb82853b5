"""Telling what happened: every line is an act that a site decided and recorded, or a fact that followed by itself."""

from collections.abc import Callable

from holdgate.bootstrap import BUSINESS_HUB
from holdgate.demo.shop import PLACES, DemoShop
from holdgate.demo.tell import Line, Teller
from holdgate.engine.answer import Answer
from holdgate.law import event as ev
from holdgate.law.denial import remedy, sentence
from holdgate.terms.errors import InvariantBroken


class Narrator:
    """A story in a shop. Nothing here decides; a refusal that the story does not count on ends it (`InvariantBroken`)."""

    def __init__(self, at: DemoShop, tell: Teller) -> None:
        self._at = at
        self._tell = tell

    def _act(self, title: str, moment: str) -> None:
        self._at.set(moment)
        self._tell.act(title, self._at.clock.now())

    def _done(self, text: str, answer: Answer | None = None, site: str = BUSINESS_HUB, **data: object) -> None:
        now = self._at.clock.now()
        if answer is None:
            self._tell.say(Line(kind="done", text=text, at=now, data=data))
            return
        if not answer.decision.allowed:
            raise InvariantBroken(f"{text!r} was refused: {answer.decision.codes}")
        self._tell.say(Line(kind="done", text=text, at=now, site=PLACES[site], entry=answer.seq, data=data))

    def _note(self, text: str) -> None:
        self._tell.say(Line(kind="note", text=text))

    def _refused(self, text: str, answer: Answer, code: str, site: str = BUSINESS_HUB, kind: str = "refused") -> None:
        """An act that had to be refused for this reason."""
        denial = next((denial for denial in answer.decision.denials if denial.code == code), None)
        if denial is None:
            raise InvariantBroken(f"{text!r} should have been refused for {code}; it was {answer.decision.verdict}")
        self._tell.say(
            Line(
                kind=kind,
                text=text,
                at=self._at.clock.now(),
                code=code,
                reason=sentence(denial),
                remedy=remedy(denial),
                site=PLACES[site],
                entry=answer.seq,
            )
        )

    def _fact(self, site: str, entry: int, text: str) -> None:
        self._tell.say(Line(kind="follows", text=text, site=PLACES[site], entry=entry))

    def _follows(self, kind: type[ev.Event], text: Callable[[ev.Event], str]) -> None:
        """What came by itself out of the last act."""
        fact = self._at.fact(kind)
        if fact is None:
            raise InvariantBroken(f"no {kind.__name__} followed")
        self._fact(fact.site, fact.seq, text(fact.event))
