"""EPCIS events from XML, as the JSON binding has them, so that vectors in XML can be hashed. The product reads no XML."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

Json = dict[str, Any]
EVENTS = ("ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent", "AssociationEvent")
TYPED = ("bizTransactionList", "sourceList", "destinationList")
FLAT = ("extension", "baseExtension")


class Document:
    """The events of a document, and what the prefixes stand for that their extensions were given here."""

    def __init__(self, path: Path) -> None:
        self.namespaces: dict[str, str] = {}
        root = ET.parse(path).getroot()
        self.events = [self._event(found) for found in root.iter() if found.tag in EVENTS]

    def _name(self, tag: str) -> str:
        """`{namespace}local` as `prefix:local`."""
        if not tag.startswith("{"):
            return tag
        namespace, _, local = tag[1:].partition("}")
        known = {value: prefix for prefix, value in self.namespaces.items()}
        prefix = known.get(namespace) or f"p{len(known)}"
        self.namespaces[prefix] = namespace
        return f"{prefix}:{local}"

    def _event(self, element: ET.Element) -> Json:
        event: Json = {"type": element.tag}
        for child in self._children(element):
            tag = child.tag
            if tag in TYPED:
                event[tag] = [dict(item.attrib) | {item.tag: item.text} for item in child]
            elif tag == "sensorElementList":
                event[tag] = [self._sensor(item) for item in child]
            elif tag.endswith("List") or tag == "childEPCs":
                event[tag] = [self._value(item) for item in child]
            else:
                self._put(event, child)
        return event

    def _children(self, element: ET.Element) -> list[ET.Element]:
        return [inner for child in element for inner in (self._children(child) if child.tag in FLAT else [child])]

    def _sensor(self, element: ET.Element) -> Json:
        found: Json = {}
        for child in element:
            self._put(found, child)
        return found

    def _put(self, holder: Json, element: ET.Element) -> None:
        name, value = self._name(element.tag), self._value(element)
        holder[name] = (
            [*holder[name], value]
            if isinstance(holder.get(name), list)
            else ([holder[name], value] if name in holder else value)
        )

    def _value(self, element: ET.Element) -> Any:
        if not len(element) and not element.attrib:
            return element.text
        found: Json = {self._name(name): value for name, value in element.attrib.items()}
        for child in self._children(element):
            self._put(found, child)
        return found
