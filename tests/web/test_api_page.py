"""The page for integrators is true: its code signs in, acts and is understood; what it says of answers is so."""

import asyncio
import re
from typing import Any, Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typing_extensions import override

from holdgate.demo.shop import COMPLIANCE
from tests.tidy.tree import ROOT
from tests.worked_shop import OTHER_ORDER, Served

PAGE: Final = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
CODE: Final = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


class ToSite(httpx.BaseTransport):
    """Takes the page's requests to the shop of this process."""

    def __init__(self, served: Served) -> None:
        self._served = served

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()

        async def sent() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._served.app)) as client:
                return await client.request(request.method, request.url, headers=request.headers, content=body)

        found = asyncio.run_coroutine_threadsafe(sent(), self._served.loop).result(60)
        return httpx.Response(found.status_code, headers=found.headers, content=found.content, request=request)


@pytest.fixture(scope="module")
def page(served: Served) -> dict[str, Any]:
    """What the page's code leaves behind, run by somebody of Compliance."""
    key = Ed25519PrivateKey.from_private_bytes(served.worked.desk.key(COMPLIANCE).seed)
    names: dict[str, Any] = {"who": COMPLIANCE, "key": key}
    assert len(CODE) == 2
    exec(compile(CODE[0], "api.md", "exec"), names)  # the page's own code
    with pytest.MonkeyPatch.context() as patch:
        client = httpx.Client
        patch.setattr(httpx, "Client", lambda **more: client(transport=ToSite(served), **more))
        exec(compile(CODE[1], "api.md", "exec"), names)
    return names


def test_the_page_s_code_verifies_a_document(page: dict[str, Any]) -> None:
    assert page["answer"]["verdict"] == "allow", page["answer"]
    assert page["answer"]["receipt"]
    assert OTHER_ORDER in CODE[1]


def test_the_same_bytes_again_are_the_same_act(page: dict[str, Any]) -> None:
    again = page["hand_in"](page["site"], page["signed"])
    assert again["resent"]
    for name in ("seq", "verdict", "refusals", "entry"):  # the receipt may be under a newer checkpoint
        assert again[name] == page["answer"][name]


def test_a_denial_is_a_problem_with_codes_and_remedies(page: dict[str, Any]) -> None:
    act = page["command"]("qa.sign", "HUB", COMPLIANCE, "qa", order=OTHER_ORDER, job="J-1")
    unread = page["hand_in"](page["site"], page["envelope"](page["ACTION"], act, {COMPLIANCE: page["key"]}))
    assert (unread["status"], unread["type"]) == (400, "about:Malformed"), "a field is missing"
    act = {**page["act"], "signers": [{"id": COMPLIANCE, "role": "qa"}], "nonce": "another"}
    denied = page["hand_in"](page["site"], page["envelope"](page["ACTION"], act, {COMPLIANCE: page["key"]}))
    assert (denied["status"], denied["type"]) == (422, f"about:{denied['code']}")
    assert denied["refusals"][0]["helps"]
    assert denied["seq"] >= 0
    nobody_s = page["envelope"](page["ACTION"], {**act, "nonce": "third"}, {COMPLIANCE: Ed25519PrivateKey.generate()})
    assert page["hand_in"](page["site"], nobody_s)["status"] in (409, 422)


def test_the_page_names_every_status_of_the_document(served: Served) -> None:
    document = served.get("/HUB/api/openapi.json").json()
    statuses = {
        status for methods in document["paths"].values() for row in methods.values() for status in row["responses"]
    }
    table = "\n".join(line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| "))
    assert all(status in table for status in statuses), statuses
