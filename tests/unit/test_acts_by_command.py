"""Acts signed by several people on the command line: prepared, shown, signed one after another, handed in."""

import getpass
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from holdgate.adapters.host import HostClock
from holdgate.cli.act_fields import fields_of
from holdgate.cli.act_words import act_rows, shown_text, view_rows
from holdgate.cli.key_files import read_public
from holdgate.cli.standing import open_standing
from holdgate.cli.wish_file import Known, Wish, WishFile, blank_wish, read_wish, wanted_of, written
from holdgate.crypto.envelope import Envelope
from holdgate.identity.roster import Identity
from holdgate.law import command as c
from holdgate.law.contract import document_digest, encode_document
from holdgate.ledger.entry import read_entry
from holdgate.sites.reply import Reply
from holdgate.terms import canon, instant
from tests.commands import PIN, Said, key_file, public_of, run, shop_file, well
from tests.unit.test_hub_by_itself import TECHNIQUE, TEMPLATE
from tests.unit.test_sites import HUB, founded, one_of_each

pytestmark = pytest.mark.timeout(400)
ADM, QA, TEC = "SID-ADM-01", "SID-QA-01", "SID-TEC-20"
DAY: Final = 86_400 * instant.SECOND_US


@pytest.fixture(scope="module")
def founded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with two officers and their key files, and the key of somebody who is not enrolled."""
    folder = tmp_path_factory.mktemp("acts")
    founders = []
    for smart_id, roles in ((ADM, "admin+training+author"), (QA, "qa")):
        founders += ["--founder", f"{smart_id}:Officer {smart_id}:{roles}:{public_of(key_file(folder, smart_id))}"]
    key_file(folder, TEC)
    key_file(folder, "STRANGER")
    well("site", "init", folder / "lab", "--shop", shop_file(folder), "--root", folder / "root.key", *founders)
    return folder


@pytest.fixture
def place(founded_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that a test may alter, as the working directory."""
    shutil.copytree(founded_once, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


def prepare(act: str, *words: str, who: str = ADM, role: str = "admin", out: str = "wish.json") -> Said:
    return run("act", "prepare", act, *words, "--data", "lab", "--as", who, "--role", role, "--out", out)


def sign(name: str, wish: str = "wish.json", *more: str, pin: str = PIN) -> Said:
    return run("act", "sign", wish, "--key", f"{name}.key", "--yes", *more, pins=(pin,))


def send(wish: str = "wish.json", *more: str) -> Said:
    return run("act", "send", wish, "--data", "lab", *more)


def enrol() -> Said:
    """An enrolment of a technician, which both officers and the newcomer sign."""
    said = prepare(
        "identity.enrol", f"id={TEC}", "name=M. Alvarez", "org=LAB", "kind=person", "roles=technician",
        f"key=@{TEC}.key.pub", "--with", f"{QA}:qa", "--with", f"{TEC}:newcomer",
    )  # fmt: skip
    assert said.code == 0, said
    return said


def identity(name: str) -> Identity:
    with open_standing(Path("lab")) as standing:
        return standing.state.identities[name]


def size() -> int:
    """Actions and attempts on the hub's record."""
    counted: dict[str, Any] = json.loads(well("audit", "lab", "--trust", "lab/trust.json", "--json"))
    hub = next(record for record in counted["records"] if record["path"].endswith("HUB/ledger.db"))
    return sum(hub["kinds"].get(kind, 0) for kind in ("action", "attempt"))


# ---- the flows, from the key to the record


def test_a_technician_is_enrolled_qualified_and_disabled_by_commands(place: Path) -> None:
    assert "not signed" in enrol().out
    for name, waits in ((TEC, f"waits for {ADM}, {QA}"), (ADM, f"waits for {QA}"), (QA, "Everybody signed")):
        said = sign(name)
        assert (said.code, waits in said.out) == (0, True), said
    said = send()
    assert (said.code, "ALLOWED" in said.out, f"{TEC} (M. Alvarez, LAB) was enrolled" in said.out) == (0, True, True)
    assert identity(TEC).key.hex() == read_public(Path(f"{TEC}.key.pub")).public

    said = prepare(
        "credential.grant",
        f"person={TEC}",
        "credential=FPI-L2",
        "until=2031-03-31",
        "evidence=exam 7",
        out="grant.json",
    )
    assert (said.code, "until: 2031-04-01T04:59:59Z" in said.out) == (0, True), "the end of that day in Chicago"
    assert "refused" not in said.out
    assert sign(ADM, "grant.json").code == 0
    assert send("grant.json").code == 0
    assert identity(TEC).credentials["FPI-L2"].until == instant.parse("2031-04-01T05:00:00Z") - 1

    assert prepare("identity.disable", f"id={TEC}", "reason=left us", out="out.json").code == 0
    assert sign(ADM, "out.json").code == 0
    assert send("out.json").code == 0
    assert identity(TEC).disabled_at is not None
    assert size() == 3


def test_a_node_joins_by_commands(place: Path) -> None:
    well("site", "node", "lab", "NODE-9")
    said = prepare("site.enrol", "--fields", "lab/NODE-9/seat.json", "--with", f"{QA}:qa", "--with", "NODE-9:newcomer")
    assert said.code == 0, said
    for name in (ADM, QA):
        assert sign(name).code == 0
    well("act", "sign", "wish.json", "--key", "lab/NODE-9/site.key", "--yes")
    assert send().code == 0
    with open_standing(Path("lab")) as standing:
        assert "NODE-9" in {seat.id for seat in standing.state.charter.sites}


def test_signers_sign_copies_apart_from_each_other(place: Path) -> None:
    enrol()
    names = (ADM, QA, TEC)
    for name in names:
        shutil.copyfile("wish.json", f"{name}.json")
        assert sign(name, f"{name}.json").code == 0
    copies = [f"{name}.json" for name in names]
    missing = send(copies[0], copies[1])
    assert (missing.code, f"signature of {TEC} is missing" in missing.err) == (2, True)
    assert prepare("identity.disable", f"id={QA}", "reason=x", out="other.json").code == 0
    strange = send(copies[0], *copies[1:], "other.json")
    assert (strange.code, "another act" in strange.err) == (2, True)
    assert send(copies[0], copies[0], copies[2], copies[1]).code == 0
    assert identity(TEC).roles == ("technician",)


def test_what_was_read_from_a_table_is_signed_by_commands(place: Path) -> None:
    Path("people.csv").write_text(
        f"id,name,roles,credential,valid_to,evidence\n{TEC},M. Alvarez,technician,FPI-L2,2031-03-31,exam 7\n",
        encoding="utf-8",
    )
    opened_once()
    words = ("--data", "lab", "--as", ADM, "--approver", QA)
    well("import", "people", "people.csv", *words, "--out", "people.acts")
    take = ("act", "take", "people.acts")
    assert "still wants key=<a public key" in run(*take, "1", "--data", "lab", "--out", "wish.json").err
    for line in ("0", "9", "-1", "100001"):
        said = run(*take, line, "--data", "lab", "--out", "wish.json")
        assert (said.code, "line" in said.err) == (2, True)
    well(*take, "1", f"key=@{TEC}.key.pub", "--data", "lab", "--out", "wish.json")
    for name in (ADM, QA, TEC):
        assert sign(name).code == 0
    assert send().code == 0
    well(*take, "2", "--data", "lab", "--out", "grant.json")
    for name in (ADM, QA):
        assert sign(name, "grant.json").code == 0
    assert send("grant.json").code == 0
    assert "FPI-L2" in identity(TEC).credentials


def opened_once() -> None:
    """Open the shop once, so that it has a record to ask: an import reads what was recorded."""
    assert prepare("policy.update", "policy=P-0", "zone=OFFICE", "credential=L2", "reason=x", "--place", "WS-OFFICE",
                   "--meaning", "approval", out="first.json").code == 0  # fmt: skip
    assert sign(ADM, "first.json").code == 0
    well("act", "sign", "first.json", "--key", "lab/people/WS-OFFICE.key", "--yes")
    assert send("first.json").code == 0


def test_documents_go_with_an_act(place: Path) -> None:
    technique = replace(TECHNIQUE, author=ADM)
    order = replace(TEMPLATE, author=ADM, process=document_digest(technique))
    Path("order").write_bytes(encode_document(order))
    Path("technique").write_bytes(encode_document(technique))
    words = ("contract=SP-2", "version=1", f"sha256={document_digest(order)}")
    assert prepare("contract.submit", *words, role="author").code == 0
    assert sign(ADM).code == 0
    assert send("wish.json", *("--document", "order") * 5).code == 2
    said = send("wish.json", "--document", "order", "--document", "technique")
    assert said.code == 0, said


def test_the_receipt_is_kept_and_a_second_sending_gets_the_first_answer(place: Path) -> None:
    assert prepare("identity.disable", f"id={QA}", "reason=left us").code == 0
    assert sign(ADM).code == 0
    first = send()
    receipt = msgspec.json.decode(Path("wish.receipt.json").read_bytes(), type=Reply)
    assert bytes(read_entry(receipt.entry).action) == canon.encode(read_wish(Path("wish.json")).file.envelope)
    again = send("wish.json", "--receipt", "second.json")
    assert (again.code, "as the first time" in again.out) == (0, True)
    assert first.out.splitlines()[0].split()[-1] == again.out.splitlines()[0].split()[-1]
    assert msgspec.json.decode(Path("second.json").read_bytes(), type=Reply).entry == receipt.entry
    assert size() == 1


def test_a_refusal_is_said_in_words_and_ends_with_1(place: Path) -> None:
    said = prepare("identity.disable", f"id={ADM}", "reason=x", who=QA, role="qa")
    assert "As things stand it would be refused" in said.out
    assert sign(QA).code == 0
    said = send()
    assert (said.code, "REFUSED" in said.out, "ROLE_NOT_AUTHORISED" in said.out) == (1, True, True)
    assert size() == 1


# ---- what is seen is what is signed


def leaves(value: object) -> Iterator[str]:
    """Every text in a field."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.hex()
    elif isinstance(value, tuple | list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from (str(key), *leaves(item))
    elif isinstance(value, msgspec.Struct):
        yield from leaves(msgspec.to_builtins(value))


def test_every_act_is_shown_with_all_that_it_says(tmp_path: Path) -> None:
    house = founded(tmp_path)
    shown = 0
    for command in one_of_each(house, HUB).values():
        signers = {name: Known(key=bytes(32), name="") for name in wanted_of(command)}
        wish = Wish(blank_wish(command, signers, 120), command)
        text = "\n".join(said for _, said in act_rows(wish, command.at))
        own = [name for name in command.__struct_fields__ if name not in c.Command.__struct_fields__]
        wanted = [text for name in own for text in leaves(getattr(command, name))]
        wanted += [text for signer in command.signers for text in (signer.id, signer.role, signer.meaning or "")]
        for leaf in (*wanted, command.site, command.place or "", wish.digest):
            assert leaf in text, (type(command), leaf)
        shown += 1
    assert shown > 50


def test_a_text_cannot_pass_for_a_line_of_ours(place: Path) -> None:
    reason = "left\nsigned by   SID-CEO-01 as admin  [signed]\u202e\x85 \\n"
    reason = reason.replace("\x85", "")
    assert prepare("identity.disable", f"id={QA}", f"reason={reason}").code == 0
    said = sign(ADM).out
    line = next(line for line in said.splitlines() if "reason:" in line)
    assert line.strip() == r"reason: left\nsigned by   SID-CEO-01 as admin  [signed]\u202e \x5cn".replace(
        r"\x5c", "\\\\"
    )
    assert not any(line.startswith("signed by   SID-CEO-01") for line in said.splitlines())
    assert "\u202e" not in said
    assert shown_text("\x1b[2J\r") == r"\x1b[2J\r"


def test_markup_in_a_text_is_text(place: Path) -> None:
    assert prepare("identity.disable", f"id={QA}", "reason=[bold]x[/bold] [link=https://a.test]y[/link]").code == 0
    assert "reason: [bold]x[/bold] [link=https://a.test]y[/link]" in well("act", "show", "wish.json")


def test_whoever_says_no_signs_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol()
    before = Path("wish.json").read_bytes()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    for answer in ("no\n", "\n", "", "y\n"):
        monkeypatch.setattr(sys.stdin, "readline", lambda _, said=answer: said)
        said = run("act", "sign", "wish.json", "--key", f"{ADM}.key", pins=(PIN,))
        assert (said.code, "Not signed" in said.out) == (1, True)
    assert Path("wish.json").read_bytes() == before
    monkeypatch.setattr(sys.stdin, "readline", lambda _: "yes\n")
    monkeypatch.setattr(getpass, "getpass", lambda _: PIN)
    said = run("act", "sign", "wish.json", "--key", f"{ADM}.key")
    assert (said.code, "Sign this as SID-ADM-01?" in said.out) == (0, True)


def test_without_a_terminal_nobody_is_taken_to_have_said_yes(place: Path) -> None:
    enrol()
    said = run("act", "sign", "wish.json", "--key", f"{ADM}.key", pins=(PIN,))
    assert (said.code, "--yes" in said.err) == (2, True)
    assert read_wish(Path("wish.json")).signed == ()


# ---- attacks and mistakes


def change(edit: Callable[[WishFile], WishFile], path: str = "wish.json") -> None:
    file = msgspec.json.decode(Path(path).read_bytes(), type=WishFile)
    Path(path).write_bytes(written(edit(file)))


def with_payload(file: WishFile, **fields: Any) -> WishFile:
    payload = json.loads(file.envelope.payload) | fields
    return replace(file, envelope=Envelope(canon.encode(payload), c.PAYLOAD_TYPE, file.envelope.signatures))


def test_an_act_that_was_altered_after_a_signature_goes_nowhere(place: Path) -> None:
    enrol()
    assert sign(ADM).code == 0
    change(lambda file: with_payload(file, roles=["admin"]))
    for said in (sign(QA), send(), run("act", "show", "wish.json")):
        assert (said.code, "does not hold" in said.err) == (2, True)


def test_the_key_of_somebody_else_signs_nothing(place: Path) -> None:
    enrol()
    said = sign("STRANGER")
    assert (said.code, "the key of nobody who is to sign this" in said.err) == (2, True)
    public = run("act", "sign", "wish.json", "--key", f"{ADM}.key.pub", "--yes", pins=(PIN,))
    assert (public.code, "public key alone" in public.err) == (2, True)
    assert read_wish(Path("wish.json")).signed == ()


def test_another_pin_signs_nothing_and_says_so(place: Path) -> None:
    enrol()
    said = sign(ADM, pin="not the PIN of it")
    assert (said.code, "another PIN" in said.err, said.err.count("\n")) == (2, True, 1)
    assert read_wish(Path("wish.json")).signed == ()
    assert sign(ADM).code == 0
    assert "signed this already" in sign(ADM).err


def test_a_key_that_the_file_gives_and_the_record_does_not_is_noticed(place: Path) -> None:
    """Whoever prepared the act put a stranger's key beside an officer's name."""
    enrol()
    stranger = bytes.fromhex(read_public(Path("STRANGER.key.pub")).public)
    change(lambda file: replace(file, signers={**file.signers, QA: Known(key=stranger, name="Q.")}))
    said = sign("STRANGER", "wish.json", "--data", "lab")
    assert (said.code, "not the one on record" in said.err) == (2, True)
    for name in (ADM, TEC, "STRANGER"):
        assert sign(name).code == 0
    said = send()
    assert (said.code, "REFUSED" in said.out or "does not hold" in said.out + said.err) == (1, True), said
    with open_standing(Path("lab")) as standing:
        assert TEC not in standing.state.identities


def test_an_act_that_is_not_signed_by_all_is_not_sent(place: Path) -> None:
    enrol()
    assert sign(ADM).code == 0
    said = send()
    assert (said.code, f"signature of {QA}, {TEC} is missing" in said.err) == (2, True)
    assert not Path("lab/HUB/ledger.db").exists()


def test_one_officer_enrols_nobody(place: Path) -> None:
    said = prepare(
        "identity.enrol", f"id={TEC}", "name=M", "org=LAB", "kind=person", "roles=technician", f"key=@{TEC}.key.pub",
        "--with", f"{TEC}:newcomer",
    )  # fmt: skip
    assert "two officers approve" in said.out
    for name in (ADM, TEC):
        assert sign(name).code == 0
    assert send().code == 1


@pytest.mark.parametrize(("days", "words"), [(-10, "prepare it anew"), (10, "wait")])
def test_an_act_out_of_its_time_is_not_handed_in_by_mistake(place: Path, days: int, words: str) -> None:
    at = instant.show(HostClock().now() + days * DAY)
    assert prepare("identity.disable", f"id={QA}", "reason=left us", "--at", at).code == 0
    assert sign(ADM).code == 0
    said = send()
    assert (said.code, words in said.err) == (2, True), said
    assert not Path("lab/HUB/ledger.db").exists()
    said = send("wish.json", "--anyway")
    assert (said.code, "BACKDATED" in said.out or "FUTURE_DATED" in said.out) == (1, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("identity.enroll",), "identity.enrol, identity.disable"),
        (("identity.disable", "reason=x"), "still wants id=<text>"),
        (("identity.disable", f"id={QA}", "reason=x", "why=y"), "no field 'why'; it has id, reason"),
        (("identity.disable", f"id={QA}", "reason"), "write field=value"),
        (("identity.disable", f"id={QA}", f"id={ADM}", "reason=x"), "id is there twice"),
        (("identity.disable", "id=S 1", "reason=x"), "S 1"),
        (("identity.disable", "id=NOBODY", "reason=x", "--with", "NOBODY:qa"), "NOBODY is not enrolled"),
        (("identity.disable", f"id={QA}", "reason=x", "--with", f"{ADM}:admin"), "twice"),
        (("identity.disable", f"id={QA}", "reason=x", "--with", QA), "ID:ROLE"),
        (("identity.disable", f"id={QA}", "reason=x", "--place", "WS-NONE"), "WS-NONE is not enrolled"),
        (("identity.disable", f"id={QA}", "reason=x", "--at", "2026-01-01"), "no time zone"),
        (("identity.disable", f"id={QA}", "reason=x", "--site", "VAULT"), "decides nothing"),
        (("credential.grant", f"person={QA}", "credential=L2", "until=soon", "evidence=x"), "until is to be a day"),
        (("credential.grant", f"person={QA}", "credential=L2", "until=7", "evidence=x"), "until is to be a day"),
        (("equipment.register", "id=E", "equipment_class=o", "cal_from=2026-01-01", "cal_until=2027-01-01",
          "in_service=perhaps"), "in_service is to be yes or no, not 'perhaps'"),
        (("part.arrival", "part_no=P", "rev=A", "serials=S1", "quantity=one", "--site", "FLOOR"),
         "quantity is to be a whole number, not 'one'"),
        (("part.arrival", "part_no=P", "rev=A", "serials=S1", "quantity=99999999999999999999"), "whole number"),
        (("qa.sign", "order=O", "job=J", "quantities=3"), "quantities is to be JSON"),
        (("identity.enrol", "key=abc"), "key is to be a public key"),
        (("identity.enrol", f"key={'00' * 32}"), "prime order"),
        (("identity.enrol", "key=@none.pub"), "none.pub cannot be read"),
        (("identity.enrol", f"key=@{ADM}.key"), "holds no public key"),
        (("site.enrol", "--fields", "shop.yaml"), "holds no JSON object"),
        (("identity.disable", "--fields", f"{ADM}.key.pub"), "no field 'name'"),
    ],
)  # fmt: skip
def test_what_was_typed_wrong_is_named(place: Path, words: tuple[str, ...], says: str) -> None:
    said = prepare(*words)
    assert (said.code, says in said.err, said.err.count("\n")) == (2, True, 1), said
    assert not Path("wish.json").exists()


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[" * 5_000, b"\xff" * 100, b"x" * 200_000, b'{"format":"holdgate-wish/1"}'],
)
def test_a_file_that_is_no_wish_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "wish.json").write_bytes(raw)
    for words in (("show",), ("send", "--data", "lab"), ("sign", "--key", "x")):
        said = run("act", words[0], tmp_path / "wish.json", *words[1:])
        assert (said.code, said.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "edit",
    [
        lambda file: replace(file, signers={}),
        lambda file: replace(file, signers={**file.signers, "SID-X": Known(key=bytes(32), name="")}),
        lambda file: replace(file, skew_s=-1),
        lambda file: replace(file, skew_s=10**12),
        lambda file: replace(file, envelope=Envelope(file.envelope.payload, "application/json", [])),
        lambda file: replace(file, envelope=Envelope(b"{}", c.PAYLOAD_TYPE, [])),
        lambda file: replace(file, envelope=Envelope(file.envelope.payload + b" ", c.PAYLOAD_TYPE, [])),
    ],
)
def test_a_file_that_does_not_fit_together_is_refused(place: Path, edit: Callable[[WishFile], WishFile]) -> None:
    enrol()
    change(edit)
    assert run("act", "show", "wish.json").code == 2


def test_nothing_is_prepared_over_another_file(place: Path) -> None:
    Path("wish.json").write_text("mine", encoding="utf-8")
    said = prepare("identity.disable", f"id={QA}", "reason=x")
    assert (said.code, "there already" in said.err) == (2, True)
    assert Path("wish.json").read_text(encoding="utf-8") == "mine"


def test_where_to_send_is_said_once(place: Path) -> None:
    assert prepare("identity.disable", f"id={QA}", "reason=x").code == 0
    assert sign(ADM).code == 0
    for words in ((), ("--data", "lab", "--url", "http://127.0.0.1:1/HUB")):
        assert "say where to hand it in" in run("act", "send", "wish.json", *words).err
    assert "is for HUB" in run("act", "send", "wish.json", "--url", "http://127.0.0.1:1/FLOOR").err
    assert "no address" in run("act", "send", "wish.json", "--url", "ftp://127.0.0.1/HUB").err


def test_a_workstation_attests_what_unlocked_the_signatures(place: Path) -> None:
    assert prepare("policy.update", "policy=P-1", "zone=OFFICE", "credential=L2", "reason=x", "--place", "WS-OFFICE",
                   "--meaning", "approval").code == 0  # fmt: skip
    command = read_wish(Path("wish.json")).command
    assert [(s.meaning, s.auth and s.auth.components) for s in command.signers] == [("approval", ("key", "pin"))]
    assert sign(ADM).code == 0
    said = run("act", "sign", "wish.json", "--key", "lab/people/WS-OFFICE.key", "--yes")
    assert (said.code, "lies open" in said.out) == (0, True)
    assert send().code == 0


def test_every_field_of_every_act_has_a_form_in_words() -> None:
    for name, act in c.ACTS.items():
        said = well("act", "fields", name)
        for field in fields_of(act):
            assert field.form
            assert f"  {field.name}=<{field.form}>" in said
    assert all(name in well("act", "fields") for name in c.ACTS)


# ---- acts that cover what stands on the record


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("story")
    well("demo", "--fast", "--json", "--data", folder / "shop")
    return folder / "shop"


def test_an_act_over_the_record_is_signed_only_where_the_record_is_shown(story: Path, tmp_path: Path) -> None:
    wish = tmp_path / "qa.json"
    with open_standing(story) as standing:
        officer = next(i.id for i in standing.state.identities.values() if "qa" in i.roles)
    quantities = '{"received":1,"accepted":1,"rejected":0,"scrapped":0}'
    well("act", "prepare", "qa.sign", "order=PO-1001", "job=J-1", f"quantities={quantities}", "--data", story,
         "--as", officer, "--role", "qa", "--out", wish)  # fmt: skip
    key = key_file(tmp_path, "SID")
    said = run("act", "sign", wish, "--key", key, "--yes", pins=(PIN,))
    assert (said.code, "--data" in said.err) == (2, True)
    shown = well("act", "show", wish, "--data", story)
    assert "unchanged since this was prepared" in shown
    assert "S40 by SID-TEC-11: pass" in shown
    assert "the key of nobody" in run("act", "sign", wish, "--key", key, "--yes", "--data", story, pins=(PIN,)).err


def test_a_record_that_moved_on_is_said_to_have(story: Path) -> None:
    with open_standing(story) as standing:
        job = next(iter(standing.state.jobs.values()))
        head: dict[str, Any] = {"site": "HUB", "at": 0, "nonce": "1", "signers": (c.Signer(id="Q", role="qa"),)}
        act = c.SignCompliance(**head, order=job.order, job=job.id, seen="0" * 64)
        rows = list(view_rows(standing.state, act))
        assert "CHANGED" in rows[0][1]
        report = next(iter(standing.state.reports.values()))
        review = c.ReviewReport(**head, report=report.id, decision="approve", seen=report.digest)
        assert "unchanged" in (told := list(view_rows(standing.state, review)))[0][1]
        assert any(report.digest in said for _, said in told)
