"""From CEL text to the normal form, by Google's C++ CEL; and that engine's own answer, as the second opinion.

How the checked tree is read: `Expression.serialize()` is a protobuf `Any` that holds a `cel.expr.CheckedExpr`. No
generated classes are needed: `lowering` describes, in code, the dozen messages of the public `cel.expr` protos with the
field numbers that the profile can meet, in a descriptor pool of its own. That is the cleaner way: one parser and one
type checker (the reference ones) instead of a second grammar of ours, and the wire format of a published proto is
stable. What the description leaves out (maps, bytes, other constants) parses as "nothing set" and is refused. The bytes
themselves are never hashed or kept.

Two environments: a strict one with a protobuf message for each record (the checker knows each field's type), and for
evaluation one in which records are maps, since an unset protobuf field reads as zero (`missing <= 100` would be true)
while a missing key is an error, as in the profile. Times enter as protobuf messages; nothing takes the local zone.

Source: cel-spec proto/cel/expr/{checked,syntax}.proto; cel-cpp; docs/spec/rules.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from cel_expr_python import cel
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, timestamp_pb2

from holdgate.certifier.lowering import Lowering, checked_tree
from holdgate.certifier.refusals import explain_refusal
from holdgate.law.rules import normal
from holdgate.law.rules.nodes import RESERVED, Node, check_word
from holdgate.terms import limits
from holdgate.terms.errors import Malformed

FactType = str | list[Any] | dict[str, Any]
"""`"int"` (bool, int, string, timestamp, duration), `[type]` for a list, `{field: type}` for a record."""

# protobuf's generated modules carry no types that mypy can see
_PROTO: Final[Any] = descriptor_pb2
_POOL: Final[Any] = descriptor_pool.DescriptorPool
_TIMESTAMP: Final[Any] = timestamp_pb2
_DURATION: Final[Any] = duration_pb2

_Field: Final[Any] = _PROTO.FieldDescriptorProto
_WIRE: Final = {"bool": _Field.TYPE_BOOL, "int": _Field.TYPE_INT64, "string": _Field.TYPE_STRING}
_MESSAGE: Final = {"timestamp": ".google.protobuf.Timestamp", "duration": ".google.protobuf.Duration"}
_FACTS: Final = {
    "bool": cel.Type.BOOL,
    "int": cel.Type.INT,
    "string": cel.Type.STRING,
    "timestamp": cel.Type.TIMESTAMP,
    "duration": cel.Type.DURATION,
}
_PACKAGE: Final = "holdgate_facts"


class Schema:
    """The names that a rule may read, with their types; it owns the C++ environments made from them."""

    def __init__(self, names: Mapping[str, FactType]) -> None:
        """Check the types and build both environments.

        Args:
            names: untrusted; each fact's name with its type.

        Raises:
            Malformed: a name or type that the profile does not know, or nesting beyond its depth.
        """
        self.names: Final[dict[str, FactType]] = dict(names)
        self._file = _PROTO.FileDescriptorProto(
            name="holdgate_facts.proto",
            package=_PACKAGE,
            syntax="proto3",
            dependency=["google/protobuf/timestamp.proto", "google/protobuf/duration.proto"],
        )
        strict = {}
        for name, kind in self.names.items():
            check_word(name, "the fact")
            strict[name] = self._strict(kind, name)
        pool = _POOL()
        for known in (_TIMESTAMP, _DURATION):
            pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
        pool.AddSerializedFile(self._file.SerializeToString())
        self.strict: Final[Any] = cel.NewEnv(pool, variables=strict)
        self.loose: Final[Any] = cel.NewEnv(variables={name: _loose(kind) for name, kind in self.names.items()})

    def _strict(self, kind: FactType, where: str) -> Any:
        if isinstance(kind, list):
            return cel.Type.List(self._strict(_item(kind, where), where))
        if isinstance(kind, dict):
            return cel.Type(f"{_PACKAGE}.{self._message(kind, where, 1)}")
        return _FACTS[_scalar(kind, where)]

    def _message(self, fields: Mapping[str, FactType], where: str, depth: int) -> str:
        """Describe a record as a protobuf message; its name only tells records apart."""
        if depth > limits.RULE_DEPTH_MAX:
            raise Malformed(f"the fact {where} is nested deeper than {limits.RULE_DEPTH_MAX} records")
        message = self._file.message_type.add(name=f"Record{len(self._file.message_type) + 1}")
        name = str(message.name)
        for number, (field, declared) in enumerate(fields.items(), 1):
            check_word(field, f"the field of {where}", RESERVED)
            place = f"{where}.{field}"
            kind = _item(declared, place) if isinstance(declared, list) else declared
            held = message.field.add(name=field, json_name=f"f{number}", number=number)
            held.label = _Field.LABEL_REPEATED if isinstance(declared, list) else _Field.LABEL_OPTIONAL
            if isinstance(kind, dict):
                held.type_name = f".{_PACKAGE}.{self._message(kind, place, depth + 1)}"
            elif _scalar(kind, place) in _MESSAGE:
                held.type_name = _MESSAGE[str(kind)]
            held.type = _Field.TYPE_MESSAGE if held.type_name else _WIRE[str(kind)]
        return name


def _item(kind: Sequence[FactType], where: str) -> FactType:
    if len(kind) != 1 or isinstance(kind[0], list):
        raise Malformed(f"the list {where} needs exactly one item type, a scalar or a record: write [int] or [{{…}}]")
    return kind[0]


def _scalar(kind: object, where: str) -> str:
    if not isinstance(kind, str) or kind not in _FACTS:
        raise Malformed(f"{where} has the type {str(kind)[:40]!r}; use {', '.join(_FACTS)}, a list or a record")
    return kind


def _loose(kind: FactType) -> Any:
    if isinstance(kind, list):
        return cel.Type.List(_loose(kind[0]))
    return cel.Type.Map(cel.Type.STRING, cel.Type.DYN) if isinstance(kind, dict) else _FACTS[kind]


def parse_rule(source: str, schema: Schema, want: Literal["bool", "int"] = "bool") -> Node:
    """Parse, type-check and lower a rule.

    Args:
        source: untrusted CEL text.
        schema: the facts that the rule may read.
        want: `bool` for a condition, `int` for an amount.

    Raises:
        Malformed: not CEL, not well typed, or outside the profile; the message names the construct and what to write
            instead.
    """
    if len(source) > limits.TEXT_CHARS_MAX:
        raise Malformed(f"the rule is longer than {limits.TEXT_CHARS_MAX} characters; split it into several rules")
    if any("\ud800" <= letter <= "\udfff" for letter in source):
        raise Malformed("the rule is refused: it holds half a character (a lone surrogate); type it anew")
    try:
        compiled = schema.strict.compile(source)
    except RuntimeError as error:
        raise Malformed(explain_refusal(source, str(error))) from None
    node = Lowering(checked_tree(compiled.serialize())).rule()
    normal.check(node, want)
    return node


def evaluate_with_cpp(source: str, schema: Schema, env: Mapping[str, object]) -> bool | int | None:
    """The C++ engine's answer to a rule that `parse_rule` accepts; None for an error.

    Args:
        source: CEL text of the profile.
        schema: the types of the facts.
        env: facts as the evaluator takes them (times as integers of microseconds); a fact may be missing.
    """
    facts = {name: _to_cpp(value, schema.names[name]) for name, value in env.items() if name in schema.names}
    try:
        answer = schema.loose.compile(source).eval(data=facts)
    except RuntimeError:
        return None
    value = answer.value() if answer.type().name() in ("BOOL", "INT") else None
    return value if isinstance(value, bool | int) else None


def _to_cpp(value: Any, kind: FactType) -> Any:
    if isinstance(kind, list):
        return [_to_cpp(item, kind[0]) for item in value]
    if isinstance(kind, dict):
        return {field: _to_cpp(item, kind[field]) for field, item in value.items()}
    if kind not in ("timestamp", "duration"):
        return value
    if kind == "timestamp":
        return _TIMESTAMP.Timestamp(seconds=value // 1_000_000, nanos=value % 1_000_000 * 1_000)
    seconds, rest = divmod(abs(value), 1_000_000)
    sign = -1 if value < 0 else 1
    return _DURATION.Duration(seconds=sign * seconds, nanos=sign * rest * 1_000)
