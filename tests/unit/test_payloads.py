"""Payloads that can go: what the record says of them, what the files hold of them, and what a crash in between leaves."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from holdgate.adapters.sqlite_payloads import SqlitePayloads
from holdgate.crypto.commitments import commit, opens, references_in
from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.law import decide as law
from holdgate.law.retained import Erasure
from holdgate.sites.erasing import Eraser
from holdgate.sites.payloads import Missing, Payload, look_up
from holdgate.terms.errors import Tampered, Unavailable
from tests.builders import HUB, PO, Log, S, hub_log, node_log
from tests.unit.test_rekey import taken

ACCOUNT: Final = b"DE89 3704 0044 0532 0130 00, an account of TECH"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlitePayloads]:
    made = SqlitePayloads(tmp_path / "evidence.db", bytes_max=1_000_000)
    yield made
    made.close()


def kept(store: SqlitePayloads, content: bytes = ACCOUNT) -> str:
    return store.put(content, kind="account", by="TECH", at=7, owner="TECH")


def files(folder: Path) -> bytes:
    """Every byte of every file in a folder."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def secrets_of(folder: Path, commitment: str) -> tuple[bytes, bytes]:
    """Key and salt of a payload, as they are kept."""
    db = sqlite3.connect(folder / "evidence-keys.db")
    [(key, salt)] = db.execute("SELECT key, salt FROM key WHERE commitment = ?", (commitment,)).fetchall()
    db.close()
    return key, salt


# ---- commitments -----------------------------------------------------------------------------------------------------


def test_a_commitment_is_what_the_specification_says() -> None:
    """A worked example that is also in docs/spec/evidence.md."""
    found = commit(bytes(range(32)), b"yes")
    assert found == "salted-" + digest(b"holdgate payload v1\n" + bytes(range(32)) + b"yes")
    assert opens(found, bytes(range(32)), b"yes")
    assert not opens(found, bytes(range(32)), b"no")
    assert not opens(found, bytes(32), b"yes")
    assert found in Path("docs/spec/evidence.md").read_text(encoding="utf-8")


def test_a_plain_digest_opens_without_a_salt_and_is_no_commitment() -> None:
    assert opens(digest(b"yes"), b"", b"yes")
    assert not opens(digest(b"yes"), b"", b"no")
    assert not opens(commit(b"", b"yes")[7:], b"", b"yes"), "another prefix, so that neither passes for the other"


def test_references_are_found_whole_or_not_at_all() -> None:
    one, other = commit(bytes(32), b"a"), digest(b"b")
    assert references_in(f"see {one}; {other}, {one}.") == (one, other)
    assert references_in(f"{other}0 f{other} {other[:-1]} {other.upper()}") == ()


# ---- the store -------------------------------------------------------------------------------------------------------


def test_what_is_kept_comes_back_and_its_commitment_opens(store: SqlitePayloads) -> None:
    commitment = kept(store)
    found = store.get(commitment)
    assert found is not None
    assert (found.content, found.kind, found.owner, found.by, found.at) == (ACCOUNT, "account", "TECH", "TECH", 7)
    assert opens(commitment, found.salt, found.content)
    assert [(row.commitment, row.size, row.whole) for row in store.held()] == [(commitment, len(ACCOUNT), True)]
    assert store.get(digest(ACCOUNT)) is None, "nobody finds it by what it holds"


def test_nothing_is_kept_in_clear(store: SqlitePayloads, tmp_path: Path) -> None:
    kept(store)
    assert ACCOUNT not in files(tmp_path)


def test_what_is_erased_is_in_no_file_any_more(store: SqlitePayloads, tmp_path: Path) -> None:
    """Neither key nor salt, nor what they open: not in pages, free pages or write-ahead logs, while the files are open."""
    others = [kept(store, bytes([n]) * 3_000) for n in range(40)]
    commitment = kept(store)
    key, salt = secrets_of(tmp_path, commitment)
    assert key in files(tmp_path)
    assert store.erase([commitment, *others[::2]]) == 21
    left = files(tmp_path)
    assert key not in left
    assert salt not in left
    assert commitment.encode() not in left
    assert store.get(commitment) is None
    assert all(store.get(name) is not None for name in others[1::2])
    assert store.erase([commitment]) == 0


def test_the_file_of_the_bytes_alone_opens_nothing(store: SqlitePayloads, tmp_path: Path) -> None:
    commitment = kept(store)
    store.erase([kept(store, b"x")])  # both files are whole without their write-ahead logs now
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copyfile(tmp_path / "evidence.db", copy / "evidence.db")
    stolen = SqlitePayloads(copy / "evidence.db")
    assert stolen.get(commitment) is None
    assert [row.whole for row in stolen.held()] == [False]
    stolen.close()


@pytest.mark.parametrize("what", ["altered", "another's"])
def test_what_was_altered_where_it_is_kept_is_not_handed_out(store: SqlitePayloads, tmp_path: Path, what: str) -> None:
    commitment, other = kept(store), kept(store, b"another")
    db = sqlite3.connect(tmp_path / "evidence.db", isolation_level=None)
    sealed = (
        "zeroblob(length(sealed))"
        if what == "altered"
        else f"(SELECT sealed FROM payload WHERE commitment = '{other}')"
    )
    db.execute(f"UPDATE payload SET sealed = {sealed} WHERE commitment = ?", (commitment,))
    db.close()
    with pytest.raises(Unavailable, match="damaged"):
        store.get(commitment)


def test_rows_from_before_are_read_and_erased_under_their_plain_digest(store: SqlitePayloads, tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "evidence.db", isolation_level=None)
    db.execute("INSERT INTO evidence VALUES (?, 'image/jpeg', 'QA', 1, ?)", (digest(ACCOUNT), ACCOUNT))
    db.execute("INSERT INTO evidence VALUES (?, 'image/jpeg', 'QA', 1, ?)", (digest(b"x"), b"another"))
    db.close()
    found = store.get(digest(ACCOUNT))
    assert found is not None
    assert (found.content, found.kind, found.salt) == (ACCOUNT, "evidence", b"")
    with pytest.raises(Unavailable, match="damaged"):
        store.get(digest(b"x"))
    assert ACCOUNT in files(tmp_path)
    assert store.erase([digest(ACCOUNT)]) == 1
    assert ACCOUNT not in files(tmp_path)
    assert store.get(digest(ACCOUNT)) is None


def test_payloads_do_not_fill_the_disk(tmp_path: Path) -> None:
    store = SqlitePayloads(tmp_path / "evidence.db", bytes_max=100_000)
    with pytest.raises(Unavailable, match="full"):
        store.put(bytes(100_000), kind="evidence", by="QA", at=1)
    store.close()


# ---- the record says, the store follows ------------------------------------------------------------------------------


def erased(log: Log, commitment: str, **changes: Any) -> None:
    log.allow(c.ErasePayload, commitment=commitment, **changes)


def account(log: Log, store: SqlitePayloads) -> str:
    commitment = kept(store)
    log.allow(c.KeepPayload, commitment=commitment)
    return commitment


def test_an_erasure_is_told_with_date_people_and_reason(store: SqlitePayloads) -> None:
    log = hub_log()
    commitment = account(log, store)
    eraser = Eraser(lambda: log.state, store, len(log.drafts))
    assert isinstance(look_up(store, log.state, commitment), Payload)
    log.later(S)
    erased(log, commitment)
    eraser.heed(len(log.drafts), log.drafts[-1].decision.events)
    found = look_up(store, log.state, commitment)
    assert isinstance(found, Erasure)
    assert (found.at, found.by, found.approved_by, found.reason) == (log.now, "CO", "QA", "asked for")
    assert store.get(commitment) is None
    assert log.again() == log.bodies(), "the record is whole without it"


def test_what_is_gone_without_an_erasure_on_record_is_missing(store: SqlitePayloads) -> None:
    log = hub_log()
    commitment = account(log, store)
    store.erase([commitment])
    assert look_up(store, log.state, commitment) == Missing(named=True)
    assert look_up(store, log.state, digest(b"never heard of")) == Missing(named=False)


def test_an_erasure_that_is_not_durable_yet_erases_nothing(store: SqlitePayloads) -> None:
    log = hub_log()
    commitment = account(log, store)
    eraser = Eraser(lambda: log.state, store, len(log.drafts))
    durable = len(log.drafts)
    erased(log, commitment)
    eraser.heed(durable, log.drafts[-1].decision.events)
    assert store.get(commitment) is not None
    eraser.heed(durable + 1, log.drafts[-1].decision.events)
    assert store.get(commitment) is None


def test_a_crash_between_the_entry_and_the_store_is_made_up_for_at_the_start(tmp_path: Path) -> None:
    log = hub_log()
    store = SqlitePayloads(tmp_path / "evidence.db")
    commitment = account(log, store)
    key, _ = secrets_of(tmp_path, commitment)
    Eraser(lambda: log.state, store, len(log.drafts))
    erased(log, commitment)
    store.close()  # the entry is durable, and the process is gone before the store hears of it
    assert key in files(tmp_path)
    again, store = log.remade(), SqlitePayloads(tmp_path / "evidence.db")
    Eraser(lambda: again.state, store, len(again.drafts))
    assert key not in files(tmp_path)
    assert store.get(commitment) is None
    store.close()


def test_a_copy_that_is_put_back_is_erased_again(tmp_path: Path) -> None:
    log = hub_log()
    store = SqlitePayloads(tmp_path / "evidence.db")
    commitment = account(log, store)
    store.close()
    copy = shutil.copytree(tmp_path, tmp_path.with_name("backup"))
    erased(log, commitment)
    store = SqlitePayloads(copy / "evidence.db")
    assert store.get(commitment) is not None
    Eraser(lambda: log.state, store, len(log.drafts))
    assert store.get(commitment) is None
    store.close()


def test_a_reader_that_is_in_the_way_only_delays_it(store: SqlitePayloads, tmp_path: Path) -> None:
    log = hub_log()
    commitment = account(log, store)
    key, _ = secrets_of(tmp_path, commitment)
    eraser = Eraser(lambda: log.state, store, len(log.drafts))
    store._keys.execute("PRAGMA busy_timeout=20")
    reader = sqlite3.connect(tmp_path / "evidence-keys.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM key").fetchall()
    erased(log, commitment)
    eraser.heed(len(log.drafts), log.drafts[-1].decision.events)
    assert [*eraser.left] == [commitment]
    assert isinstance(look_up(store, log.state, commitment), Erasure), "it is told as erased at once"
    reader.close()
    eraser.heed(len(log.drafts), ())
    assert not eraser.left
    assert key not in files(tmp_path)


# ---- other sites -----------------------------------------------------------------------------------------------------


def test_a_node_hears_of_it_and_erases_what_it_keeps(store: SqlitePayloads) -> None:
    shop = hub_log()
    node = node_log(shop)
    commitment = account(shop, store)
    eraser = Eraser(lambda: node.state, store, len(node.drafts))
    erased(shop, commitment)
    draft = node.take_in(shop.segment(node.state.origins[f"test/{HUB}"].size))
    eraser.heed(len(node.drafts), draft.decision.events)
    assert store.get(commitment) is None
    assert isinstance(look_up(store, node.state, commitment), Erasure)


def test_a_hub_alone_erases_nothing_at_a_node(store: SqlitePayloads, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = hub_log()
    node = node_log(shop)
    commitment = account(shop, store)
    gates = dict(law._GATES)
    gates[c.ErasePayload] = ()
    monkeypatch.setattr(law, "_GATES", gates)
    erased(shop, commitment, by="TECH", others=(("QA", "qa"),))
    with pytest.raises(Tampered, match="too few have signed"):
        node.take_in(shop.segment(node.state.origins[f"test/{HUB}"].size))


def test_the_hub_knows_what_a_node_s_acts_name_and_of_which_order(store: SqlitePayloads) -> None:
    shop = hub_log()
    node = node_log(shop)
    node.allow(c.StartJob)
    photo = commit(bytes(32), b"photo")
    node.allow(c.AuthoriseDeviation, evidence=f"photo {photo}")
    assert photo not in node.state.payloads, "only the hub decides on erasure, and needs to know"
    taken(shop, node)
    assert shop.state.payloads[photo].orders == (PO,)
    assert shop.act(c.ErasePayload, commitment=photo).decision.codes == ("RETENTION_NOT_OVER",)


def test_what_an_act_is_about_is_noted_where_it_names_neither_order_nor_person() -> None:
    """Order, person, or else the act's own subject: one of them is enough to know what a payload belongs to."""
    photo = commit(bytes(32), b"photo")
    shop = hub_log()
    shop.allow(c.ExtendMaterial, evidence=photo)
    held = shop.state.payloads[photo]
    assert (held.orders, held.persons, held.others) == ((), (), ("material:WAX-1",))
    paper = commit(bytes(32), b"paper")
    shop.allow(c.GrantCredential, evidence=paper)
    held = shop.state.payloads[paper]
    assert (held.orders, len(held.persons), held.others) == ((), 1, ())
