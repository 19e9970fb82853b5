"""Policies: who counts, how many are needed, and every line that cannot be taken."""

import pytest

from holdgate.ledger.note import make_vkey
from holdgate.ledger.policy import parse_policy
from holdgate.terms.errors import Malformed
from tests.witnesses import T_S, Log, cosigner

LOG = Log()
W = {name: cosigner(f"{name}.test/w") for name in ("x1", "x2", "x3", "y1", "y2")}
LINES = [
    "# who counts",
    "",
    f"log {LOG.notary.vkey} https://shop.test/log",
    *(f"\twitness {name}   {held.vkey}" for name, held in W.items()),
    "group X 2 x1 x2 x3",
    "group Y any y1 y2",
    "group both all X Y",
    "quorum both",
]
TEXT = "\n".join(LINES) + "\n"


def test_the_policy_of_the_specification() -> None:
    policy = parse_policy(TEXT.encode())
    assert [(log.vkey, log.url) for log in policy.logs] == [(LOG.vkey, "https://shop.test/log")]
    assert list(policy.witnesses) == [*W]
    assert policy.satisfied({"x1", "x3", "y2"})
    assert not policy.satisfied({"x1", "y1", "y2"})
    assert not policy.satisfied({"x1", "x2", "x3"})
    assert not policy.satisfied(set())


def test_none_asks_for_nobody_and_one_witness_for_itself() -> None:
    assert parse_policy(b"quorum none").satisfied(set())
    alone = parse_policy(f"witness a {W['x1'].vkey} http://127.0.0.1:1/p\nquorum a\n".encode())
    assert alone.satisfied({"a"})
    assert not alone.satisfied(set())
    assert alone.witnesses["a"].url == "http://127.0.0.1:1/p"


def test_who_cosigned_goes_by_keys_and_not_by_names() -> None:
    policy = parse_policy(TEXT.encode())
    text = LOG.note(5).partition(b"\n\n")[0] + b"\n"
    note = LOG.note(5) + W["x1"].line(text, T_S) + W["y1"].line(text, T_S + 1)
    assert policy.cosigned(note) == {"x1": T_S, "y1": T_S + 1}
    other = LOG.note(6) + W["x1"].line(text, T_S)
    assert policy.cosigned(other) == {}, "a line of another text"


V = W["x1"].vkey
DEEP = "".join(f"group g{n} all {f'g{n - 1}' if n else 'a'}\n" for n in range(129))


def test_groups_within_groups_are_followed_to_the_last() -> None:
    policy = parse_policy(f"witness a {V}\n{DEEP.partition('group g128')[0]}quorum g127\n".encode())
    assert policy.satisfied({"a"})
    assert not policy.satisfied({"b"})


BAD = [
    ("", "no quorum"),
    ("quorum none\nquorum none", "line 2.*quorum already"),
    ("quorum all", "line 1.*no witness or group"),
    ("group g any\nquorum none", "it reads"),
    ("group g any a\nquorum none", "a is no witness"),
    (f"witness a {V}\ngroup g 2 a\nquorum g", "2 of 1"),
    (f"witness a {V}\ngroup g 0 a\nquorum g", "0 of 1"),
    (f"witness a {V}\ngroup g +1 a\nquorum g", "cannot be asked for"),
    (f"witness a {V}\ngroup g any a a\nquorum g", "nobody counts twice"),
    (f"witness a {V}\ngroup g any a\ngroup h any a\nquorum h", "nobody counts twice"),
    (f"witness a {V}\ngroup g any g\nquorum g", "g is no witness"),
    (f"witness a {V}\nwitness b {V}\nquorum a", "line 2.*counts once"),
    (f"witness a {V}\nwitness a {W['x2'].vkey}\nquorum a", "a has a meaning"),
    (f"witness none {V}\nquorum none", "none has a meaning"),
    (f"witness a {LOG.notary.vkey}\nquorum a", "not a cosigner's"),
    (f"log {V}\nquorum none", "not a log's"),
    (f"log {LOG.notary.vkey}\nlog {make_vkey(LOG.origin, cosigner()._key.public)}\nquorum none", "named twice"),
    (f"log {LOG.notary.vkey[:-1]}\nquorum none", "line 1"),
    ("logs x\nquorum none", "it reads"),
    ("quorum none\r\n", "control"),
    (f"witness a {V}\n{DEEP}quorum g127\n", "at most 128 groups"),
    ("quorum none\n" * 600, "at most 512"),
    ("#" + "x" * 70_000, "at most 65536"),
]


@pytest.mark.parametrize(("text", "why"), BAD, ids=[why for _, why in BAD])
def test_what_cannot_be_taken_is_named(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        parse_policy(text.encode())


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(Malformed, match="UTF-8"):
        parse_policy(b"\xff")
