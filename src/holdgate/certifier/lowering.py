"""The checked tree of C++ CEL, read without generated protobuf classes and lowered to the normal form.

Source: cel-spec proto/cel/expr/checked.proto and syntax.proto (field numbers); cel-spec langdef.md, "Macros" (what
`all`, `exists` and `exists_one` expand to).
"""

import re
from typing import Any, Final, get_args

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from holdgate.certifier.refusals import TOO_DEEP, instead_of
from holdgate.law.rules.nodes import (
    Call,
    Cond,
    Const,
    Field,
    Has,
    Items,
    Name,
    Node,
    Operator,
    Quant,
    Quantifier,
    Scalar,
    Type,
)
from holdgate.terms import instant, limits
from holdgate.terms.errors import Malformed

# Each message: field=number:type; `*` repeated, `|` member of its one oneof. Enums read as int32, the same on the wire.
_MESSAGES: Final = {
    "CheckedExpr": "types=3:*TypesEntry expr=4:Expr",
    "TypesEntry": "key=1:int64 value=2:Type",
    "Type": "dyn=1:|Nothing primitive=3:|int32 well_known=5:|int32 list_type=6:|ListType map_type=7:|Nothing "
    "message_type=9:|string",
    "ListType": "elem_type=1:Type",
    "Nothing": "",
    "Expr": "id=2:int64 const=3:|Constant ident=4:|Ident select=5:|Select call=6:|CallExpr list=7:|ListExpr "
    "struct=8:|Nothing comprehension=9:|Comprehension",
    "Constant": "null=1:|int32 bool=2:|bool int=3:|int64 uint=4:|uint64 double=5:|double string=6:|string "
    "bytes=7:|bytes",
    "Ident": "name=1:string",
    "Select": "operand=1:Expr field=2:string test_only=3:bool",
    "CallExpr": "target=1:Expr function=2:string args=3:*Expr",
    "ListExpr": "elements=1:*Expr",
    "Comprehension": "iter_var=1:string iter_range=2:Expr accu_var=3:string accu_init=4:Expr loop_condition=5:Expr "
    "loop_step=6:Expr result=7:Expr iter_var2=8:string",
}
_SCALAR_NUMBERS: Final = {"double": 1, "int64": 3, "uint64": 4, "int32": 5, "bool": 8, "string": 9, "bytes": 12}
_PRIMITIVES: Final = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}
_WELL_KNOWN: Final = {1: "any", 2: "timestamp", 3: "duration"}
_OPERATORS: Final[dict[str, Operator]] = {
    "_&&_": "&&", "_||_": "||", "!_": "!", "_==_": "==", "_!=_": "!=", "_<_": "<", "_<=_": "<=", "_>_": ">",
    "_>=_": ">=", "@in": "in", "_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_%_": "%", "-_": "neg", "_[_]": "[]",
    "size": "size",
}  # fmt: skip
_RAW_DEPTH_MAX: Final = 4 * limits.RULE_DEPTH_MAX
"""The raw tree is deeper than the normal form: balanced `&&`, literals and macros are yet to be folded."""
_TYPES: Final[dict[str, Type]] = {name: name for name in get_args(Type)}
# protobuf's generated modules carry no types that mypy can see
_PROTO: Final[Any] = descriptor_pb2
_POOL: Final[Any] = descriptor_pool.DescriptorPool
_FACTORY: Final[Any] = message_factory
_ANY: Final[Any] = any_pb2.__dict__["Any"]


def _message_class() -> Any:
    file = _PROTO.FileDescriptorProto(name="holdgate_cel.proto", package="h", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if "|" in fields:
            message.oneof_decl.add(name="kind")
        for number_and_name in fields.split():
            field, number, kind = re.split("[=:]", number_and_name)
            held = message.field.add(name=field, number=int(number), label=3 if kind.startswith("*") else 1)
            if kind.startswith("|"):
                held.oneof_index = 0
            kind = kind.lstrip("*|")
            held.type = _SCALAR_NUMBERS.get(kind, 11)
            if kind not in _SCALAR_NUMBERS:
                held.type_name = f".h.{kind}"
    pool = _POOL()
    pool.AddSerializedFile(file.SerializeToString())
    return _FACTORY.GetMessageClass(pool.FindMessageTypeByName("h.CheckedExpr"))


_CheckedExpr: Final = _message_class()


def checked_tree(serialized: bytes) -> Any:
    """The `CheckedExpr` inside a serialized expression.

    Raises:
        Malformed: the tree is too deep to be read.
    """
    try:
        return _CheckedExpr.FromString(_ANY.FromString(serialized).value)
    except DecodeError:
        raise Malformed(TOO_DEEP) from None


class Lowering:
    """One checked tree on its way to the normal form; everything that the profile does not know is refused by name."""

    def __init__(self, checked: Any) -> None:
        self._root = checked.expr
        self._types: dict[int, Any] = {entry.key: entry.value for entry in checked.types}

    def rule(self) -> Node:
        """The normal form, yet to be checked for size, depth and operators (`normal.check`).

        Raises:
            Malformed: a construct outside the profile.
        """
        return self._node(self._root, 1)

    def _node(self, expr: Any, depth: int) -> Node:
        if depth > _RAW_DEPTH_MAX:
            raise Malformed(TOO_DEEP)
        match expr.WhichOneof("kind"):
            case "const":
                return _const(expr.const)
            case "ident":
                return Name(n=expr.ident.name, t=self._type(expr))
            case "select":
                held = self._node(expr.select.operand, depth + 1)
                if expr.select.test_only:
                    return Has(r=held, f=expr.select.field)
                return Field(r=held, f=expr.select.field, t=self._type(expr))
            case "call":
                return self._call(expr, depth)
            case "list":
                self._type(expr)
                return Items(i=tuple(self._node(item, depth + 1) for item in expr.list.elements))
            case "comprehension":
                return self._quant(expr.comprehension, depth)
            case _:
                raise Malformed(instead_of("{}"))

    def _type(self, expr: Any) -> Type:
        """The checked type of an expression; refused where the profile has no such type."""
        name = _type_name(self._types.get(expr.id))
        if name not in _TYPES:
            raise Malformed(instead_of(name))
        return _TYPES[name]

    def _call(self, expr: Any, depth: int) -> Node:
        call = expr.call
        function, parts = call.function, ([call.target] if call.HasField("target") else []) + list(call.args)
        if function in ("timestamp", "duration") and len(parts) == 1:
            return _time_literal(function, parts[0])
        if function == "_?_:_":
            test, yes, no = (self._node(part, depth + 1) for part in parts)
            return Cond(c=test, y=yes, n=no)
        if function not in _OPERATORS:
            raise Malformed(instead_of(f"{function}()"))
        self._type(expr)
        operator = _OPERATORS[function]
        args = tuple(self._node(part, depth + 1) for part in parts)
        if operator in ("&&", "||"):
            return Call(o=operator, a=tuple(part for arg in args for part in _flat(arg, operator)))
        if operator == "neg" and isinstance(args[0], Const) and isinstance(args[0].v, int):
            return Const(v=-args[0].v, t="int")
        return Call(o=operator, a=args)

    def _quant(self, loop: Any, depth: int) -> Node:
        kind = _macro(loop)
        step = loop.loop_step.call
        body = step.args[0] if kind == "exists_one" else step.args[1]
        listed = self._node(loop.iter_range, depth + 1)
        return Quant(q=kind, l=listed, v=loop.iter_var, b=self._node(body, depth + 1))


def _flat(node: Node, operator: Operator) -> tuple[Node, ...]:
    return node.a if isinstance(node, Call) and node.o == operator else (node,)


def _type_name(kind: Any) -> str:
    which = kind.WhichOneof("kind") if kind is not None else None
    if which == "primitive":
        return _PRIMITIVES.get(kind.primitive, "dyn")
    if which == "well_known":
        return _WELL_KNOWN.get(kind.well_known, "dyn")
    if which == "list_type":
        return f"list<{_type_name(kind.list_type.elem_type)}>"
    if which == "message_type":
        known = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}
        return known.get(kind.message_type, "record")
    return "map" if which == "map_type" else "dyn"


def _const(const: Any) -> Const:
    kind = const.WhichOneof("kind")
    scalars: dict[str, Scalar] = {"bool": "bool", "int": "int", "string": "string"}
    if kind not in scalars:
        raise Malformed(instead_of(str(kind)))
    return Const(v=getattr(const, kind), t=scalars[kind])


def _macro(loop: Any) -> Quantifier:
    """Which macro a comprehension came from; its whole shape must be the one that the macro expands to."""
    accu, step, first = loop.accu_var, loop.loop_step.call, loop.accu_init.const
    plain = loop.result.ident.name == accu
    if not loop.iter_var2 and len(step.args) == 2 and step.args[0].ident.name == accu and plain:
        if step.function == "_&&_" and first.WhichOneof("kind") == "bool" and first.bool:
            return "all"
        if step.function == "_||_" and first.WhichOneof("kind") == "bool" and not first.bool:
            return "exists"
    counted = first.WhichOneof("kind") == "int" and first.int == 0 and step.function == "_?_:_"
    if not loop.iter_var2 and counted and step.args[2].ident.name == accu and loop.result.call.function == "_==_":
        return "exists_one"
    raise Malformed(instead_of("map()"))


_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_DURATION: Final = re.compile(r"-?((\d{1,12})(\.\d{1,9})?(h|ms|us|ns|m|s))+")
_PART: Final = re.compile(r"(\d+)(?:\.(\d+))?(h|ms|us|ns|m|s)")
_UNIT_NS: Final = {"h": 3_600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def _time_literal(function: str, argument: Any) -> Const:
    if argument.WhichOneof("kind") != "const" or argument.const.WhichOneof("kind") != "string":
        raise Malformed(instead_of(f"{function}()"))
    text = argument.const.string
    if function == "timestamp":
        if not _TIMESTAMP.fullmatch(text):
            raise Malformed(f'{text[:40]!r} is not a time of the profile; write timestamp("2026-04-01T13:00:00Z")')
        return Const(v=instant.parse(text), t="timestamp")
    if not _DURATION.fullmatch(text):
        raise Malformed(f'{text[:40]!r} is not a duration of the profile; write duration("1h30m")')
    total = 0
    for whole, fraction, unit in _PART.findall(text):
        scaled = int(whole + fraction) * _UNIT_NS[unit]
        if scaled % 10 ** len(fraction):
            raise Malformed(f"the duration {text[:40]!r} is finer than a microsecond; write whole microseconds")
        total += scaled // 10 ** len(fraction)
    if total % 1_000:
        raise Malformed(f"the duration {text[:40]!r} is finer than a microsecond; write whole microseconds")
    return Const(v=(-total if text.startswith("-") else total) // 1_000, t="duration")
