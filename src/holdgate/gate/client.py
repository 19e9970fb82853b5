"""The gate that a module embeds: ask, hold a permit, check, act, report. It fails closed.

    gate = Gate("SID-MOD-01", key, site="NODE-FPI", site_key=node_key, ask=post)
    permit = gate.may(order="PO-1001", job="J-1", step="S50", deed="heat", operator="SID-TEC-11")
    with gate.holding(permit):                 # checked once more, used up; reported to the site at the end
        while heating():
            gate.check(permit)                 # each cycle: raises once the time is over

Rules:
  1. No permit, no deed. A permit is believed only from the site's own key, only for what this gate asked, and only once.
  2. Time is told in two ways. By UTC the deed lies between the permit's ends; by ticks, which nobody can set, it takes no
     longer since the question than the permit lasts. A clock that goes back, or stands far from the site's, halts.
  3. A deed that was begun is reported, whatever became of it. A report that could not be handed in is kept and sent again;
     until then nothing is permitted.
  4. Everything else is `Halted`. The device's own safe state is the controller's part: leave the `with` block into it.

No thread and no timer of its own: a controller that is stuck cannot check, so keep the device's hardware limit.
`check` neither waits nor uses the network and may be called from another thread than `holding`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final, NamedTuple

from holdgate.crypto.envelope import open_envelope
from holdgate.crypto.keys import SigningKey
from holdgate.gate.halt import Halt, Halted
from holdgate.gate.host import Clock, MachineClock, machine_token
from holdgate.gate.permit import Permit, Recorded, Refusal, matches, open_answer
from holdgate.gate.wish import Did, May, Signer, read_report, sign
from holdgate.terms import canon, instant
from holdgate.terms.errors import Malformed, Tampered
from holdgate.terms.ids import check_id

Ask = Callable[[bytes], bytes]
"""Hands a signed wish to the site and returns its answer; any exception means that the site cannot be reached."""

SKEW_US: Final = 120 * instant.SECOND_US
"""How far this clock and the site's may lie apart."""
MARGIN_US: Final = 2 * instant.SECOND_US
"""How long before its end a permit counts as over: the report has to reach the site in time."""
SPENT_KEPT: Final = 256
"""Used permits that are remembered, for a better sentence only: a permit that is not known here is refused anyway."""


class _Held(NamedTuple):
    """A permit that came here. `asked_at_ticks`: just before it was asked for, so that the count is never short."""

    permit: Permit
    asked_at_ticks: int


class Gate:
    """One module's gate to one site.

    Args:
        module: the module's SMART-ID.
        key: its private key.
        site: the SMART-ID of the site that decides (the node).
        site_key: that site's public key, from the shop's charter: the root of this gate's trust.
        ask: the transport.
        role: the role that the module is enrolled in.
        clock: two ways to tell time; the machine's by default.
        token: something that nobody can guess (16 hex digits or alike); the machine's by default.
        skew_us: how far this clock and the site's may lie apart.
        margin_us: how long before its end a permit counts as over.
        unreported: what `unreported` held when the controller stopped, if it kept it.

    Raises:
        Halted: what was kept is no report of this module to this site.
    """

    def __init__(
        self,
        module: str,
        key: SigningKey,
        *,
        site: str,
        site_key: bytes,
        ask: Ask,
        role: str = "module",
        clock: Clock | None = None,
        token: Callable[[], str] = machine_token,
        skew_us: int = SKEW_US,
        margin_us: int = MARGIN_US,
        unreported: Iterable[bytes] = (),
    ) -> None:
        self._module = module
        self._key = key
        self._site = site
        self._site_key = site_key
        self._ask = ask
        self._role = role
        self._clock = clock or MachineClock()
        self._token = token
        self._skew_us = skew_us
        self._margin_us = margin_us
        self._unreported = deque(unreported)
        for report in self._unreported:
            self._kept(report)
        self._permits: dict[str, _Held] = {}
        self._held: dict[str, _Held] = {}
        self._spent: deque[str] = deque(maxlen=SPENT_KEPT)
        self._last_now = self._last_ticks = 0
        self._state = Lock()
        self._post = Lock()

    # ---- ask -------------------------------------------------------------------------------------------------------

    def may(
        self, *, order: str, job: str, step: str, deed: str, operator: str | None = None, contract: str | None = None
    ) -> Permit:
        """Ask the site for a permit.

        Args:
            order: the order.
            job: its job.
            step: the step at which the module would act.
            deed: what it would do, in the contract's word (`heat`).
            operator: the person at the machine, where the contract asks for one.
            contract: SHA-256 (hex) of the contract version, where the module knows which one it was set up for.

        Raises:
            Halted: there is none.
        """
        self.deliver()
        now, ticks = self._times()
        wish = self._wish(now, order, job, step, deed, operator)
        answer = self._send(sign(wish, self._key), "The wish")
        asked = {"order": order, "job": job, "step": step, "deed": deed, "permit": wish.permit}
        self._check_same(answer, **asked)
        if isinstance(answer, Refusal):
            raise Halted(Halt.REFUSED, f"{self._site} refuses {deed} at {step}: {answer.told()}", answer)
        if not isinstance(answer, Permit):
            raise Halted(Halt.ANOTHER_WISH, f"{self._site} answered a question with a receipt.")
        if answer.operator != (operator or ""):
            raise Halted(Halt.ANOTHER_WISH, f"The permit names the operator {answer.operator or 'nobody'}.")
        if contract is not None and answer.contract != contract:
            raise Halted(Halt.ANOTHER_WISH, f"The permit is for the contract {answer.contract[:12]}…")
        held = _Held(answer, ticks)
        self._check_clocks(answer, now)
        self._check_time(held)
        with self._state:
            self._forget_over()
            self._permits[answer.permit] = held
        return answer

    def _wish(self, now: int, order: str, job: str, step: str, deed: str, operator: str | None) -> May:
        permit = f"P-{self._token()}"
        named = {"order": order, "job": job, "step": step, "permit": permit, "operator": operator}
        try:
            for what, text in named.items():
                if text is not None:
                    check_id(text, what)
            canon.check_text(deed, "the deed")
        except Malformed as error:
            raise Halted(Halt.WISH_UNREADABLE, f"{error}.") from error
        if not deed:
            raise Halted(Halt.WISH_UNREADABLE, "The wish names no deed.")
        return May(
            site=self._site,
            at=now,
            nonce=self._token(),
            signers=self._signers(),
            order=order,
            job=job,
            step=step,
            permit=permit,
            deed=deed,
            module=self._module,
            operator=operator,
        )

    def _signers(self) -> tuple[Signer, ...]:
        return (Signer(id=self._module, role=self._role),)

    # ---- act -------------------------------------------------------------------------------------------------------

    @contextmanager
    def holding(self, permit: Permit) -> Iterator[Permit]:
        """Act under a permit: it is checked and used up at the beginning, and the deed is reported at the end.

        Where the block ends with an exception the deed counts as begun, and is reported too.

        Raises:
            Halted: at the beginning, before anything was done; or at the end: the deed went on for too long, or its
                report was refused or could not be handed in.
        """
        self._begin(permit)
        try:
            yield permit
        except BaseException as fault:
            try:
                self._end(permit)
            except Halted as halted:
                fault.add_note(f"{halted.halt}: {halted}")
            raise
        self._end(permit)

    def check(self, permit: Permit) -> int:
        """Whether the deed may go on; for each cycle of a control loop.

        Returns:
            How long it still may (µs).

        Raises:
            Halted: stop now.
        """
        with self._state:
            held = self._held.get(permit.permit)
        if held is None or held.permit != permit:
            raise Halted(Halt.NOT_HELD, f"Nothing is done under the permit {permit.permit} now.")
        return self._check_time(held)

    def _begin(self, permit: Permit) -> None:
        with self._state:
            held = self._permits.get(permit.permit)
            if permit.permit in self._spent:
                raise Halted(Halt.PERMIT_USED, f"The permit {permit.permit} was used.")
            if held is None or held.permit != permit:
                raise Halted(Halt.PERMIT_UNKNOWN, f"The permit {permit.permit} did not come here from {self._site}.")
        self._check_time(held)
        with self._state:
            if self._permits.pop(permit.permit, None) is None:
                raise Halted(Halt.PERMIT_USED, f"The permit {permit.permit} was used.")
            self._spent.append(permit.permit)
            self._held[permit.permit] = held

    def _end(self, permit: Permit) -> None:
        """Report the deed, then say whether it lasted too long."""
        with self._state:
            held = self._held.pop(permit.permit)
        over: Halted | None = None
        try:
            self._check_time(held)
        except Halted as halted:
            over = halted
        report = Did(
            site=self._site,
            at=self._clock.now(),
            nonce=self._token(),
            signers=self._signers(),
            order=permit.order,
            job=permit.job,
            step=permit.step,
            permit=permit.permit,
            deed=permit.deed,
        )
        with self._state:
            self._unreported.append(sign(report, self._key))
        try:
            self.deliver()
        except Halted as halted:
            if over is not None:
                halted.add_note(f"{over.halt}: {over}")
            raise
        if over is not None:
            raise over

    # ---- report ----------------------------------------------------------------------------------------------------

    @property
    def unreported(self) -> tuple[bytes, ...]:
        """Signed reports that the site has not confirmed. A controller that may lose power keeps them."""
        with self._state:
            return tuple(self._unreported)

    def deliver(self) -> None:
        """Hand in what is not reported yet, oldest first. Called before every question and after every deed.

        Raises:
            Halted: a report waits still, or the site refused one (which ends its waiting: it is on record as refused).
        """
        with self._post:
            while self.unreported:
                report = self.unreported[0]
                did = self._kept(report)
                try:
                    answer = self._send(report, "The report")
                    self._check_same(
                        answer, permit=did.permit, deed=did.deed, order=did.order, job=did.job, step=did.step
                    )
                except Halted as halted:
                    why = f"The report of {did.deed} at {did.step} is not confirmed: {halted.why}"
                    raise Halted(Halt.REPORT_WAITS, why) from halted
                if isinstance(answer, Permit):
                    raise Halted(Halt.REPORT_WAITS, f"{self._site} answered the report of {did.deed} with a permit.")
                with self._state:
                    self._unreported.popleft()
                if isinstance(answer, Refusal):
                    why = f"{self._site} refuses the report of {did.deed} at {did.step}: {answer.told()}"
                    raise Halted(Halt.REPORT_REFUSED, why, answer)

    def _kept(self, report: bytes) -> Did:
        """A report of this module to this site, as it was kept."""
        try:
            did = read_report(open_envelope(report).payload)
        except Malformed as error:
            raise Halted(Halt.REPORT_UNREADABLE, f"A kept report cannot be read: {error}.") from error
        if (did.site, did.signers) != (self._site, self._signers()):
            raise Halted(Halt.REPORT_UNREADABLE, "A kept report is not this module's to this site.")
        return did

    # ---- the wire --------------------------------------------------------------------------------------------------

    def _send(self, raw: bytes, what: str) -> Permit | Refusal | Recorded:
        """Hand something in and believe the answer, or halt."""
        try:
            answer = self._ask(raw)
        except Exception as error:
            raise Halted(Halt.UNREACHABLE, f"{what} got no answer from {self._site} ({error!r}).") from error
        if not isinstance(answer, bytes):
            raise Halted(Halt.ANSWER_UNREADABLE, f"{what} was answered with no bytes.")
        try:
            return open_answer(answer, self._site, self._site_key)
        except Malformed as error:
            raise Halted(Halt.ANSWER_UNREADABLE, f"The answer cannot be read: {error}.") from error
        except Tampered as error:
            raise Halted(Halt.NOT_THE_SITES_WORD, f"The answer is not the word of {self._site}: {error}.") from error

    def _check_same(self, answer: Permit | Refusal | Recorded, **asked: str) -> None:
        other = matches(answer, site=self._site, module=self._module, **asked)
        if other is not None:
            raise Halted(Halt.ANOTHER_WISH, f"The answer is for another {other}: {getattr(answer, other)[:80]!r}.")

    # ---- time ------------------------------------------------------------------------------------------------------

    def _times(self) -> tuple[int, int]:
        """UTC and ticks; neither may ever go back."""
        with self._state:
            now, ticks = self._clock.now(), self._clock.ticks()
            if now < self._last_now or ticks < self._last_ticks:
                by_us = max(self._last_now - now, self._last_ticks - ticks)
                raise Halted(Halt.CLOCK_WENT_BACK, f"The clock went back by {by_us} µs.")
            self._last_now, self._last_ticks = now, ticks
            return now, ticks

    def _check_clocks(self, permit: Permit, asked_at: int) -> None:
        """The site issued it while this gate was waiting for it, as far as the two clocks agree."""
        now, _ = self._times()
        if not asked_at - self._skew_us <= permit.issued_at <= now + self._skew_us:
            why = f"{self._site} issued the permit at {_show(permit.issued_at)}; here it was {_show(asked_at)}."
            raise Halted(Halt.CLOCKS_DISAGREE, why)

    def _check_time(self, held: _Held) -> int:
        """How long the permit still holds (µs), by the stricter of the two clocks."""
        now, ticks = self._times()
        permit, passed_us = held.permit, ticks - held.asked_at_ticks
        left_us = min(permit.until - now, permit.until - permit.issued_at - passed_us) - self._margin_us
        if left_us < 0:
            why = f"The permit {permit.permit} holds until {_show(permit.until)}, less {self._margin_us} µs for its report."
            raise Halted(Halt.PERMIT_OVER, why)
        return left_us

    def _forget_over(self) -> None:
        """Permits that were never used and are over."""
        now = self._last_now
        self._permits = {name: held for name, held in self._permits.items() if held.permit.until >= now}


def _show(at: int) -> str:
    try:
        return instant.show(at)
    except OverflowError:
        return f"{at} µs"
