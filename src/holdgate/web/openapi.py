"""The OpenAPI 3.1 document of the API, from the table of operations."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from holdgate.terms.limits import SIGNATURES_MAX
from holdgate.web.grammar import BASE64, BASE64_EITHER
from holdgate.web.operation import (
    ENVELOPE_TYPE,
    JSON_TYPE,
    Operation,
    anybody,
    at_device,
    at_workstation,
    floor,
    signed_in,
)
from holdgate.web.problem import PROBLEM_TYPE, Problem

_PARAMETER: Final = re.compile(r"\{(\w+)(?::path)?\}")
_REF: Final = "#/components/schemas/{name}"
_BARE: Final = (bytes, None)
_PROBLEMS: Final = {
    "400": "The request cannot be read",
    "401": "Sign in first",
    "403": "This is not shown to you",
    "404": "There is no such thing here",
    "405": "This address does not take that method",
    "409": "What was sent does not hold together",
    "413": "The body is too long",
    "422": "Refused; the codes say why",
    "500": "The site cannot go on; its operator has to look",
    "503": "Not possible just now; try again",
}
_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "405": {"Allow": {"description": "The methods that it takes", "required": True, "schema": {"type": "string"}}},
    "503": {
        "Retry-After": {
            "description": "After how many seconds to ask again",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        }
    },
}
_DEVICE: Final = (at_device, at_workstation)
_EITHER: Final = (floor, signed_in)
_ENVELOPES: Final = {
    "application/vnd.holdgate.action.v1+json": "ActionEnvelope",
    "application/vnd.holdgate.login.v1+json": "LoginEnvelope",
}


def document(operations: Sequence[Operation], kind: str, site: str, title: str, version: str) -> dict[str, Any]:
    """The document of one site, below whose name its addresses lie. `title`: of the shop; `version`: of the product."""
    rows = [row for row in operations if kind in row.kinds]
    types = [t for row in rows for t in (row.asks, row.gives, row.body, row.beside) if t not in _BARE]
    schemas, components = msgspec.json.schema_components([*types, Problem], ref_template=_REF)
    _spell_base64(components)
    by_type = dict(zip(map(id, [*types, Problem]), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        path = _PARAMETER.sub(r"{\1}", row.path)
        paths.setdefault(path, {})[row.method.lower()] = _operation(row, by_type, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": f"/{site}"}],
        "paths": paths,
        "components": {
            "schemas": {**components, **{name: _envelope(payload) for payload, name in _ENVELOPES.items()}},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "hg_who"},
                "workstation": {"type": "apiKey", "in": "cookie", "name": "hg_place"},
            },
        },
    }


def _operation(row: Operation, schemas: dict[int, dict[str, Any]], components: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "summary": row.summary,
        "operationId": f"{row.method.lower()}_{re.sub(r'[^a-z0-9]+', '_', row.path.removeprefix('/api/'))}".strip("_"),
        "parameters": list(_parameters(row, schemas, components)),
        "responses": {**_gives(row, schemas), **_problems(row, schemas)},
    }
    if row.body is not None:
        made["requestBody"] = {"required": True, "content": _takes(row, schemas)}
    if row.who is not anybody:
        made["security"] = _security(row)
    return made


def _security(row: Operation) -> list[dict[str, list[str]]]:
    """Whose sessions open an operation: the person's, the workstation's, or either."""
    person: dict[str, list[str]] = {"session": []}
    place: dict[str, list[str]] = {"workstation": []}
    if row.who in _DEVICE:
        return [place]
    return [person, place] if row.who in _EITHER else [person]


def _takes(row: Operation, schemas: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """What a body may be: media type → schema."""
    if row.body is not bytes:
        return {JSON_TYPE: {"schema": schemas[id(row.body)]}}
    if row.takes != ENVELOPE_TYPE:
        return {row.takes: {"schema": {"minLength": 1, "maxLength": row.most}}}
    taken: dict[str, Any] = {ENVELOPE_TYPE: {"schema": {"$ref": _REF.format(name=_ENVELOPES[row.payload])}}}
    if row.beside is not None:
        taken[JSON_TYPE] = {"schema": schemas[id(row.beside)]}
    return taken


def _envelope(payload_type: str) -> dict[str, Any]:
    """A DSSE envelope. What its payload holds, in base64, no schema can say: docs/spec/envelope.md does."""
    text: dict[str, Any] = {"type": "string", "pattern": BASE64_EITHER}
    return {
        "type": "object",
        "required": ["payload", "payloadType", "signatures"],
        "additionalProperties": False,
        "properties": {
            "payload": text,
            "payloadType": {"const": payload_type},
            "signatures": {
                "type": "array",
                "minItems": 1,
                "maxItems": SIGNATURES_MAX,
                "items": {
                    "type": "object",
                    "required": ["keyid", "sig"],
                    "additionalProperties": False,
                    "properties": {"keyid": {"type": "string"}, "sig": text},
                },
            },
        },
    }


def _spell_base64(schema: Any) -> None:
    """Say of every text that holds bytes how it is spelled: `contentEncoding` is a remark and forbids nothing."""
    if isinstance(schema, dict):
        if schema.get("contentEncoding") == "base64":
            schema["pattern"] = BASE64
        for part in schema.values():
            _spell_base64(part)
    elif isinstance(schema, list):
        for part in schema:
            _spell_base64(part)


def _parameters(
    row: Operation, schemas: dict[int, dict[str, Any]], components: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Path and query parameters, from the fields of what the operation asks."""
    schema = components[str(schemas[id(row.asks)]["$ref"]).rpartition("/")[2]]
    inside = set(_PARAMETER.findall(row.path))
    for name, kind in schema.get("properties", {}).items():
        yield {
            "name": name,
            "in": "path" if name in inside else "query",
            "required": name in inside or name in schema.get("required", ()),
            "schema": kind,
        }


def _gives(row: Operation, schemas: dict[int, dict[str, Any]]) -> dict[str, Any]:
    if row.media != JSON_TYPE:
        return {"200": {"description": row.summary, "content": {media: {} for media in (row.media, *row.others)}}}
    if row.gives is None:
        return {"204": {"description": row.summary}}
    return {"200": {"description": row.summary, "content": {JSON_TYPE: {"schema": schemas[id(row.gives)]}}}}


def _problems(row: Operation, schemas: dict[int, dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for status, text in _PROBLEMS.items():
        if status == "413" and row.body is None:
            continue
        told[status] = {"description": text, "content": {PROBLEM_TYPE: {"schema": schemas[id(Problem)]}}}
        if status in _HEADERS:
            told[status]["headers"] = _HEADERS[status]
    return told
