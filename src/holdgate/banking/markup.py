"""XML from outside: read without DTDs, entities and network, within limits, and walked by local names.

A document type is refused before the parser sees it: with it go entity bombs and outside entities. Only UTF-8 is read, as
ISO 20022 has it, so that the look for a document type cannot be misled by another encoding.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from lxml import etree

from holdgate.terms import limits
from holdgate.terms.errors import Malformed

_ENCODING: Final = re.compile(rb"^<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_NAMESPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.\d{3}\.\d{3}\.\d{2})")


def parse(raw: bytes, what: str) -> etree._Element:
    """The root element of an untrusted XML file.

    Args:
        raw: untrusted bytes.
        what: the file in words, for the message.

    Raises:
        Malformed: too large, too deep, not UTF-8, with a document type, or not XML; with the line where there is one.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if len(raw) > limits.BANK_FILE_BYTES_MAX:
        raise Malformed(f"{what} has {len(raw)} bytes; {limits.BANK_FILE_BYTES_MAX} are the most")
    if raw.count(b"<") > limits.BANK_TAGS_MAX or raw.count(b"=") > limits.BANK_TAGS_MAX:
        raise Malformed(
            f"{what} holds more than {limits.BANK_TAGS_MAX} tags or attributes; ask the bank for smaller files"
        )
    at = raw.find(b"<!DOCTYPE")
    if at >= 0 or b"<!ENTITY" in raw:
        raise Malformed(
            f"{what}, line {_line(raw, max(at, 0))}: a document type is not taken; no bank's message has one"
        )
    named = _ENCODING.match(raw)
    if named and named[1].upper() not in {b"UTF-8", b"UTF8", b"US-ASCII", b"ASCII"}:
        raise Malformed(f"{what} is written in {named[1].decode()}; ISO 20022 messages are written in UTF-8")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"{what}, line {_line(raw, error.start)}: this is not UTF-8") from None
    return _parsed(raw, what)


def _parsed(raw: bytes, what: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise Malformed(f"{what}, line {error.lineno}: not well-formed XML ({error.msg})") from None
    except ValueError as error:
        raise Malformed(f"{what} cannot be read as XML: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Malformed(f"{what}: a document type is not taken; no bank's message has one")
    level, ahead = 0, [root]
    while ahead:
        level += 1
        if level > limits.BANK_DEPTH_MAX:
            raise Malformed(f"{what}, line {ahead[0].sourceline}: nested deeper than {limits.BANK_DEPTH_MAX} levels")
        ahead = [child for element in ahead for child in element]
    return root


def _line(raw: bytes, at: int) -> int:
    return raw.count(b"\n", 0, at) + 1


def message_of(root: etree._Element) -> str:
    """The message that the root's namespace names, such as camt.053.001.08; empty where it names none of ISO 20022."""
    name = etree.QName(root)
    found = _NAMESPACE.fullmatch(name.namespace or "")
    return found[1] if found and name.localname == "Document" else ""


def children(element: etree._Element, path: str) -> Iterator[etree._Element]:
    """The elements under a path of local names (`NtryDtls/TxDtls`), in the namespace of their parent."""
    head, _, rest = path.partition("/")
    wanted = f"{{{etree.QName(element).namespace}}}{head}"
    for child in element:
        if child.tag == wanted:
            if rest:
                yield from children(child, rest)
            else:
                yield child


def child(element: etree._Element, path: str) -> etree._Element | None:
    """The first element under a path, or None."""
    return next(children(element, path), None)


def text(element: etree._Element, *paths: str, most: int = limits.BANK_TEXT_CHARS_MAX) -> str:
    """The text under the first of the paths that has one, made plain; empty where none has."""
    for path in paths:
        for found in children(element, path):
            plain = clean(found.text or "", most)
            if plain:
                return plain
    return ""


def clean(raw: str, most: int = limits.BANK_TEXT_CHARS_MAX) -> str:
    """Text on one line in NFC, without control, format and private characters, cut to a length."""
    kept = (" " if sign.isspace() else sign for sign in unicodedata.normalize("NFC", raw[: 4 * most]))
    plain = "".join(sign for sign in kept if unicodedata.category(sign)[0] != "C")
    return unicodedata.normalize("NFC", " ".join(plain.split())[:most]).rstrip()


def wrong(element: etree._Element, why: str) -> Malformed:
    """What to raise for this element: its line, its name, and why."""
    return Malformed(f"line {element.sourceline}, {etree.QName(element).localname}: {why}")
