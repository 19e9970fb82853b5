"""Enrolment by invitation: two officers and a key of the newcomer's own; and what others try with invitations."""

import json
from typing import Any

import pytest

from holdgate.crypto.badge import NONCE_BYTES, SALT_BYTES, SECRET_BYTES, Badge, open_key, seal_key
from holdgate.crypto.keys import SigningKey
from holdgate.demo.shop import ADMIN, CLIENT, COMPLIANCE, OFFICE, QA, TECHNICIAN
from holdgate.law import command as c
from holdgate.sites.lockers import read_locker
from holdgate.web.inviting import REKEY
from tests.worked_shop import AUDITOR, Served, as_json, decoded

ENVELOPE = {"Content-Type": "application/vnd.dsse+json"}


def invited(served: Served, smart_id: str, who: str = ADMIN, **more: Any) -> Any:
    wanted = {"id": smart_id, "name": "N. Comer", "roles": ["technician"], "second": QA, **more}
    return served.ask("POST", "/HUB/api/invitations", who, content=as_json(wanted))


def secret_of(served: Served, smart_id: str, **more: Any) -> str:
    answer = invited(served, smart_id, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["path"]).rpartition("/")[2]


def brought(served: Served, smart_id: str, secret: str, key: SigningKey, locker: Any = None) -> Any:
    made = {"secret": secret, "key": key.public, **({} if locker is None else {"locker": locker})}
    return served.ask("PUT", f"/HUB/api/lockers/{smart_id}", content=as_json(made))


def enrolment(served: Served, smart_id: str, key: SigningKey, nonce: str = "1", ago_us: int = 0) -> c.EnrolIdentity:
    return c.EnrolIdentity(
        site="HUB",
        at=served.now() - ago_us,
        nonce=f"{smart_id}-{nonce}",
        signers=(
            c.Signer(id=ADMIN, role="admin"),
            c.Signer(id=QA, role="qa"),
            c.Signer(id=smart_id, role="newcomer"),
        ),
        id=smart_id,
        name="N. Comer",
        org="LAB",
        kind="person",
        key=key.public,
        roles=("technician",),
    )


def laid(served: Served, command: c.Command, by: str, who: str | None = None) -> Any:
    return served.ask("POST", "/HUB/api/papers", who, content=served.sign(command, by), headers=ENVELOPE)


def test_two_officers_and_a_newcomer_enrol_in_a_minute(served: Served) -> None:
    name, key = "SID-NEW-01", SigningKey.generate()
    served.worked.desk.add(name, key)
    secret = secret_of(served, name)
    page = served.get(f"/HUB/join/{secret}")
    assert page.status_code == 200
    assert "K. Stone (admin)" in page.text
    badge = Badge(name, bytes(SECRET_BYTES))
    sealed = seal_key(badge, "135790", key, bytes(SALT_BYTES), bytes(NONCE_BYTES))
    locker = {"id": name, "salt": sealed.salt, "nonce": sealed.nonce, "sealed": sealed.body}
    assert brought(served, name, secret, key, locker).status_code == 204
    command = enrolment(served, name, key)
    assert laid(served, command, name).json()["missing"] == [ADMIN, QA]
    waiting = served.get("/HUB/admin", QA, OFFICE).text
    assert "Waiting for signatures" in waiting
    assert "N. Comer" in waiting
    assert laid(served, command, ADMIN, ADMIN).json()["missing"] == [QA]
    progress = served.get(f"/HUB/api/invited/{secret}").json()
    assert (progress["enrolled"], progress["missing"]) == (False, [QA])
    done = laid(served, command, QA, QA).json()
    assert done["missing"] == []
    assert done["reply"]["verdict"] == "allow", done
    assert served.get(f"/HUB/api/invited/{secret}").json()["enrolled"]
    assert "You are enrolled" in served.get(f"/HUB/join/{secret}").text
    given = served.get(f"/HUB/api/lockers/{name}", None, OFFICE).json()
    opened = open_key(badge, "135790", sealed._replace(body=decoded(given["sealed"])))
    assert opened.public == key.public
    raw = served.run(served.shop.sites["HUB"].locker(name, "NODE-FPI"))
    assert raw is not None, "a node in a process of its own asks for it over the bus"
    assert read_locker(raw, name).key == key.public
    assert served.get("/HUB/api/orders", name).status_code == 200, "they sign in with the key that they made"
    assert brought(served, name, secret, SigningKey.generate()).status_code == 404, "the link has done its work"


def test_a_paper_that_is_written_anew_takes_the_place_of_the_one_before(served: Served) -> None:
    name, key = "SID-NEW-02", SigningKey.generate()
    served.worked.desk.add(name, key)
    secret = secret_of(served, name)
    assert brought(served, name, secret, key).status_code == 204
    first, second = enrolment(served, name, key, "1", 60_000_000), enrolment(served, name, key, "2")
    assert laid(served, first, name).status_code == 200
    assert laid(served, second, name).status_code == 200
    papers = served.get("/HUB/api/papers", QA).json()
    mine = [paper for paper in papers if paper["payload"].get("id") == name]
    assert [paper["payload"]["nonce"] for paper in mine] == [second.nonce]
    assert laid(served, second, ADMIN, ADMIN).json()["missing"] == [QA]
    assert laid(served, second, QA, QA).json()["reply"]["verdict"] == "allow"


def test_a_locker_is_not_given_out_before_its_key_is_on_the_roster(served: Served) -> None:
    name, key = "SID-NEW-03", SigningKey.generate()
    secret = secret_of(served, name)
    locker = {"id": name, "salt": bytes(16), "nonce": bytes(12), "sealed": b"x" * 60}
    assert brought(served, name, secret, key, locker).status_code == 204
    assert served.get(f"/HUB/api/lockers/{name}", None, OFFICE).status_code == 404


def test_an_invitation_puts_no_locker_in_the_place_of_somebody_else_s(served: Served) -> None:
    secret = secret_of(served, "SID-NEW-04")
    key = SigningKey.generate()
    locker = {"id": TECHNICIAN, "salt": bytes(16), "nonce": bytes(12), "sealed": b"x" * 60}
    assert brought(served, TECHNICIAN, secret, key, locker).status_code == 404
    assert brought(served, "SID-NEW-04", secret, key, locker).status_code == 400
    assert brought(served, "SID-NEW-04", "0" * 32, key).status_code == 404
    assert (
        brought(served, "SID-NEW-04", secret, key, {**locker, "id": "SID-NEW-04", "sealed": b"x" * 600}).status_code
        == 400
    )


def test_nobody_lays_down_an_enrolment_without_an_invitation(served: Served) -> None:
    name, key = "SID-NEW-05", SigningKey.generate()
    served.worked.desk.add(name, key)
    assert laid(served, enrolment(served, name, key), name).status_code == 401
    secret_of(served, name)
    assert laid(served, enrolment(served, name, key), name).status_code == 401, "no key was made on it"


@pytest.mark.parametrize(
    ("who", "more", "status"),
    [
        (ADMIN, {"second": ADMIN}, 422),
        (ADMIN, {"second": TECHNICIAN}, 422),
        (ADMIN, {"second": CLIENT}, 422),
        (ADMIN, {"second": "SID-NOBODY"}, 422),
        (QA, {"second": COMPLIANCE}, 422),
        (ADMIN, {"roles": []}, 422),
        (ADMIN, {"roles": ["a b"]}, 400),
        (ADMIN, {"name": " "}, 422),
        (ADMIN, {"name": "x" * 121}, 400),
        (ADMIN, {"kind": "module"}, 400),
        (ADMIN, {"id": TECHNICIAN}, 422),
        (ADMIN, {"id": ADMIN}, 422),
        (ADMIN, {"id": "a/b"}, 400),
        (ADMIN, {"zone": "../x"}, 400),
        (ADMIN, {"rekey": True, "id": TECHNICIAN}, 422),
        (ADMIN, {"else": 1}, 400),
    ],
)
def test_what_could_never_become_an_enrolment_is_refused_at_once(
    served: Served, who: str, more: dict[str, Any], status: int
) -> None:
    given = dict(more)
    answer = invited(served, str(given.pop("id", "SID-NEW-06")), who, **given)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


@pytest.mark.parametrize("who", [TECHNICIAN, CLIENT, AUDITOR, None])
def test_only_officers_invite_see_and_take_back(served: Served, who: str | None) -> None:
    assert invited(served, "SID-NEW-07", who or "").status_code in (401, 403) if who else True
    assert served.get("/HUB/api/invitations", who).status_code in (401, 403)
    assert served.ask("DELETE", f"/HUB/api/invitations/{'0' * 64}", who).status_code in (401, 403)


def test_what_is_listed_opens_nothing(served: Served) -> None:
    secret = secret_of(served, "SID-NEW-08")
    row = next(one for one in served.get("/HUB/api/invitations", QA).json() if one["id"] == "SID-NEW-08")
    assert secret not in json.dumps(row)
    assert secret not in served.get("/HUB/admin", QA).text
    assert served.get(f"/HUB/join/{row['token']}").status_code == 404
    assert served.ask("DELETE", f"/HUB/api/invitations/{row['token']}", QA).status_code == 204
    assert served.get(f"/HUB/join/{secret}").status_code == 404
    assert served.get("/HUB/join").status_code == 404


def test_a_name_that_looks_like_a_page_stays_a_name(served: Served) -> None:
    secret = secret_of(served, "SID-NEW-09", name="<img src=x onerror=alert(1)>\"'")
    for page in (served.get(f"/HUB/join/{secret}").text, served.get("/HUB/admin", QA).text):
        assert "<img" not in page
        assert "&lt;img" in page


@pytest.mark.skipif(REKEY not in c.ACTS, reason="this version has no act that gives another key")
def test_another_key_takes_two_officers_and_the_new_key(served: Served) -> None:
    secret = secret_of(served, TECHNICIAN, rekey=True, reason="badge lost")
    page = served.get(f"/HUB/join/{secret}").text
    assert "Another key" in page
    assert "badge lost" in page
