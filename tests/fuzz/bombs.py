"""Bombs: inputs that are short, or look harmless, and cost whoever reads them. Each with its reader and a word of the refusal."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Final, NamedTuple

import msgspec

from holdgate.adapters import env_csv
from holdgate.adapters.epcis import read_object_event
from holdgate.adapters.epcis_uris import read_part
from holdgate.adapters.marks import read_mark
from holdgate.banking.reading import read as read_bank_file
from holdgate.certifier.cel import Schema
from holdgate.certifier.cel import parse_rule as parse
from holdgate.crypto import keyfile
from holdgate.crypto.envelope import open_envelope
from holdgate.engine.wire import _read_call
from holdgate.invoicing.reading import invoice_from
from holdgate.law.command import parse_command
from holdgate.law.contract import read_document
from holdgate.law.notation import read_yaml
from holdgate.law.rules import normal
from holdgate.law.rules.evaluate import compile_rule
from holdgate.ledger.entry import read_entry
from holdgate.ledger.mirroring import packages, read_upload
from holdgate.ledger.note import open_note, parse_checkpoint
from holdgate.ledger.policy import parse_policy
from holdgate.ledger.proof import read_proof
from holdgate.ledger.tiles import parse_path, read_bundle
from holdgate.ledger.witness import read_request
from holdgate.ordering import read_order_file
from holdgate.package.archive import unpack
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed
from tests.builders import key_of
from tests.fuzz import seeds as s
from tests.fuzz.texts import UBL, ZONE, schema

MIB: Final = 1 << 20


class Bomb(NamedTuple):
    """A bomb. `make`: its bytes, or text; `says`: what stands in the refusal."""

    make: Callable[[], Any]
    read: Callable[[Any], object]
    says: str


def _yaml(text: str) -> object:
    return read_yaml(text, "it")


def _rule(text: str) -> object:
    return parse(text, schema())


def _json(raw: bytes) -> object:
    found = canon.plain(raw, "it")
    canon.check_text(found, "it")
    return found


def _order(raw: bytes) -> object:
    return read_order_file(raw, ZONE)


def _note(raw: bytes) -> object:
    return open_note(raw, [s.LOG])


def _mark(text: str) -> object:
    return read_mark(text, read_part)


def _upload(raw: bytes) -> object:
    return list(packages(read_upload(raw)))


# ---- YAML --------------------------------------------------------------------------------------------------------------

LAUGHS: Final = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
YAML: Final[dict[str, tuple[Callable[[], str], str]]] = {
    "a billion laughs": (lambda: LAUGHS, "anchors"),
    "an alias alone": (lambda: "a: *b", "aliases"),
    "a merge key": (lambda: "a: {x: y}\nb:\n  <<: {z: 1}\n", "merge keys"),
    "brackets": (lambda: "[" * 19_000, "nested deeper"),
    "braces": (lambda: "{a: " * 19_000, "nested deeper"),
    "dashes": (lambda: "- " * 90_000, "nested deeper"),
    "indents": (lambda: "\n".join(" " * depth + "k:" for depth in range(600)), "nested deeper"),
    "a key of a megabyte": (lambda: "k" * MIB + ": x", "longer than"),
    "a long key": (lambda: "k" * 100_000 + ": x", "line 1"),
    "a key twice": (lambda: "a: 1\na: 2", "twice"),
    "ninety thousand keys": (lambda: "".join(f"k{n}: x\n" for n in range(90_000)), "longer than"),
    "thirty thousand keys": (lambda: "".join(f"{n}: x\n" for n in range(21_000)), "more than"),
    "empty lists": (lambda: "".join(f"{n}: [[]]\n" for n in range(12_000)), "more than"),
    "a list of commas": (lambda: "[" + "a," * 60_000 + "a]", "more than"),
    "a list of items": (lambda: "[" + "a," * 2_001 + "a]", "more than"),
    "blanks": (lambda: "a: b" + " " * 500_000, "longer than"),
    "an open quote": (lambda: 'a: "' + "x" * 100_000, "end of stream"),
    "an open block": (lambda: "a: |\n" + "  x\n" * 15_000 + "\x01", "character"),
    "a folded text": (lambda: "a: >\n" + "  x\n" * 8_000, "longer than"),
    "escapes": (lambda: 'a: "' + "\\x41" * 12_000 + '"', "longer than"),
    "a number of 100,000 digits": (lambda: "a: " + "9" * 100_000, "longer than"),
    "a tag that runs something": (lambda: "a: !!python/object/apply:os.system ['true']", "tags"),
    "ten thousand documents": (lambda: "a: b\n---\n" * 9_000, "second document"),
    "directives": (lambda: "%TAG ! tag:x\n" * 9_000 + "---\na: b", "directives"),
    "half a character": (lambda: 'a: "\\ud800"', "control characters"),
    "a name in two forms": (lambda: "a: e\u0301", "NFC"),
}

# ---- rules -------------------------------------------------------------------------------------------------------------


def nested(count: int, over: str = "[0,1,2,3,4,5,6,7,8,9]") -> str:
    """`all` in `all`: ten to this power."""
    text = "true"
    for number in range(count):
        text = f"{over}.all(x{number}, {text})"
    return text


def _doubled(count: int) -> str:
    text = "result"
    for _ in range(count):
        text = f"[{text}].map(v, v + v)[0]"
    return f'{text} == ""'


RULES: Final[dict[str, tuple[str, str]]] = {
    "ten to the fortieth": (nested(40), ""),
    "a text doubled 24 times": (_doubled(24), ""),
    "lists of lists": ("[[0,1],[2,3]].map(a, [4,5].map(b, [a, b])) == []", ""),
    "a regular expression without end": ('result.matches("(a+)+$")', "matches"),
    "parentheses": ("(" * 1_900 + "1" + ")" * 1_900, ""),
    "nots": ("!" * 3_899 + "result", ""),
    "minuses": ("-" * 3_800 + "size(readings) < 2 && " * 2 + "ok", ""),
    "a thousand ors": (" || ".join(["true"] * 500), ""),
    "conditions": ("true ? " * 600 + "1" + " : 0" * 600, ""),
    "fields": ("job" + ".a" * 1_900, ""),
    "places": ("readings" + "[0]" * 1_200, ""),
    "a number of four thousand digits": ("1" * 3_900 + " < 2", ""),
    "a number one too large": ("9223372036854775808 > 1", ""),
    "a fraction without end": ("1e308 * 10.0 > 1.0", ""),
    "a text of a megabyte": ('"' + "a" * MIB + '" == ""', "longer than"),
    "an open text": ('"' + "a" * 3_900, ""),
    "half a character": ('"\ud800" == ""', "surrogate"),
    "a direction turned round": ('"\u202e" == result \u202e', ""),
    "comments": ("//" * 1_900, ""),
    "a map": ("{1: 2}[1] == 2", ""),
    "a macro of strings": ('["a","b"].map(x, x + x).exists(x, x == "aa")', ""),
    "dyn": ("dyn(1) == dyn('1')", ""),
    "bytes": ("b'abc' == b'abc'", ""),
    "a type of its own": ("google.protobuf.Timestamp{seconds: 1} == now", ""),
    "the year minus one": ('timestamp("-0001-01-01T00:00:00Z") < now', ""),
    "a duration without end": ('duration("99999999999999999999h") > duration("1s")', ""),
}


@cache
def deep_tree() -> bytes:
    tree: dict[str, Any] = {"k": "const", "t": "bool", "v": True}
    for _ in range(300):
        tree = {"a": [tree], "k": "call", "o": "!"}
    return canon.encode(tree)


@cache
def wide_tree() -> bytes:
    return canon.encode({"a": [{"k": "const", "t": "bool", "v": True}] * 1_000, "k": "call", "o": "&&"})


def budget(text: str) -> object:
    """A rule that is read, over lists as long as may be: it is stopped by its budget, and does not allow."""
    items = [{"id": "x", "um": n, "on": True, "due": 0} for n in range(limits.RULE_LIST_MAX)]
    outcome = compile_rule(parse(text, costly())).evaluate({"rows": items, "ids": list(range(limits.RULE_LIST_MAX))})
    assert not outcome.allowed
    raise Malformed(f"{outcome.kind}: {outcome.why}")


@cache
def costly() -> Schema:
    return Schema({"rows": [{"id": "string", "um": "int", "on": "bool", "due": "timestamp"}], "ids": ["int"]})


BUDGETS: Final = {
    "two lists in each other": "rows.all(a, rows.all(b, a.um + b.um >= 0))",
    "three lists in each other": "ids.all(a, ids.all(b, ids.all(c, a + b + c >= 0)))",
    "six lists in each other": nested(6, "ids"),
    "ten to the ninth": nested(9),
    "a list looked up for each of its items": "ids.all(a, ids.all(b, a in ids && b in ids))",
}

# ---- JSON --------------------------------------------------------------------------------------------------------------


def deep(count: int, begin: bytes = b"[", end: bytes = b"]") -> bytes:
    return begin * count + end * count


def _numbered(name: str, value: bytes) -> bytes:
    held = s.payloads()[0]
    place = held.index(b'"at":') + 5
    return held[:place] + value + held[held.index(b",", place) :] if name == "at" else held


JSON: Final[dict[str, tuple[Callable[[], bytes], Callable[[bytes], object], str]]] = {
    "depth": (lambda: deep(100_000), _json, "cannot be read"),
    "depth in objects": (lambda: deep(100_000, b'{"a":', b"}"), _json, "cannot be read"),
    "depth within the parser's": (lambda: deep(900), _json, "nested deeper"),
    "a key twice": (lambda: b'{"a":1,"a":1}', _json, "twice"),
    "a key twice, once escaped": (lambda: b'{"a":1,"\\u0061":1}', _json, "twice"),
    "NaN": (lambda: b"[NaN]", _json, "NaN"),
    "a number of 100,000 digits": (lambda: b"9" * 100_000, _json, "cannot be read"),
    "two hundred numbers of 4,000 digits": (lambda: b"[" + b",".join([b"9" * 4_000] * 200) + b"]", _json, "2^53"),
    "a number just too large": (lambda: b"9007199254740992", _json, "2^53"),
    "1e400": (lambda: b"1e400", _json, "float"),
    "half a character": (lambda: b'"\\ud800"', _json, "control characters"),
    "a list without end": (lambda: b"[" + b"0," * 100_000 + b"0]", _json, "more than"),
    "a text without end": (lambda: b'"' + b"a" * MIB + b'"', _json, "longer than"),
    "an act: depth": (lambda: deep(6_000, b'{"a":', b"}"), parse_command, ""),
    "an act: a number without end": (lambda: _numbered("at", b"9" * 9_000), parse_command, ""),
    "an act: 1e400": (lambda: _numbered("at", b"1e400"), parse_command, ""),
    "an act of a megabyte": (lambda: b'{"a":"' + b"a" * MIB + b'"}', parse_command, ""),
    "an envelope of a megabyte": (lambda: b'{"payload":"' + b"a" * MIB, open_envelope, "bytes"),
    "an envelope: depth": (lambda: b'{"payload":' + deep(20_000), open_envelope, "cannot be read"),
    "an envelope: signatures": (
        lambda: b'{"payload":"","payloadType":"application/vnd.holdgate.action.v1+json","signatures":['
        + b",".join(b'{"keyid":"%d","sig":""}' % n for n in range(1_800)) + b"]}",
        open_envelope,
        "signatures",
    ),
    "an entry: depth": (lambda: b'{"action":' + deep(20_000), read_entry, "cannot be read"),
    "a document: depth": (lambda: b'{"family":"SmartSP","steps":' + deep(400_000), read_document, "cannot be read"),
    "a document without end": (lambda: b" " * (MIB + 1), read_document, "longer than"),
    "a rule's tree: depth": (deep_tree, normal.decode, "nested deeper"),
    "a rule's tree: breadth": (wide_tree, normal.decode, "more than"),
    "an event: depth": (lambda: b'{"type":"ObjectEvent","ilmd":' + deep(20_000, b'{"a:b":', b"}") + b"}", read_object_event, ""),
    "an event: numbers": (lambda: b'{"a":[' + b"1e400," * 30_000 + b"0]}", read_object_event, ""),
    "an event: lists": (lambda: b'{"epcList":[' + b'"urn:epc:id:sgtin:1.2.3",' * 4_000 + b'"x"]}', read_object_event, ""),
    "an invoice: depth": (lambda: b'{"lines":' + deep(60_000) + b"}", invoice_from, ""),
    "a key file that wants a terabyte": (
        lambda: keyfile.seal_key(key_of("TECH"), "four words that rhyme", "", keyfile.LEAST).replace(b"67108864", b"1099511627776"),
        keyfile.read_key_file,
        "asks for",
    ),
}  # fmt: skip

# ---- XML ---------------------------------------------------------------------------------------------------------------

ENTITIES: Final = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
QUADRATIC: Final = f'<!ENTITY a "{"a" * 50_000}">'
_CAMT: Final = b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">'
_UBL: Final = f'<Order xmlns="{UBL}Order-2" xmlns:cac="{UBL}CommonAggregateComponents-2">'.encode()
XML: Final[dict[str, Callable[[bytes], bytes]]] = {
    "a billion laughs": lambda root: f'<?xml version="1.0"?><!DOCTYPE d [{ENTITIES}]><d>&l11;</d>'.encode(),
    "quadratic entities": lambda root: f"<!DOCTYPE d [{QUADRATIC}]><d>{'&a;' * 50_000}</d>".encode(),
    "an entity from a file": lambda root: b'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d>&x;</d>',
    "an entity from the network": lambda root: b'<!DOCTYPE d [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]><d>&x;</d>',
    "a parameter entity": lambda root: b'<!DOCTYPE d [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><d/>',
    "a DTD from the network": lambda root: b'<!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd"><d/>',
    "a document type in small letters": lambda root: b"<!doctype d><d/>",
    "a document type in UTF-16": lambda root: '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE d><d/>'.encode(
        "utf-16"
    ),
    "a document type in UTF-7": lambda root: b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE d+AD4-<d/>',
    "a document type in EBCDIC": lambda root: '<?xml version="1.0" encoding="cp037"?><!DOCTYPE d><d/>'.encode("cp037"),
    "an inclusion": lambda root: (
        b'<d xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></d>'
    ),
    "depth": lambda root: root + b"<a>" * 40_000,
    "depth that ends": lambda root: root + b"<a>" * 250 + b"</a>" * 250,
    "breadth": lambda root: root + b"<a/>" * 600_000,
    "attributes": lambda root: b"<d " + b" ".join(b"a%d='1'" % n for n in range(100_000)) + b"/>",
    "one attribute without end": lambda root: b"<d a='" + b"a" * (12 * MIB) + b"'/>",
    "one text without end": lambda root: root + b"<a>" + b"a" * (12 * MIB),
    "a name without end": lambda root: b"<" + b"a" * (4 * MIB) + b"/>",
    "namespaces": lambda root: b"<d " + b" ".join(b"xmlns:a%d='u'" % n for n in range(50_000)) + b"/>",
    "the same attribute twice": lambda root: b"<d a='1' a='1'/>",
    "a character that is none": lambda root: root + b"<a>&#0;</a>",
    "an unknown entity": lambda root: root + b"<a>&x;</a>",
    "an open comment": lambda root: root + b"<!--" + b"-" * MIB,
    "an open section": lambda root: root + b"<![CDATA[" + b"a" * MIB,
    "instructions": lambda root: root + b"<?a b?>" * 100_000,
}

# ---- archives, tables, binary ------------------------------------------------------------------------------------------


@cache
def zipped() -> bytes:
    """Ten megabytes of zeros in ten kilobytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", bytes(10 * MIB))
    return file.getvalue()


def stored(names: tuple[str, ...], content: bytes = b"x") -> bytes:
    """An archive with these names, stored."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def claiming(count: int) -> bytes:
    """An archive whose end says that it has so many parts."""
    raw = stored(("README.txt",))
    return raw[:-14] + struct.pack("<HH", count, count) + raw[-10:]


def overlapping() -> bytes:
    """Many names for one part that lie over each other, as the best known zip bomb has it."""
    raw = stored(("a",), bytes(20_000))
    at = raw.index(b"PK\x01\x02")
    row = raw[at:-22]
    rows = b"".join(row[:46] + bytes([97 + n % 26]) for n in range(1_000))
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1_000, 1_000, len(rows), at, 0)
    return raw[:at] + rows + end


@cache
def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo("../../etc/passwd")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    return file.getvalue()


OTHER: Final[dict[str, Bomb]] = {
    "a package that unpacks to a thousandfold": Bomb(zipped, unpack, "package"),
    "a package in a package": Bomb(lambda: stored(("README.txt",), zipped()), unpack, "spelling"),
    "a package that leads out": Bomb(lambda: stored(("../../etc/passwd",)), unpack, "name"),
    "a package with an absolute name": Bomb(lambda: stored(("/etc/passwd",)), unpack, "name"),
    "a package with a name of Windows": Bomb(lambda: stored(("c:\\x",)), unpack, "name"),
    "a package with a name twice": Bomb(lambda: stored(("a", "b")).replace(b"b", b"a"), unpack, ""),
    "a package that claims 65,535 parts": Bomb(lambda: claiming(65_535), unpack, "parts"),
    "a package whose parts lie over each other": Bomb(overlapping, unpack, ""),
    "a tar archive": Bomb(tarred, unpack, "no package"),
    "a call of a false length": Bomb(lambda: b"\xdd\xff\xff\xff\xff", _read_call, "cannot be read"),
    "a call: depth": Bomb(lambda: b"\x91" * 200_000, _read_call, "cannot be read"),
    "a call: keys": Bomb(lambda: b"\xdf\x00\x0f\xff\xff" + b"\xa0\xc0" * 100_000, _read_call, "cannot be read"),
    "a call: leaves": Bomb(lambda: msgspec.msgpack.encode({"ask": "offer", "leaves": [b""] * 100_000}), _read_call, "cannot"),
    "a note of lines": Bomb(lambda: s.checkpoints()[0] + s.checkpoints()[0].split(b"\n")[-2] * 50_000, _note, ""),
    "a note of signatures": Bomb(lambda: s.text_of(s.checkpoints()[0]) + b"\n" + b"\xe2\x80\x94 a AAAAAAA=\n" * 60, _note, ""),
    "a checkpoint: digits": Bomb(lambda: b"a\n" + b"9" * 9_000 + b"\nAAAA\n", parse_checkpoint, ""),
    "a receipt: path": Bomb(lambda: b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"AAAA\n" * 500, read_proof, ""),
    "a receipt: digits": Bomb(lambda: b"c2sp.org/tlog-proof@v1\nindex " + b"9" * 5_000 + b"\n\nx", read_proof, "decimal number"),
    "a tile's name: digits": Bomb(lambda: "tile/0/" + "x000/" * 100_000 + "001", parse_path, ""),
    "a tile's level: digits": Bomb(lambda: f"tile/{'9' * 5_000}/000", parse_path, ""),
    "a bundle of entries: false length": Bomb(lambda: b"\xff\xff" * 40_000, read_bundle, ""),
    "an upload: a proof without end": Bomb(lambda: b"\0\x01a" + bytes(15) + b"\x01\0\0\0\0\xff" + bytes(9_000), _upload, "hashes"),
    "a witness's request: digits": Bomb(lambda: b"old " + b"9" * 60_000 + b"\n\n", read_request, ""),
    "a policy of groups": Bomb(lambda: b"group a any a\n" * 5_000, parse_policy, ""),
    "a policy without end": Bomb(lambda: b"#" * MIB, parse_policy, ""),
    "a mark without end": Bomb(lambda: "[)>\x1e06\x1d" + "S" * MIB, _mark, "longer than"),
    "a mark of separators": Bomb(lambda: "[)>" + "<RS>" * 120, _mark, ""),
    "a mark of brackets": Bomb(lambda: "(01)" * 120, _mark, ""),
    "an address of percent signs": Bomb(lambda: "https://id.gs1.org/01/09506000134352/21/" + "%25" * 150, _mark, ""),
    "an order: a cell without end": Bomb(lambda: b'po\n"' + b"a" * 900_000, _order, ""),
    "an order: quotes": Bomb(lambda: b"po\n" + b'"' * 900_000, _order, ""),
    "an order: columns": Bomb(lambda: b"po," * 300_000, _order, ""),
    "an order: rows": Bomb(lambda: b"po\n" + b"a\n" * 400_000, _order, ""),
    "an order: empty rows": Bomb(lambda: b"po\n" + b"\n" * 900_000, _order, "lines"),
    "an order: empty columns": Bomb(lambda: b"po" + b"," * 600_000, _order, ""),
    "a statement: rows": Bomb(lambda: b"account,ref,booked_on,amount,currency\n" + b"a,b,c,d,e\n" * 100_000, read_bank_file, ""),
    "a statement: a cell": Bomb(lambda: b'account,ref,booked_on,amount,currency\n"' + b"a" * 2_000_000, read_bank_file, ""),
    "returns without end": Bomb(lambda: b"101" + b" " * limits.BANK_FILE_BYTES_MAX, read_bank_file, ""),
    "returns of lines": Bomb(lambda: b"101\n" * 400_000, read_bank_file, ""),
    "a logger: columns": Bomb(lambda: b"time," * 200_000, lambda raw: env_csv.parse(raw, "degC"), ""),
    "a logger: a cell": Bomb(lambda: b'time,value\n"' + b"a" * 1_500_000, lambda raw: env_csv.parse(raw, "degC"), ""),
    "a logger: rows": Bomb(lambda: b"time,value\n" + b",\n" * 700_000, lambda raw: env_csv.parse(raw, "degC"), ""),
}  # fmt: skip


def bombs() -> dict[str, Bomb]:
    """All of them, by name."""
    found = {f"YAML: {name}": Bomb(make, _yaml, says) for name, (make, says) in YAML.items()}
    found |= {f"a rule: {name}": Bomb(partial(str, text), _rule, says) for name, (text, says) in RULES.items()}
    found |= {
        f"a rule over lists: {name}": Bomb(partial(str, text), budget, "budget") for name, text in BUDGETS.items()
    }
    found |= {f"JSON: {name}": Bomb(make, read, says) for name, (make, read, says) in JSON.items()}
    for kind, root, read in (("of a bank", _CAMT, read_bank_file), ("an order", _UBL, _order)):
        found |= {f"XML {kind}: {name}": Bomb(partial(make, root), read, "") for name, make in XML.items()}
    return found | OTHER
