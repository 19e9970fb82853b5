"""What a browser is told, what it is not asked for twice, and what pages of other sites cannot do."""

from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from holdgate.crypto.envelope import seal
from holdgate.crypto.keys import SigningKey
from holdgate.crypto.signatures import Key
from holdgate.terms import canon, limits
from holdgate.terms.errors import Tampered
from holdgate.terms.instant import SECOND_US
from holdgate.web.page import STATIC
from holdgate.web.sessions import CHALLENGE_S, LOGIN_TYPE, Login, Sessions
from tests.worked_shop import Served

PERSON = "SID-ADM-01"
T0 = 1_767_225_600 * SECOND_US
POLICY = ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'")


def over(served: Served, scheme: str, method: str, path: str, **more: Any) -> httpx.Response:
    """A request by a program or a browser, over http or https."""

    async def sent() -> httpx.Response:
        transport = httpx.ASGITransport(served.app)
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://localhost") as client:
            return await client.request(method, path, **more)

    return served.run(sent())


def sign_in(served: Served, scheme: str, **more: Any) -> httpx.Response:
    asked = over(served, scheme, "POST", "/HUB/api/challenge").json()
    login = Login(challenge=asked["challenge"], host=asked["host"], id=PERSON)
    signed = seal(canon.encode(login), [(PERSON, served.worked.desk.key(PERSON))], LOGIN_TYPE)
    return over(served, scheme, "POST", "/HUB/api/session", content=signed, **more)


def test_every_page_carries_the_policy_and_is_kept_by_nobody(served: Served) -> None:
    for path in ("/HUB/admin", "/HUB/finance", "/FLOOR/dock"):
        answer = served.get(path, PERSON)
        for part in POLICY:
            assert part in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


def test_over_tls_a_session_is_of_this_host_alone(served: Served) -> None:
    cookie = sign_in(served, "https").headers["set-cookie"].lower()
    assert cookie.startswith("__host-hg_who=")
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "domain" not in cookie


def test_a_cookie_that_another_host_could_have_set_opens_nothing_over_tls(served: Served) -> None:
    """Without the prefix a host beside this one, or plain http, could plant it (a session of the attacker's own)."""
    secret = sign_in(served, "https").cookies["__Host-hg_who"]
    own = over(served, "https", "GET", "/HUB/api/session", headers={"cookie": f"__Host-hg_who={secret}"})
    planted = over(served, "https", "GET", "/HUB/api/session", headers={"cookie": f"hg_who={secret}"})
    assert PERSON in own.text
    assert PERSON not in planted.text


def test_signing_out_ends_the_session_and_not_only_the_cookie(served: Served) -> None:
    secret = sign_in(served, "https").cookies["__Host-hg_who"]
    told = {"cookie": f"__Host-hg_who={secret}"}
    assert over(served, "https", "DELETE", "/HUB/api/session?who=person", headers=told).status_code == 204
    assert PERSON not in over(served, "https", "GET", "/HUB/api/session", headers=told).text


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_changes_nothing(served: Served, site: str) -> None:
    answer = sign_in(served, "https", headers={"sec-fetch-site": site})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_its_own_pages_and_programs_do(served: Served, site: str) -> None:
    assert sign_in(served, "https", headers={"sec-fetch-site": site}).status_code == 200


def test_whoever_pastes_a_pin_is_not_hindered(served: Served) -> None:
    """Password managers fill in and paste; a page that forbids it makes PINs shorter."""
    for path in STATIC.rglob("*.js"):
        assert "paste" not in path.read_text(encoding="utf-8"), path.name
    page = served.get("/HUB/qa").text
    assert 'type="password"' in page
    assert "readonly" not in page


def test_no_trace_no_listing(served: Served) -> None:
    assert over(served, "http", "TRACE", "/HUB/api/session").status_code == 405
    assert over(served, "http", "GET", "/static/").status_code == 404
    assert over(served, "http", "GET", "/static/../page.py").status_code == 404


class _Somebody:
    """Sessions with one person on the roster."""

    def __init__(self, served: Served) -> None:
        self.key = served.worked.desk.key(PERSON)
        self.identities = served.shop.sites["HUB"].chronicle.state.identities
        self.drawn = 0
        self.sessions = Sessions(self.draw)

    def draw(self) -> str:
        self.drawn += 1
        return f"{self.drawn:016x}"

    def login(self, challenge: str, host: str = "a") -> bytes:
        return seal(canon.encode(Login(challenge=challenge, host=host, id=PERSON)), [(PERSON, self.key)], LOGIN_TYPE)

    def open(self, now: int = 0, host: str = "a") -> str:
        now += T0
        raw = self.login(self.sessions.challenge(now), host)
        return self.sessions.open(raw, self.identities, "a", 600, now)[0]


def test_a_challenge_works_once_in_time_and_for_one_host(served: Served) -> None:
    at = _Somebody(served)
    raw = at.login(at.sessions.challenge(T0))
    at.sessions.open(raw, at.identities, "a", 600, T0)
    with pytest.raises(Tampered, match="was used"):
        at.sessions.open(raw, at.identities, "a", 600, T0)
    with pytest.raises(Tampered, match="another address"):
        at.open(host="b")
    late = at.login(at.sessions.challenge(T0))
    with pytest.raises(Tampered, match="two minutes"):
        at.sessions.open(late, at.identities, "a", 600, T0 + CHALLENGE_S * SECOND_US + 1)


def _id(at: _Somebody, secret: str, after_s: int) -> str | None:
    found = at.sessions.whose(secret, at.identities, T0 + after_s * SECOND_US)
    return None if found is None else found.id


def test_nobody_signs_in_but_by_their_own_key_while_it_is_in_force(served: Served) -> None:
    at, desk = _Somebody(served), served.worked.desk

    def signed(key: Key, name: str = PERSON) -> bytes:
        login = Login(challenge=at.sessions.challenge(T0), host="a", id=name)
        return seal(canon.encode(login), [(name, key)], LOGIN_TYPE)

    roster = at.identities
    assert at.sessions.open(signed(desk.key(PERSON)), roster, "a", 600, T0)[1] == PERSON
    other = next(name for name, one in roster.items() if one.kind == "person" and one.key != roster[PERSON].key)
    for raw in (signed(desk.key(other)), signed(SigningKey.generate())):
        with pytest.raises(Tampered, match="does not hold"):
            at.sessions.open(raw, roster, "a", 600, T0)
    disabled = {**roster, PERSON: replace(roster[PERSON], disabled_at=T0 - 1)}
    for raw, known in ((signed(desk.key(PERSON)), disabled), (signed(desk.key(PERSON), "NOBODY"), roster)):
        with pytest.raises(Tampered, match="nobody of this name"):
            at.sessions.open(raw, known, "a", 600, T0)


def test_an_idle_session_ends_and_every_sign_in_is_a_new_one(served: Served) -> None:
    at = _Somebody(served)
    one, two = at.open(), at.open()
    assert one != two
    assert len(one) >= 32
    assert _id(at, one, 600) == PERSON
    assert at.sessions.find(two, T0 + 600 * SECOND_US + 1) is None


def test_sessions_and_challenges_are_bounded_and_the_oldest_goes(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdgate.web.sessions.SESSIONS_MAX", 3)
    monkeypatch.setattr("holdgate.web.sessions.CHALLENGES_MAX", 3)
    at = _Somebody(served)
    opened = [at.open() for _ in range(4)]
    assert [at.sessions.find(one, T0) is None for one in opened] == [True, False, False, False]
    asked = [at.sessions.challenge(T0) for _ in range(4)]
    with pytest.raises(Tampered, match="was used"):
        at.sessions.open(at.login(asked[0]), at.identities, "a", 600, T0)
    at.sessions.open(at.login(asked[1]), at.identities, "a", 600, T0)
    assert limits.SESSIONS_MAX > limits.CHALLENGES_MAX
