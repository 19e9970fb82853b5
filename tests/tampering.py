"""What can be done to a bundle, as a table: every case is to be refused, by the page in a browser as by `holdgate audit`.

A case alters a bundle (and, where it needs to, the trust file) and gives the number of the entry that has to be named first;
None where no one entry is at fault, ANY where some entry has to be named and which one depends on the rest of the record.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from holdgate.crypto.hashes import digest
from holdgate.crypto.keys import SigningKey
from holdgate.identity.charter import CHARTER_TYPE
from holdgate.law.command import PAYLOAD_TYPE
from holdgate.ledger.note import KIND_COSIGNATURE, make_vkey
from tests.bundles import Row, Site, Taken, command_of, flipped, signed, spelled, unspelled

ANY: Final = -1
STRANGER: Final = SigningKey.from_seed(b"\x07" * 32)


class Shop(NamedTuple):
    """The bundle that is altered, those of other sites, this site with its key, and the trust file."""

    taken: Taken
    others: dict[str, Taken]
    site: Site
    trust: Row


Case = Callable[[Shop], int | None]
NODE: Final[dict[str, Case]] = {}
"""Cases on a node's log."""
HUB: Final[dict[str, Case]] = {}
"""Cases on the business hub's log."""


def node(case: Case) -> Case:
    NODE[case.__name__] = case
    return case


def hub(case: Case) -> Case:
    HUB[case.__name__] = case
    return case


def edit(shop: Shop, seq: int, change: Callable[[Row], object], *, leaf: bool = True) -> int:
    """Change an entry and write it in canonical form."""
    entry = shop.taken.entry(seq)
    change(entry)
    shop.taken.put(seq, entry, leaf=leaf)
    return seq


def middle(shop: Shop) -> int:
    """A signed action in the middle of the log."""
    found = shop.taken.all("action")
    return found[len(found) // 2]


def cosigned_size(shop: Shop) -> int:
    """How many entries the Vault cosigned, as the bundle's head says."""
    [note] = head(shop)["cosignatures"].values()
    return int(unspelled(note).split(b"\n")[1])


def first_pinned(shop: Shop) -> tuple[int, str]:
    for seq in range(len(shop.taken.entries)):
        pins = shop.taken.entry(seq).get("pins")
        if pins:
            return seq, pins[0]
    raise AssertionError("no entry pins anything")


# ---- bytes of entries


@node
def a_byte_of_an_entry(shop: Shop) -> int | None:
    seq = middle(shop)
    leaf, body = shop.taken.entries[seq]
    shop.taken.entries[seq] = (leaf, flipped(body, len(body) // 2))
    return seq


@node
def a_byte_of_a_leaf_hash(shop: Shop) -> int | None:
    seq = middle(shop)
    leaf, body = shop.taken.entries[seq]
    shop.taken.entries[seq] = (flipped(leaf, 3), body)
    return seq


@node
def an_entry_that_is_no_text(shop: Shop) -> int | None:
    seq = middle(shop)
    shop.taken.put(seq, b"\xff" + shop.taken.entries[seq][1])
    return seq


@node
def an_entry_in_another_spelling(shop: Shop) -> int | None:
    seq = middle(shop)
    shop.taken.put(seq, shop.taken.entries[seq][1].replace(b'"at":', b'"at": ', 1))
    return seq


@node
def an_entry_with_a_doubled_key(shop: Shop) -> int | None:
    seq = middle(shop)
    shop.taken.put(seq, shop.taken.entries[seq][1].replace(b'"at":', b'"at":1,"at":', 1))
    return seq


@node
def an_entry_with_an_unknown_field(shop: Shop) -> int | None:
    return edit(shop, middle(shop), lambda entry: entry.update(note="x"))


@node
def a_time_that_lies_before_the_last(shop: Shop) -> int | None:
    return edit(shop, middle(shop), lambda entry: entry.update(at=shop.taken.entry(0)["at"] - 1))


@node
def another_number(shop: Shop) -> int | None:
    seq = middle(shop)
    return edit(shop, seq, lambda entry: entry.update(seq=seq + 1))


@node
def another_site(shop: Shop) -> int | None:
    return edit(shop, middle(shop), lambda entry: entry.update(site="FLOOR"))


@node
def another_start(shop: Shop) -> int | None:
    return edit(shop, middle(shop), lambda entry: entry.update(epoch="0" * 16))


@node
def another_subject(shop: Shop) -> int | None:
    return edit(shop, shop.taken.last("action"), lambda entry: entry.update(subject="order:PO-9"))


@node
def another_source(shop: Shop) -> int | None:
    return edit(shop, shop.taken.last("action"), lambda entry: entry["source"].update(module="WS-9"))


@node
def another_law_version(shop: Shop) -> int | None:
    return edit(shop, middle(shop), lambda entry: entry["law"].update(semantics=2))


@node
def another_link(shop: Shop) -> int | None:
    return edit(shop, shop.taken.last("action"), lambda entry: entry.update(prev="0" * 64))


@node
def no_link(shop: Shop) -> int | None:
    return edit(shop, shop.taken.last("action"), lambda entry: entry.pop("prev"))


@node
def a_denial_made_an_approval(shop: Shop) -> int | None:
    seq = next(s for s in shop.taken.all("action") if shop.taken.entry(s)["decision"]["verdict"] == "deny")
    edit(shop, seq, lambda entry: entry.update(decision={"verdict": "allow"}))
    return ANY


@node
def a_value_in_a_decision(shop: Shop) -> int | None:
    seq = shop.taken.all("action", "step.sign")[0]
    edit(shop, seq, lambda entry: entry["decision"]["events"][0].update(result="fail"))
    return ANY


# ---- which entries there are, in which order


@node
def an_entry_left_out(shop: Shop) -> int | None:
    seq = middle(shop)
    del shop.taken.entries[seq]
    return seq


@node
def the_first_entry_left_out(shop: Shop) -> int | None:
    del shop.taken.entries[0]
    return 0


@node
def the_last_entry_left_out(shop: Shop) -> int | None:
    del shop.taken.entries[-1]
    return None


@node
def the_end_cut_off(shop: Shop) -> int | None:
    del shop.taken.entries[middle(shop) :]
    return None


@node
def two_entries_swapped(shop: Shop) -> int | None:
    entries = shop.taken.entries
    seq = middle(shop)
    entries[seq], entries[seq + 1] = entries[seq + 1], entries[seq]
    return seq


@node
def an_entry_doubled(shop: Shop) -> int | None:
    seq = middle(shop)
    shop.taken.entries.insert(seq, shop.taken.entries[seq])
    return seq + 1


@node
def an_entry_of_another_site(shop: Shop) -> int | None:
    shop.taken.entries[2] = shop.others["FLOOR"].entries[2]
    return 2


@node
def no_entries(shop: Shop) -> int | None:
    shop.taken.entries.clear()
    return None


@node
def no_head(shop: Shop) -> int | None:
    shop.taken.head = None
    return None


@node
def a_line_that_is_none(shop: Shop) -> int | None:
    shop.taken.more.append(b'{"line":"entry"}\n')
    return None


# ---- documents


@node
def a_byte_of_a_document(shop: Shop) -> int | None:
    seq, pin = first_pinned(shop)
    shop.taken.blobs[:] = [flipped(blob, 9) if digest(blob) == pin else blob for blob in shop.taken.blobs]
    return seq


@node
def a_document_left_out(shop: Shop) -> int | None:
    seq, pin = first_pinned(shop)
    shop.taken.blobs[:] = [blob for blob in shop.taken.blobs if digest(blob) != pin]
    return seq


@node
def every_document_and_imported_entry_left_out(shop: Shop) -> int | None:
    shop.taken.blobs.clear()
    return ANY


@node
def a_byte_of_an_imported_entry(shop: Shop) -> int | None:
    shop.taken.blobs[:] = [flipped(b, len(b) // 2) if b.startswith(b'{"action":') else b for b in shop.taken.blobs]
    return ANY


# ---- signatures of acts


def signatures(shop: Shop, change: Callable[[list[Row]], object]) -> int:
    return edit(shop, shop.taken.last("action", act="step.sign"), lambda entry: change(entry["action"]["signatures"]))


@node
def a_byte_of_a_signature(shop: Shop) -> int | None:
    return signatures(shop, lambda rows: rows[0].update(sig=spelled(flipped(unspelled(rows[0]["sig"]), 5))))


@node
def a_signature_left_out(shop: Shop) -> int | None:
    return signatures(shop, lambda rows: rows.pop())


@node
def a_surplus_signature(shop: Shop) -> int | None:
    return signatures(shop, lambda rows: rows.append({"keyid": "SID-X", "sig": spelled(STRANGER.sign(b"x"))}))


@node
def two_signatures_swapped(shop: Shop) -> int | None:
    def change(rows: list[Row]) -> None:
        rows[0]["sig"], rows[1]["sig"] = rows[1]["sig"], rows[0]["sig"]

    return signatures(shop, change)


@node
def a_signature_with_a_large_s(shop: Shop) -> int | None:
    def change(rows: list[Row]) -> None:
        raw = unspelled(rows[0]["sig"])
        order = 2**252 + 27742317777372353535851937790883648493
        rows[0]["sig"] = spelled(raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little"))

    return signatures(shop, change)


@node
def another_signer(shop: Shop) -> int | None:
    return signatures(shop, lambda rows: rows[0].update(keyid="SID-QA-01"))


@node
def an_altered_payload(shop: Shop) -> int | None:
    def change(entry: Row) -> None:
        command = command_of(entry)
        command["nonce"] += "0"
        entry["action"] = signed(command, PAYLOAD_TYPE) | {"signatures": entry["action"]["signatures"]}

    return edit(shop, shop.taken.last("action"), change)


# ---- charter and keys


@node
def a_byte_of_the_root_signature(shop: Shop) -> int | None:
    def change(entry: Row) -> None:
        row = entry["action"]["signatures"][0]
        row["sig"] = spelled(flipped(unspelled(row["sig"]), 8))

    return edit(shop, 0, change)


@node
def a_surplus_root_signature(shop: Shop) -> int | None:
    def change(entry: Row) -> None:
        entry["action"]["signatures"].append({"keyid": "00", "sig": spelled(STRANGER.sign(b"x"))})

    return edit(shop, 0, change)


@node
def a_charter_of_another_root(shop: Shop) -> int | None:
    def change(entry: Row) -> None:
        charter = command_of(entry) | {"roots": [spelled(STRANGER.public)]}
        entry["action"] = signed(charter, CHARTER_TYPE, (digest(STRANGER.public)[:16], STRANGER))

    return edit(shop, 0, change)


@node
def a_charter_with_another_key_of_a_site(shop: Shop) -> int | None:
    def change(entry: Row) -> None:
        charter = command_of(entry)
        charter["sites"][0]["key"] = spelled(STRANGER.public)
        entry["action"] = signed(charter, CHARTER_TYPE) | {"signatures": entry["action"]["signatures"]}

    return edit(shop, 0, change)


@node
def other_roots_are_trusted(shop: Shop) -> int | None:
    shop.trust["roots"] = [spelled(STRANGER.public)]
    return 0


@node
def one_more_root_is_trusted(shop: Shop) -> int | None:
    shop.trust["roots"].append(spelled(STRANGER.public))
    return 0


@node
def another_witness_is_trusted(shop: Shop) -> int | None:
    shop.trust["witnesses"] = [make_vkey("example-lab.test/VAULT", STRANGER.public, KIND_COSIGNATURE)]
    return None


# ---- checkpoints and cosignatures


def head(shop: Shop) -> Row:
    assert shop.taken.head is not None
    return shop.taken.head


@node
def a_byte_of_the_checkpoint_s_signature(shop: Shop) -> int | None:
    note = unspelled(head(shop)["checkpoint"])
    head(shop)["checkpoint"] = spelled(note[:-9] + (b"A" if note[-9:-8] != b"A" else b"B") + note[-8:])
    return None


@node
def another_size_in_the_checkpoint(shop: Shop) -> int | None:
    note = unspelled(head(shop)["checkpoint"])
    size = int(note.split(b"\n")[1])
    head(shop)["checkpoint"] = spelled(note.replace(b"\n%d\n" % size, b"\n%d\n" % (size - 1)))
    assert unspelled(head(shop)["checkpoint"]) != note
    return None


@node
def another_site_s_checkpoint(shop: Shop) -> int | None:
    other = shop.others["FLOOR"].head
    assert other is not None
    head(shop)["checkpoint"] = other["checkpoint"]
    return None


@node
def no_checkpoint(shop: Shop) -> int | None:
    head(shop)["checkpoint"] = ""
    return None


@node
def a_byte_of_a_cosignature(shop: Shop) -> int | None:
    [(name, note)] = head(shop)["cosignatures"].items()
    raw = unspelled(note)
    head(shop)["cosignatures"][name] = spelled(raw[:-9] + (b"A" if raw[-9:-8] != b"A" else b"B") + raw[-8:])
    return None


@node
def another_site_s_cosignature(shop: Shop) -> int | None:
    other = shop.others["FLOOR"].head
    assert other is not None
    head(shop)["cosignatures"] = other["cosignatures"]
    return None


@node
def a_cosignature_on_the_record(shop: Shop) -> int | None:
    def change(entry: Row) -> None:
        note = unspelled(entry["record"]["note"])
        entry["record"]["note"] = spelled(note[:-9] + (b"A" if note[-9:-8] != b"A" else b"B") + note[-8:])

    return edit(shop, shop.taken.all("cosigned")[0], change)


# ---- imports


def an_import(shop: Shop) -> int:
    return next(seq for seq in shop.taken.all("import") if shop.taken.entry(seq)["record"]["held"])


@node
def an_import_s_leaf(shop: Shop) -> int | None:
    def change(entry: Row) -> None:
        leaves = entry["record"]["leaves"]
        leaves[0] = spelled(flipped(unspelled(leaves[0]), 0))

    return edit(shop, an_import(shop), change)


@node
def an_import_that_begins_elsewhere(shop: Shop) -> int | None:
    seq = shop.taken.last("import")
    return edit(shop, seq, lambda entry: entry["record"].update(start=entry["record"]["start"] - 1))


@node
def an_import_under_another_checkpoint(shop: Shop) -> int | None:
    return edit(shop, an_import(shop), lambda entry: entry["record"].update(checkpoint=head(shop)["checkpoint"]))


@node
def an_import_that_hides_an_entry(shop: Shop) -> int | None:
    edit(shop, an_import(shop), lambda entry: entry["record"]["held"].pop())
    return ANY


# ---- a lying site, which signs anew whatever it wrote


def lying(shop: Shop, entry: Row | None = None) -> int:
    """The site signs what is there; gives the last entry, which is the lie."""
    shop.taken.sign(shop.site)
    return len(shop.taken.entries) - 1 if entry is None else int(entry["seq"])


def wish(shop: Shop, *keys: tuple[str, SigningKey], **fields: Any) -> Row:
    """A new act of the node's last signer, signed with these keys."""
    command = command_of(shop.taken.entry(shop.taken.last("action", act="reading.record")))
    return signed(command | {"nonce": "ffffffff"} | fields, PAYLOAD_TYPE, *keys)


@node
def a_lying_site_forges_a_signature(shop: Shop) -> int | None:
    command = command_of(shop.taken.entry(shop.taken.last("action", act="reading.record")))
    names = [command["signers"][0]["id"], *([command["place"]] if "place" in command else [])]
    envelope = wish(shop, *((name, STRANGER) for name in names))
    return lying(shop, shop.taken.act(envelope, subject=f"{command['order']}/{command['job']}"))


@node
def a_lying_site_names_somebody_who_is_not_enrolled(shop: Shop) -> int | None:
    command = command_of(shop.taken.entry(shop.taken.last("action", act="reading.record")))
    envelope = wish(shop, ("SID-X", STRANGER), signers=[{"id": "SID-X", "role": "technician"}])
    return lying(shop, shop.taken.act(envelope, subject=f"{command['order']}/{command['job']}"))


@node
def a_lying_site_repeats_an_act(shop: Shop) -> int | None:
    before = shop.taken.entry(shop.taken.last("action", act="reading.record"))
    entry = shop.taken.act(before["action"], subject=before["subject"], decision=before["decision"], law=before["law"])
    return lying(shop, entry)


@node
def a_lying_site_turns_its_clock_back(shop: Shop) -> int | None:
    record = {"site": "HUB", "up": False}
    decision = {"events": [{"ev": "ContactChanged"} | record], "verdict": "allow"}
    source = {"module": "HUB", "node": shop.taken.entry(0)["site"]}
    at = shop.taken.entry(0)["at"] - 1
    entry = shop.taken.append(
        kind="contact", subject="site:HUB", record=record, decision=decision, source=source, at=at
    )
    return lying(shop, entry)


@node
def a_lying_site_founds_itself_again(shop: Shop) -> int | None:
    first = shop.taken.entry(0)
    return lying(shop, shop.taken.append(kind="genesis", subject="charter", action=first["action"]))


@node
def a_lying_site_says_what_follows_at_the_hub_alone(shop: Shop) -> int | None:
    last = len(shop.taken.entries) - 1
    event = {"ev": "EquipmentWithdrawn", "equipment": "EQ-1"}
    decision = {"events": [event], "verdict": "allow"}
    entry = shop.taken.append(kind="consequence", subject="equipment:EQ-1", record={"of": last}, decision=decision)
    return lying(shop, entry)


@node
def a_lying_site_enrols_somebody(shop: Shop) -> int | None:
    person = {"id": "SID-X", "name": "X", "org": "LAB", "kind": "person", "key": spelled(STRANGER.public)}
    event = {"ev": "IdentityEnrolled", "roles": ["technician"]} | person
    record = {"site": "HUB", "up": False}
    decision = {"events": [{"ev": "ContactChanged"} | record, event], "verdict": "allow"}
    source = {"module": "HUB", "node": shop.taken.entry(0)["site"]}
    entry = shop.taken.append(kind="contact", subject="site:HUB", record=record, decision=decision, source=source)
    return lying(shop, entry)


@node
def a_lying_site_writes_its_last_entries_anew(shop: Shop) -> int | None:
    """The Vault cosigned the others."""
    del shop.taken.entries[cosigned_size(shop) - 1 :]
    record = {"site": "HUB", "up": False}
    decision = {"events": [{"ev": "ContactChanged"} | record], "verdict": "allow"}
    source = {"module": "HUB", "node": shop.taken.entry(0)["site"]}
    for _ in range(3):
        shop.taken.append(kind="contact", subject="site:HUB", record=record, decision=decision, source=source)
    lying(shop)
    return None


@node
def a_lying_site_drops_its_last_entries(shop: Shop) -> int | None:
    del shop.taken.entries[cosigned_size(shop) - 1 :]
    lying(shop)
    return None


@hub
def a_lying_hub_enrols_another_key_than_was_signed(shop: Shop) -> int | None:
    seq = shop.taken.all("action", "identity.enrol")[-1]
    edit(shop, seq, lambda entry: entry["decision"]["events"][0].update(key=spelled(STRANGER.public)))
    lying(shop)
    return seq


@hub
def a_lying_hub_drops_an_officer_s_signature(shop: Shop) -> int | None:
    def change(entry: Row) -> None:
        officer = command_of(entry)["signers"][1]["id"]
        rows = entry["action"]["signatures"]
        entry["action"]["signatures"] = [row for row in rows if row["keyid"] != officer]

    seq = edit(shop, shop.taken.all("action", "identity.enrol")[-1], change)
    lying(shop)
    return seq


@hub
def a_lying_hub_enrols_with_the_newcomer_s_key_alone(shop: Shop) -> int | None:
    person = {"id": "SID-X", "name": "X", "org": "LAB", "kind": "person", "key": spelled(STRANGER.public)}
    roles = {"roles": ["technician"]}
    header = {"act": "identity.enrol", "site": "HUB", "at": shop.taken.entry(0)["at"], "nonce": "ffffffff"}
    signers = [{"id": "SID-X", "role": "newcomer"}]
    envelope = signed(header | person | roles | {"signers": signers}, PAYLOAD_TYPE, ("SID-X", STRANGER))
    decision = {"events": [{"ev": "IdentityEnrolled"} | person | roles], "verdict": "allow"}
    return lying(shop, shop.taken.act(envelope, subject="identity:SID-X", decision=decision))


@hub
def a_lying_hub_lets_somebody_in_without_an_act(shop: Shop) -> int | None:
    def change(entry: Row) -> None:
        event = {"ev": "IdentityEnrolled", "id": "SID-X", "name": "X", "org": "LAB", "kind": "person"}
        entry["decision"]["events"].append(event | {"key": spelled(STRANGER.public), "roles": ["qa"]})

    seq = edit(shop, shop.taken.all("import")[-1], change)
    lying(shop)
    return seq


@hub
def a_lying_hub_keeps_a_node_s_entries_to_itself(shop: Shop) -> int | None:
    seq = edit(shop, shop.taken.all("import")[-1], lambda entry: entry["record"]["held"].clear())
    lying(shop)
    return seq


@hub
def a_lying_hub_takes_in_what_nobody_signed(shop: Shop) -> int | None:
    def change(entry: Row) -> None:
        note = unspelled(entry["record"]["checkpoint"])
        entry["record"]["checkpoint"] = spelled(note[:-9] + (b"A" if note[-9:-8] != b"A" else b"B") + note[-8:])

    seq = edit(shop, shop.taken.all("import")[0], change)
    lying(shop)
    return seq


@hub
def an_enrolment_left_out(shop: Shop) -> int | None:
    seq = shop.taken.all("action", "identity.enrol")[-1]
    del shop.taken.entries[seq]
    return seq


@hub
def a_byte_of_every_imported_entry(shop: Shop) -> int | None:
    return a_byte_of_an_imported_entry(shop)


@hub
def an_attempt_that_says_it_was_allowed(shop: Shop) -> int | None:
    record = {"code": "MALFORMED", "why": "it cannot be read", "source": "WS-1"}
    source = {"module": "WS-1", "node": "HUB"}
    entry = shop.taken.append(kind="attempt", subject="source:WS-1", record=record, source=source)
    return lying(shop, entry)
