"""From the normal form of a rule to SMT-LIB: each term becomes a value and an error, as the evaluator has them.

`&&` and `||` absorb an error where the other side decides, in either order; `all` and `exists` do so over items,
`exists_one` does not. Errors are those of the evaluator: int64 overflow, division by zero, an index outside the list, a
missing field. Division truncates. Not encoded are the budget of steps and the longest list: both can only refuse more.

A list has a fixed number of places, each filled or not. What holds for every filling of that many places holds for
lists of any length if the rule is simple enough; `places_for` says how many are needed, and None where no number will do.

Source: cel-spec langdef.md, as in `holdgate.law.rules.evaluate`.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias, Union

from holdgate.certifier.smt import FALSE, TRUE, Script, Term, both, either, no, num, pick, plus, same
from holdgate.law.rules.nodes import (
    ELEMENTS,
    Call,
    Cond,
    Const,
    Field,
    Has,
    Items,
    Name,
    Node,
    Quant,
    Type,
    children,
    type_of,
)
from holdgate.law.rules.operators import RANGES
from holdgate.terms.errors import InvariantBroken

PLACES_MAX: Final = 40
"""Places of a list in a question; a rule that needs more is not answered."""


class Cell(NamedTuple):
    """A field of a record, which may be missing."""

    value: "Value"
    missing: Term = FALSE


class Place(NamedTuple):
    """A place of a list, which may be empty. Filled places stand in the order of the list."""

    filled: Term
    value: "Value"


Value: TypeAlias = Union[Term, Mapping[str, Cell], tuple[Place, ...]]  # noqa: UP007 (forward references)
"""A scalar, a record or a list. Times are microseconds, texts the numbers that stand for them."""


class Said(NamedTuple):
    """What a term comes to: a value, unless there is an error."""

    value: Value
    error: Term = FALSE

    @property
    def term(self) -> Term:
        """The value of a scalar."""
        if not isinstance(self.value, str):
            raise InvariantBroken("a record or list stands where a scalar was checked")
        return self.value


class Encoder:
    """Encodes rules into one script."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def true(self, node: Node, facts: Mapping[str, Cell]) -> Term:
        """The rule is exactly true."""
        said = self.said(node, facts)
        return self._script.named(both(said.term, no(said.error)))

    def said(self, node: Node, facts: Mapping[str, Cell]) -> Said:
        """The value and the error of a checked node over facts."""
        match node:
            case Const():
                return Said(self._const(node))
            case Name():
                return _read(facts.get(node.n), node.t)
            case Field():
                held = self.said(node.r, facts)
                read = _read(self._record(held).get(node.f), node.t)
                return Said(read.value, either(held.error, read.error))
            case Has():
                held = self.said(node.r, facts)
                cell = self._record(held).get(node.f)
                return Said(FALSE if cell is None else no(cell.missing), held.error)
            case Items():
                items = [self.said(item, facts) for item in node.i]
                return Said(tuple(Place(TRUE, item.value) for item in items), self._any(items))
            case Cond():
                return self._cond(*(self.said(part, facts) for part in children(node)))
            case Quant():
                return self._quant(node, facts)
            case Call():
                return self._call(node, [self.said(part, facts) for part in node.a])

    def _const(self, node: Const) -> Term:
        if isinstance(node.v, bool):
            return TRUE if node.v else FALSE
        return self._script.text(node.v) if isinstance(node.v, str) else num(node.v)

    def _record(self, said: Said) -> Mapping[str, Cell]:
        return said.value if isinstance(said.value, Mapping) else {}

    def _list(self, said: Said) -> tuple[Place, ...]:
        return said.value if isinstance(said.value, tuple) else ()

    def _any(self, parts: Iterable[Said]) -> Term:
        return self._script.named(either(*(part.error for part in parts)))

    def _cond(self, test: Said, yes: Said, otherwise: Said) -> Said:
        error = either(test.error, both(test.term, yes.error), both(no(test.term), otherwise.error))
        return Said(self._merge(test.term, yes.value, otherwise.value), self._script.named(error))

    def _merge(self, test: Term, yes: Value, otherwise: Value) -> Value:
        """`yes` where the test holds, field by field and place by place."""
        if isinstance(yes, str) and isinstance(otherwise, str):
            return pick(test, yes, otherwise)
        if isinstance(yes, Mapping) and isinstance(otherwise, Mapping):
            names = dict.fromkeys((*yes, *otherwise))
            return {name: self._merge_cell(test, yes.get(name), otherwise.get(name)) for name in names}
        left, right = self._list(Said(yes)), self._list(Said(otherwise))
        mine = [Place(both(test, place.filled), place.value) for place in left]
        return (*mine, *(Place(both(no(test), place.filled), place.value) for place in right))

    def _merge_cell(self, test: Term, yes: Cell | None, otherwise: Cell | None) -> Cell:
        if yes is None or otherwise is None:
            known = yes or otherwise or Cell("0", TRUE)
            here = no(test) if yes is None else test
            return Cell(known.value, either(known.missing, no(here)))
        return Cell(self._merge(test, yes.value, otherwise.value), pick(test, yes.missing, otherwise.missing))

    def _quant(self, node: Quant, facts: Mapping[str, Cell]) -> Said:
        listed, named = self.said(node.l, facts), self._script.named
        good, bad, faults = [], [], []
        for place in self._list(listed):
            said = self.said(node.b, {**facts, node.v: Cell(place.value)})
            sound = both(place.filled, no(said.error))
            good.append(named(both(sound, said.term)))
            bad.append(named(both(sound, no(said.term))))
            faults.append(named(both(place.filled, said.error)))
        fault = named(either(*faults))
        if node.q == "exists_one":
            count = plus(*(pick(one, "1", "0") for one in good))
            return Said(named(same(count, "1")), either(listed.error, fault))
        decided = named(either(*(bad if node.q == "all" else good)))
        value = no(decided) if node.q == "all" else decided
        return Said(value, named(either(listed.error, both(no(decided), fault))))

    def _call(self, node: Call, parts: list[Said]) -> Said:
        if node.o in ("&&", "||"):
            return self._join(parts, stop=node.o == "||")
        error = self._any(parts)
        match node.o:
            case "!":
                return Said(no(parts[0].term), error)
            case "size":
                places = self._list(parts[0])
                return Said(self._script.named(_count(places), "Int"), error)
            case "in":
                found = (both(place.filled, same(parts[0].term, _scalar(place))) for place in self._list(parts[1]))
                return Said(self._script.named(either(*found)), error)
            case "[]":
                return self._index(node, self._list(parts[0]), parts[1].term, error)
            case "==" | "!=":
                alike = same(parts[0].term, parts[1].term)
                return Said(alike if node.o == "==" else no(alike), error)
            case "<" | "<=" | ">" | ">=":
                return Said(f"({node.o} {parts[0].term} {parts[1].term})", error)
            case _:
                return self._arithmetic(node, [part.term for part in parts], error)

    def _join(self, parts: list[Said], *, stop: bool) -> Said:
        named = self._script.named
        decides = [both(no(part.error), part.term if stop else no(part.term)) for part in parts]
        decided = named(either(*decides))
        error = both(no(decided), either(*(part.error for part in parts)))
        return Said(decided if stop else no(decided), named(error))

    def _index(self, node: Call, places: tuple[Place, ...], at: Term, error: Term) -> Said:
        named = self._script.named
        found: Value | None = None
        here: list[Term] = []
        before: Term = "0"
        for place in places:
            hit = named(both(place.filled, same(before, at)))
            here.append(hit)
            found = place.value if found is None else self._merge(hit, place.value, found)
            before = named(plus(before, pick(place.filled, "1", "0")), "Int")
        return Said(_nothing(type_of(node)) if found is None else found, named(either(error, no(either(*here)))))

    def _arithmetic(self, node: Call, terms: list[Term], error: Term) -> Said:
        named = self._script.named
        fault: Term = FALSE
        if node.o == "neg":
            value = f"(- {terms[0]})"
        elif node.o in ("/", "%"):
            value, fault = self._divided(node.o, *terms)
        else:
            value = f"({node.o} {terms[0]} {terms[1]})"
        value = named(value, "Int")
        low, high = RANGES[type_of(node)]
        beyond = no(f"(<= {num(low)} {value} {num(high)})")
        return Said(value, named(either(error, fault, beyond)))

    def _divided(self, operator: str, left: Term, right: Term) -> tuple[Term, Term]:
        """SMT-LIB's div floors; the evaluator truncates, and the remainder takes the sign of the dividend."""
        size = (f"(ite (< {term} 0) (- {term}) {term})" for term in (left, right))
        above, below = (self._script.named(term, "Int") for term in size)
        zero = same(right, "0")
        if operator == "/":
            whole = self._script.named(f"(div {above} {below})", "Int")
            return f"(ite (= (< {left} 0) (< {right} 0)) {whole} (- {whole}))", zero
        rest = self._script.named(f"(mod {above} {below})", "Int")
        low = num(RANGES["int"][0])
        return f"(ite (< {left} 0) (- {rest}) {rest})", either(zero, both(same(left, low), same(right, num(-1))))


def _read(cell: Cell | None, kind: Type) -> Said:
    """A fact or field; where there is none, an error and a value that nobody looks at."""
    return Said(_nothing(kind), TRUE) if cell is None else Said(cell.value, cell.missing)


def _nothing(kind: Type) -> Value:
    if kind in ELEMENTS:
        return ()
    return {} if kind == "record" else FALSE if kind == "bool" else "0"


def _count(places: tuple[Place, ...]) -> Term:
    return plus(*(pick(place.filled, "1", "0") for place in places))


def _scalar(place: Place) -> Term:
    return Said(place.value).term


def places_for(*rules: Node) -> int | None:
    """How many places of a list a question about these rules needs, so that its answer holds for every length.

    Each `exists` (and `all`) needs one item that decides it, `exists_one` two, `in` one; a size is compared with constants, and
    items beyond the greatest decide nothing. None: a quantifier stands inside of another, or a size or an index is computed
    with, and no number of places will do.
    """
    needed = 1
    for rule in rules:
        found = _needs(rule, inside=False)
        if found is None:
            return None
        needed += found
    return needed if needed <= PLACES_MAX else None


def _needs(node: Node, *, inside: bool) -> int | None:
    total = 0
    match node:
        case Quant():
            if isinstance(node.l, Items):
                total = 0
            elif inside:
                return None
            else:
                total = 2 if node.q == "exists_one" else 1
            inside = inside or not isinstance(node.l, Items)
        case Call(o="in") if not isinstance(node.a[1], Items):
            if inside:
                return None
            total = 1
        case Call(o="[]") if not isinstance(node.a[0], Items):
            return None
        case Call(o="<" | "<=" | ">" | ">=" | "==" | "!=", a=(left, right)) if _sizes(left) or _sizes(right):
            fixed = right if _sizes(left) else left
            if not isinstance(fixed, Const) or not isinstance(fixed.v, int):
                return None
            return abs(fixed.v) + 1 if _plain_size(left) or _plain_size(right) else None
        case Call(o="size"):
            return None
        case _:
            pass
    for child in children(node):
        found = _needs(child, inside=inside)
        if found is None:
            return None
        total += found
    return total


def _sizes(node: Node) -> bool:
    return (isinstance(node, Call) and node.o == "size") or any(_sizes(child) for child in children(node))


def _plain_size(node: Node) -> bool:
    return isinstance(node, Call) and node.o == "size" and isinstance(node.a[0], Name | Field)
