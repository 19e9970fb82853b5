"""Sessions: they end some day, with their key and with their owner's access; people see and end their own; the log tells."""

import json
from typing import Any, Final

import httpx
import pytest

from holdgate.crypto.envelope import seal
from holdgate.crypto.keys import SigningKey
from holdgate.demo.shop import ADMIN, OFFICE, QA, TECHNICIAN
from holdgate.identity.roster import EarlierKey, Identity
from holdgate.terms import canon
from holdgate.terms.errors import Malformed
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import REFUSALS_TOLD_MAX, SESSIONS_OF_ONE_MAX, SIGN_IN_WORD_CHARS_MAX
from holdgate.web.sessions import DEVICE_LASTS_S, LOGIN_TYPE, PERSON_LASTS_S, Login, Sessions, Where
from holdgate.web.sign_ins import MINUTE_US, SignIns
from tests.worked_shop import Served

T0: Final = 1_767_225_600 * SECOND_US
IDLE_S: Final = 600
KEYS: Final = {name: SigningKey.from_seed(name.encode().ljust(32)) for name in ("SID-1", "SID-1 anew", "SID-2", "WS-1")}


def identity(name: str, kind: str = "person", key: str = "") -> Identity:
    return Identity(id=name, name=name, org="LAB", kind=kind, key=KEYS[key or name].public, roles=(), ref=0)


class House:
    """Sessions of one process, and rosters to ask them with."""

    def __init__(self) -> None:
        self.drawn = 0
        self.sessions = Sessions(self.draw)
        self.roster = {"SID-1": identity("SID-1"), "SID-2": identity("SID-2"), "WS-1": identity("WS-1", "device")}

    def draw(self) -> str:
        self.drawn += 1
        return f"{self.drawn:016x}"

    def open(self, who: str = "SID-1", at_s: float = 0, key: str = "", place: str = "") -> str:
        now = T0 + int(at_s * SECOND_US)
        login = canon.encode(Login(challenge=self.sessions.challenge(now), host="a", id=who))
        raw = seal(login, [(who, KEYS[key or who])], LOGIN_TYPE)
        return self.sessions.open(raw, self.roster, "a", IDLE_S, now, Where(place, "192.0.2.7"))[0]

    def who(self, secret: str, at_s: float = 0, roster: dict[str, Identity] | None = None) -> str | None:
        found = self.sessions.whose(secret, self.roster if roster is None else roster, T0 + int(at_s * SECOND_US))
        return None if found is None else found.id

    def rekey(self) -> None:
        """SID-1 has another key, and this site knows."""
        new = identity("SID-1", key="SID-1 anew")
        new.earlier = (EarlierKey(key=KEYS["SID-1"].public, at=T0),)
        self.roster["SID-1"] = new


def test_a_session_that_is_used_all_the_time_ends_all_the_same() -> None:
    at = House()
    secret = at.open()
    for s in range(0, PERSON_LASTS_S + 1, IDLE_S):
        assert at.who(secret, s) == "SID-1"
    assert at.who(secret, PERSON_LASTS_S + 0.000001) is None


def test_a_workstations_session_lasts_longer_and_ends_too() -> None:
    at = House()
    secret, day = at.open("WS-1"), 24 * 3600
    for s in range(0, DEVICE_LASTS_S + 1, day):
        assert at.who(secret, s) == "WS-1"
    assert at.who(secret, DEVICE_LASTS_S + 1) is None


def test_a_replaced_key_ends_every_session_that_it_opened() -> None:
    at = House()
    before = [at.open(), at.open()]
    at.rekey()
    assert [at.who(secret) for secret in before] == [None, None]
    assert at.sessions.of("SID-1", T0) == (), "nor at a site that has not heard of it"
    assert at.who(at.open(key="SID-1 anew")) == "SID-1"


def test_a_site_that_does_not_know_of_the_new_key_yet_ends_no_session_of_it() -> None:
    at = House()
    late = dict(at.roster)
    at.rekey()
    secret = at.open(key="SID-1 anew")
    assert at.who(secret, roster=late) is None
    assert at.who(secret, roster={}) is None
    assert at.who(secret) == "SID-1"


def test_disabling_ends_sessions_at_every_site_of_the_process() -> None:
    at = House()
    secret, elsewhere = at.open(), dict(at.roster)
    gone = identity("SID-1")
    gone.disabled_at = T0
    at.roster["SID-1"] = gone
    assert at.who(secret) is None
    assert at.who(secret, roster=elsewhere) is None


def test_people_see_their_own_and_end_one_or_all_others() -> None:
    at = House()
    one, two, three, other = at.open(), at.open(at_s=1, place="WS-1"), at.open(at_s=2), at.open("SID-2", 3)
    seen = at.sessions.of("SID-1", T0 + 3 * SECOND_US)
    assert [row.since for row in seen] == [T0 + s * SECOND_US for s in (2, 1, 0)]
    assert (seen[1].place, seen[1].source, seen[1].until) == (
        "WS-1",
        "192.0.2.7",
        T0 + (1 + PERSON_LASTS_S) * SECOND_US,
    )
    assert not any(secret in repr(seen) for secret in (one, two, three))
    assert at.sessions.end("SID-2", seen[1].name) == 0, "not theirs"
    assert at.sessions.end("SID-1", seen[1].name) == 1
    assert [at.who(secret, 3) for secret in (one, two, three)] == ["SID-1", None, "SID-1"]
    assert at.sessions.end("SID-1", keep=seen[0].name) == 1
    assert [at.who(secret, 3) for secret in (one, two, three, other)] == [None, None, "SID-1", "SID-2"]


def test_one_person_has_so_many_sessions_and_no_more() -> None:
    at = House()
    first, other = at.open(), at.open("SID-2")
    opened = [at.open(at_s=n) for n in range(1, SESSIONS_OF_ONE_MAX)]
    assert at.sessions.find(first, T0, touch=False) is not None
    at.open(at_s=SESSIONS_OF_ONE_MAX)
    left = [at.sessions.find(secret, T0, touch=False) is not None for secret in (first, *opened, other)]
    assert left == [False, *[True] * len(opened), True]


def test_what_is_over_is_not_shown() -> None:
    at = House()
    at.open()
    assert at.sessions.of("SID-1", T0 + (IDLE_S + 1) * SECOND_US) == ()


def test_neither_a_site_nor_a_module_signs_in() -> None:
    at = House()
    at.roster["SID-2"] = identity("SID-2", "site")
    with pytest.raises(Malformed, match="people and workstations sign in"):
        at.open("SID-2")
    assert at.sessions.of("SID-2", T0) == ()


# ---- what the log tells ----------------------------------------------------------------------------------------------


class Log:
    """The lines of a process."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.told = SignIns(self.lines.append)

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


def test_a_line_is_one_line_of_ascii_whatever_a_stranger_sends() -> None:
    log = Log()
    log.told.tell(T0, "HUB", "refused", who="x\n\x1b[2J\u202e\U0001f600" + "y" * 999, why="\r\nforged")
    (line,) = log.lines
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["who"].startswith("x\n\x1b[2J\u202e\U0001f600yyy")
    assert len(json.loads(line)["who"]) == SIGN_IN_WORD_CHARS_MAX


def test_refusals_beyond_the_limit_are_counted_and_sign_ins_always_told() -> None:
    log = Log()
    for _ in range(REFUSALS_TOLD_MAX + 5):
        log.told.tell(T0, "HUB", "refused", why="no")
    assert len(log.lines) == REFUSALS_TOLD_MAX
    log.told.tell(T0 + 1, "HUB", "signed in", who="SID-1")
    log.told.tell(T0 + MINUTE_US, "HUB", "signed out", who="SID-1")
    log.told.tell(T0 + MINUTE_US, "HUB", "refused", why="no")
    assert [row["what"] for row in log.rows()[-3:]] == ["signed in", "signed out", "refused"]
    assert [row.get("unwritten", 0) for row in log.rows()[-3:]] == [0, 5, 0]


# ---- over HTTP -------------------------------------------------------------------------------------------------------


class Browser:
    """A browser of its own before the worked shop."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(self.served.app, client=("192.0.2.9", 5000))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost", cookies=self.cookies
            ) as client:
                answer = await client.request(method, path, **more)
                self.cookies |= dict(answer.cookies)
                return answer

        return self.served.run(sent())

    def sign_in(self, who: str, key: SigningKey | None = None) -> httpx.Response:
        asked = self.ask("POST", "/HUB/api/challenge").json()
        login = Login(challenge=asked["challenge"], host=asked["host"], id=who)
        signed = seal(canon.encode(login), [(who, key or self.served.worked.desk.key(who))], LOGIN_TYPE)
        return self.ask("POST", "/HUB/api/session", content=signed)

    def is_in(self) -> bool:
        return bool(self.ask("GET", "/HUB/api/session").json().get("session"))


def test_a_person_sees_where_they_are_signed_in_and_ends_it_from_elsewhere(served: Served) -> None:
    left_open, here = Browser(served), Browser(served)
    left_open.sign_in(OFFICE)
    left_open.sign_in(TECHNICIAN)
    here.sign_in(TECHNICIAN)
    found = here.ask("GET", "/HUB/api/sessions").json()
    there = next(row for row in found["sessions"] if row["place"] == OFFICE)
    assert there["source"] == "192.0.2.9"
    assert found["this"] in [row["name"] for row in found["sessions"]]
    page = here.ask("GET", "/HUB/sessions").text
    assert f'data-end="{there["name"]}"' in page
    assert f'data-end="{found["this"]}"' not in page, "this one ends by signing out"
    assert Browser(served).ask("DELETE", f"/HUB/api/sessions/{there['name']}").status_code == 401
    stranger = Browser(served)
    stranger.sign_in(QA)
    assert stranger.ask("DELETE", f"/HUB/api/sessions/{there['name']}").status_code == 404
    assert left_open.is_in()
    assert here.ask("DELETE", f"/HUB/api/sessions/{there['name']}").status_code == 204
    assert not left_open.is_in()
    assert here.ask("DELETE", "/HUB/api/sessions").json()["ended"] >= 0
    assert [row["name"] for row in here.ask("GET", "/HUB/api/sessions").json()["sessions"]] == [found["this"]]


def test_signing_in_again_ends_the_session_that_the_browser_had(served: Served) -> None:
    browser = Browser(served)
    browser.sign_in(QA)
    before = Browser(served)
    before.cookies = dict(browser.cookies)
    browser.sign_in(QA)
    assert browser.is_in()
    assert not before.is_in()


def test_an_admin_ends_the_sessions_of_somebody_and_nobody_else_does(served: Served) -> None:
    theirs, admin = Browser(served), Browser(served)
    theirs.sign_in(QA)
    admin.sign_in(ADMIN)
    assert 'data-end-of="SID-' in admin.ask("GET", f"/HUB/admin/people/{QA}").text
    assert theirs.ask("DELETE", f"/HUB/api/people/{ADMIN}/sessions").status_code == 403
    assert admin.ask("DELETE", f"/HUB/api/people/{QA}/sessions").json()["ended"] >= 1
    assert not theirs.is_in()
    assert admin.ask("DELETE", "/HUB/api/people/SID-NOBODY/sessions").status_code == 404


def test_signing_in_and_out_and_what_was_refused_stand_in_the_log_without_secrets(
    served: Served, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "holdgate.web.sign_ins.REFUSALS_TOLD_MAX", 1_000_000
    )  # other tests may have used this minute up
    browser = Browser(served)
    capfd.readouterr()
    assert browser.sign_in("SID-NOBODY-24681", SigningKey.from_seed(b"n" * 32)).status_code >= 400
    assert browser.sign_in(QA, SigningKey.from_seed(b"n" * 32)).status_code >= 400
    assert browser.sign_in(QA).status_code == 200
    secret = browser.cookies["hg_who"]
    browser.ask("DELETE", "/HUB/api/session?who=person")
    written = capfd.readouterr().err
    rows = [json.loads(line) for line in written.splitlines() if line.startswith('{"log": "sign-in"')]
    assert [(row["what"], row.get("who", "")) for row in rows] == [
        ("refused", ""),
        ("refused", QA),
        ("signed in", QA),
        ("signed out", QA),
    ]
    assert all(row["site"] == "HUB" and row["source"] == "192.0.2.9" and row["at"].endswith("Z") for row in rows)
    assert all(row["why"] for row in rows[:2])
    assert secret not in written
    assert "24681" not in written, "what was typed in the place of a name may be a PIN"
