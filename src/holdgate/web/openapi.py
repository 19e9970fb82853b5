"""The OpenAPI 3.1 document of the API, from the table of operations."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from holdgate.web.operation import ENVELOPE_TYPE, JSON_TYPE, Operation, anybody
from holdgate.web.problem import PROBLEM_TYPE, Problem

_PARAMETER: Final = re.compile(r"\{(\w+)(?::path)?\}")
_REF: Final = "#/components/schemas/{name}"
_PROBLEMS: Final = {
    "400": "The request cannot be read",
    "401": "Sign in first",
    "403": "This is not shown to you",
    "404": "There is no such thing here",
    "409": "What was sent does not hold together",
    "422": "Refused; the codes say why",
    "503": "Not possible just now; try again",
}
_BARE: Final = (bytes, None)


def document(operations: Sequence[Operation], kind: str, title: str, version: str) -> dict[str, Any]:
    """The document for one kind of site. `title`: of the shop; `version`: of the product."""
    rows = [row for row in operations if kind in row.kinds]
    types = [t for row in rows for t in (row.asks, row.gives, row.body) if t not in _BARE]
    schemas, components = msgspec.json.schema_components([*types, Problem], ref_template=_REF)
    by_type = dict(zip(map(id, [*types, Problem]), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        paths.setdefault(_PARAMETER.sub(r"{\1}", row.path), {})[row.method.lower()] = _operation(
            row, by_type, components
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "hg_who"}},
        },
    }


def _operation(row: Operation, schemas: dict[int, dict[str, Any]], components: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "summary": row.summary,
        "operationId": getattr(row.handle, "__name__", row.path),
        "parameters": list(_parameters(row, schemas, components)),
        "responses": {
            **_gives(row, schemas),
            **{
                status: {"description": text, "content": {PROBLEM_TYPE: {"schema": schemas[id(Problem)]}}}
                for status, text in _PROBLEMS.items()
            },
        },
    }
    if row.body is bytes:
        schema = _ENVELOPE if row.takes == ENVELOPE_TYPE else {}
        made["requestBody"] = {"required": True, "content": {row.takes: {"schema": schema}}}
    elif row.body is not None:
        made["requestBody"] = {"required": True, "content": {JSON_TYPE: {"schema": schemas[id(row.body)]}}}
    if row.who is not anybody:
        made["security"] = [{"session": []}]
    return made


_BASE64: Final = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_ENVELOPE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["payload", "payloadType", "signatures"],
    "additionalProperties": False,
    "properties": {
        "payload": {"type": "string", "pattern": _BASE64},
        "payloadType": {"type": "string"},
        "signatures": {
            "type": "array",
            "minItems": 1,
            "maxItems": 16,
            "items": {
                "type": "object",
                "required": ["keyid", "sig"],
                "additionalProperties": False,
                "properties": {"keyid": {"type": "string"}, "sig": {"type": "string", "pattern": _BASE64}},
            },
        },
    },
}


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
        return {"200": {"description": row.summary, "content": {row.media: {"schema": {}}}}}
    if row.gives is None:
        return {"204": {"description": row.summary}}
    return {"200": {"description": row.summary, "content": {JSON_TYPE: {"schema": schemas[id(row.gives)]}}}}
