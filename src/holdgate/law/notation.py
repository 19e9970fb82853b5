"""The notation: contracts as people write them, in YAML, become the documents that are signed.

Two steps, and neither guesses. `read_yaml` reads text as a tree of texts, lists and mappings: every scalar is a text
(`on`, `1.10` and `2026-04-01` stay what was typed), and what could say one thing twice or another thing unseen is
refused: a repeated key, anchors and aliases, tags, directives, merge keys, several documents, an empty value. `read_as`
then reads such a tree as one of the law's own structs. The notation therefore has exactly the fields of
`law.contract`, a whole number and a yes or no have one spelling each, and an unknown field is an error.

Only rules differ between notation and document: an author writes `{id, when, cel, say}`, the document carries the
normal form too. `parse_rule` (the certifier's, handed in, since the law imports no parser) turns CEL text into it.

An order template with its technique embedded:

    notation: holdgate-contract/1
    family: SmartClientPO
    id: SP-FPI-4512
    version: '3'
    title: FPI Type I Method A
    author: SID-L3-01
    standards: [ASTM E1417/E1417M]
    process:
      steps:
        - id: S30
          name: Apply penetrant
          role: technician
          zones: [FPI-LINE]
          characteristics:
            - {id: part_temp, unit: degF, min: '40', max: '125'}
          rules:
            - {id: two-readings, when: sign, cel: size(readings) >= 2, say: 'Two readings, please'}
    price_minor: 120000
    …

The embedded technique takes notation, id, version, author, title and standards from its template unless it says
otherwise, and may be of any family that is executed (`family: SmartMaintenance`). A technique that lies beside the
template is named instead (`process: fpi-technique.yaml`) and has a head of its own. `quality` and `pay` embed or name a
SmartQA and a SmartPay in the same way.

Source: YAML 1.1 as PyYAML reads it (BaseLoader); docs/spec/notation.md.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn, TypeAlias, TypeVar, Union

import msgspec
import yaml
from msgspec import Raw, Struct
from typing_extensions import override
from yaml.error import Mark, MarkedYAMLError
from yaml.reader import ReaderError

from holdgate.law.contract import (
    NOTATION,
    TECHNIQUES,
    SmartClientPO,
    SmartPay,
    SmartQA,
    SmartSP,
    StepRule,
    document_digest,
)
from holdgate.law.families import Bundle
from holdgate.terms import canon, limits
from holdgate.terms.errors import Malformed
from holdgate.terms.ids import check_id

Tree: TypeAlias = Union[str, list["Tree"], dict[str, "Tree"]]  # noqa: UP007 (forward references)
"""A YAML document without guesses: texts, lists and mappings of texts to trees."""

ParseRule: TypeAlias = Callable[[str], bytes]
"""CEL text to the canonical JSON of its normal form; raises Malformed with a sentence for the author."""

Neighbour: TypeAlias = Callable[[str], str]
"""The text of the file of this name beside the one that is read."""

T = TypeVar("T")
Governing = TypeVar("Governing", SmartQA, SmartPay)

HEAD: Final[tuple[str, ...]] = ("notation", "id", "version", "author", "title", "standards")
_DEEP: Final = f"it is nested deeper than {limits.PAYLOAD_DEPTH_MAX} levels; write it flatter"


# ---- text to tree --------------------------------------------------------------------------------------------------


def read_yaml(text: str, what: str) -> Tree:
    """Read untrusted YAML as a tree; every scalar stays the text that was written.

    Args:
        text: untrusted.
        what: the thing in words, for the message.

    Raises:
        Malformed: too long, not YAML, nested too deep, or a construct that the notation leaves out; the sentence names
            line and column.
    """
    _check_size(text, what)
    try:
        tree = _Loader(text).tree()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Malformed(f"{what}{_place(mark)}: {error.problem or error.context}") from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Malformed(f"{what}, line {line}: it holds a character that YAML does not allow") from None
    canon.check_text(tree, what)
    return tree


def _check_size(text: str, what: str) -> None:
    """What is longer costs seconds to read, before anything in it can be refused.

    Raises:
        Malformed: too many bytes, or too many lines, commas and brackets.
    """
    if len(text) > limits.NOTATION_BYTES_MAX or len(text.encode(errors="replace")) > limits.NOTATION_BYTES_MAX:
        raise Malformed(f"{what} is longer than {limits.NOTATION_BYTES_MAX} bytes; write it in several documents")
    if sum(map(text.count, "\n\r,[{")) > limits.NOTATION_MARKS_MAX:
        raise Malformed(
            f"{what} has more than {limits.NOTATION_MARKS_MAX} lines, commas and brackets; write it in several documents"
        )


def _place(mark: Mark | None) -> str:
    return "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"


class _Loader(yaml.BaseLoader):
    """PyYAML's scanner and parser, which stop at the first thing the notation leaves out; the tree is built here.

    Depth and forbidden signs are refused while scanning, before any look-ahead can cost time.
    """

    def _refuse(self, why: str, mark: Mark | None = None) -> NoReturn:
        raise MarkedYAMLError(problem=why, problem_mark=mark or self.get_mark())

    def _next(self) -> Any:
        return self.get_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it open

    def _mark_ahead(self) -> Mark:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark: Mark = event.start_mark
        return mark

    @override
    def fetch_anchor(self) -> NoReturn:
        self._refuse("anchors (&name) are not in the notation; write the value where it belongs, or quote the text")

    @override
    def fetch_alias(self) -> NoReturn:
        self._refuse("aliases (*name) are not in the notation; write the value where it belongs, or quote the text")

    @override
    def fetch_tag(self) -> NoReturn:
        self._refuse("tags (!name) are not in the notation; every value is a text, or quote the text")

    @override
    def fetch_directive(self) -> NoReturn:
        self._refuse("directives (%) are not in the notation; leave the line out")

    @override
    def fetch_flow_collection_start(self, TokenClass: Any) -> None:
        if self.flow_level >= limits.PAYLOAD_DEPTH_MAX:
            self._refuse(_DEEP)
        super().fetch_flow_collection_start(TokenClass)

    @override
    def add_indent(self, column: int) -> bool:
        if len(self.indents) > limits.PAYLOAD_DEPTH_MAX:
            self._refuse(_DEEP)
        return super().add_indent(column)

    def tree(self) -> Tree:
        """The one document of the stream."""
        self._next()
        if self.check_event(yaml.StreamEndEvent):
            self._refuse("there is nothing here")
        self._next()
        tree = self._node(1)
        self._next()
        if not self.check_event(yaml.StreamEndEvent):
            self._refuse("a second document begins; one file holds one document", self._mark_ahead())
        return tree

    def _node(self, depth: int) -> Tree:
        mark, event = self._mark_ahead(), self._next()
        if isinstance(event, yaml.ScalarEvent):
            if event.style is None and not event.value:
                self._refuse("the value is missing; write '' for an empty text", mark)
            return str(event.value)
        if depth > limits.PAYLOAD_DEPTH_MAX:
            self._refuse(_DEEP, mark)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(depth)
        return self._mapping(depth)

    def _list(self, depth: int) -> list[Tree]:
        items: list[Tree] = []
        while not self.check_event(yaml.SequenceEndEvent):
            if len(items) == limits.LIST_ITEMS_MAX:
                self._refuse(f"a list has more than {limits.LIST_ITEMS_MAX} items", self._mark_ahead())
            items.append(self._node(depth + 1))
        self._next()
        return items

    def _mapping(self, depth: int) -> dict[str, Tree]:
        held: dict[str, Tree] = {}
        while not self.check_event(yaml.MappingEndEvent):
            mark = self._mark_ahead()
            if not self.check_event(yaml.ScalarEvent):
                self._refuse("a key is a text, not a list or a mapping", mark)
            key = str(self._next().value)
            if key in held:
                self._refuse(f"the key {key[:80]!r} is there twice; keep one", mark)
            if key == "<<":
                self._refuse("merge keys (<<) are not in the notation; write the fields where they belong", mark)
            held[key] = self._node(depth + 1)
        self._next()
        return held


# ---- tree to struct ------------------------------------------------------------------------------------------------


def read_as(tree: Tree, kind: type[T], what: str) -> T:
    """Read a tree as a struct (or a list of them) whose fields are texts, whole numbers, yes or no, lists and structs.

    Args:
        tree: untrusted.
        kind: the wanted type.
        what: the thing in words, for the message.

    Raises:
        Malformed: a missing or unknown field, or a value that is not spelled as its type is; the path is named.
    """
    try:
        value = msgspec.convert(tree, kind, strict=False)
    except msgspec.ValidationError as error:
        why, _, path = str(error).partition(" - at `$")
        raise Malformed(f"{what}{_dotted(path.rstrip('`'))}: {why}") from None
    for path, why in _misspelled(value, tree, ""):
        raise Malformed(f"{what}{_dotted(path)}: {why}")
    return value


def as_mapping(tree: Tree, what: str) -> dict[str, Tree]:
    """The tree, if it is a mapping.

    Raises:
        Malformed: it is not.
    """
    if not isinstance(tree, dict):
        raise Malformed(f"{what} is not a mapping of fields; write `field: value` lines")
    return tree


def as_list(tree: Tree, what: str) -> list[Tree]:
    """The tree, if it is a list.

    Raises:
        Malformed: it is not.
    """
    if not isinstance(tree, list):
        raise Malformed(f"{what} is not a list; write `- item` lines or [item, item]")
    return tree


def _dotted(path: str) -> str:
    return f", at {path.lstrip('.')}" if path else ""


def _misspelled(value: object, tree: Tree, path: str) -> Iterator[tuple[str, str]]:
    """Where a value was written otherwise than its one spelling (`1e3`, `True`, `null`), or is out of bounds."""
    if isinstance(value, bool):
        if tree not in ("true", "false"):
            yield path, f"{tree!r} is neither true nor false"
    elif isinstance(value, int):
        if tree != str(value) or abs(value) > limits.INTEGER_ABS_MAX:
            yield path, f"{str(tree)[:40]!r} is not a whole number in plain digits (2^53 - 1 at most)"
    elif value is None:
        yield path, "leave the field out where it has no value"
    elif isinstance(value, Struct) and isinstance(tree, dict):
        for name, key in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            if key in tree:
                yield from _misspelled(getattr(value, name), tree[key], f"{path}.{key}")
    elif isinstance(value, Mapping) and isinstance(tree, dict):
        for key, item in tree.items():
            yield from _misspelled(value[key], item, f"{path}.{key}")
    elif isinstance(value, tuple) and isinstance(tree, list):
        for index, (item, part) in enumerate(zip(value, tree, strict=True)):
            yield from _misspelled(item, part, f"{path}[{index}]")


# ---- contracts -----------------------------------------------------------------------------------------------------


class RuleText(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as its author writes it: asked at `start` or `sign`, CEL text, the sentence of its denial."""

    id: str
    when: str
    cel: str
    say: str


def read_bundle(text: str, parse_rule: ParseRule, neighbour: Neighbour | None = None) -> Bundle:
    """Read a contract, as a lab writes it: an order template, its technique, and the SmartQA and SmartPay that it names.

    Structure only; `holdgate.law.completeness` and `holdgate.law.families` say what is missing.

    Args:
        text: untrusted YAML of the SmartClientPO.
        parse_rule: CEL text to normal form.
        neighbour: finds the text of a document that is named instead of embedded; the name is an id of our grammar,
            so that it holds no path.

    Raises:
        Malformed: what is wrong and where.
    """
    template = as_mapping(read_yaml(text, "the contract"), "the contract")
    _expect_head(template, ("SmartClientPO",), "the contract")
    quality = _governing(template, "quality", SmartQA, neighbour)
    pay = _governing(template, "pay", SmartPay, neighbour)
    hashes = {
        name: document_digest(document)
        for name, document in (("quality", quality), ("pay", pay))
        if document is not None
    }
    process = _named(template, "process", tuple(TECHNIQUES), neighbour)
    if process is None:
        raise Malformed("the contract has no process: write its technique under `process:`, or the name of its file")
    order, technique = pair_of({**template, **hashes}, process, parse_rule)
    return Bundle(order, technique, quality, pay)


def _named(
    template: Mapping[str, Tree], key: str, families: tuple[str, ...], neighbour: Neighbour | None
) -> dict[str, Tree] | None:
    """The tree of a document that a contract embeds under a key, or names there; None where it does neither."""
    tree = template.get(key)
    if isinstance(tree, str):
        check_id(tree, f"the file of the {key}")
        if neighbour is None:
            raise Malformed(f"the contract names the {key} {tree}, but only one text was given; embed it")
        what = f"the {key} {tree}"
        found = as_mapping(read_yaml(neighbour(tree), what), what)
        _expect_head(found, families, what)
        return found
    if isinstance(tree, dict):
        inherited = {name: template[name] for name in HEAD if name in template}
        return {**inherited, **tree}
    return None


def _governing(
    template: Mapping[str, Tree], key: str, kind: type[Governing], neighbour: Neighbour | None
) -> Governing | None:
    tree = _named(template, key, (kind.__name__,), neighbour)
    return None if tree is None else read_as(_plain(tree), kind, f"the {kind.__name__}")


def _plain(tree: Mapping[str, Tree]) -> dict[str, Tree]:
    """Without the family, which the struct's type says."""
    return {key: value for key, value in tree.items() if key != "family"}


def read_notation(
    text: str, parse_rule: ParseRule, neighbour: Neighbour | None = None
) -> tuple[SmartClientPO, SmartSP]:
    """Order template and technique of a contract that names nothing else (`read_bundle`).

    Raises:
        Malformed: what is wrong and where.
    """
    bundle = read_bundle(text, parse_rule, neighbour)
    return bundle.template, bundle.technique


def pair_of(
    template: Mapping[str, Tree], technique: Mapping[str, Tree], parse_rule: ParseRule
) -> tuple[SmartClientPO, SmartSP]:
    """The two documents of a contract from the trees of template and technique; `process` becomes the hash.

    Raises:
        Malformed: what is wrong and where.
    """
    process = _technique(technique, parse_rule)
    named: dict[str, Tree] = {**template, "process": document_digest(process)}
    order = read_as(named, SmartClientPO, "the order template")
    for document in (order, process):
        if document.notation != NOTATION:
            raise Malformed(f"the contract is written in {document.notation!r}; this version reads {NOTATION}")
    return order, process


def _expect_head(tree: Mapping[str, Tree], families: tuple[str, ...], what: str) -> None:
    if tree.get("notation") != NOTATION:
        raise Malformed(f"{what} does not begin with `notation: {NOTATION}`, which says how to read it")
    if tree.get("family") not in families:
        expected = " or ".join(f"`family: {family}`" for family in families)
        raise Malformed(f"{what} has the family {tree.get('family', 'none')!r}; expected is {expected}")


def _technique(tree: Mapping[str, Tree], parse_rule: ParseRule) -> SmartSP:
    steps: list[Tree] = []
    rules: list[tuple[StepRule, ...]] = []
    for index, tree_step in enumerate(as_list(tree.get("steps", []), "the technique, at steps")):
        where = f"the technique, at steps[{index}]"
        step = dict(as_mapping(tree_step, where))
        written = read_as(step.pop("rules", []), tuple[RuleText, ...], f"{where}.rules")
        rules.append(tuple(_rule(rule, f"{where}, rule {rule.id}", parse_rule) for rule in written))
        steps.append(step)
    family = TECHNIQUES.get(str(tree.get("family", "SmartSP")))
    if family is None:
        raise Malformed(f"the technique has the family {tree.get('family')!r}; known are {', '.join(TECHNIQUES)}")
    plain: SmartSP = read_as({**_plain(tree), "steps": steps}, family, "the technique")
    whole = tuple(
        msgspec.structs.replace(step, rules=own) if own else step for step, own in zip(plain.steps, rules, strict=True)
    )
    return msgspec.structs.replace(plain, steps=whole)


def _rule(rule: RuleText, where: str, parse_rule: ParseRule) -> StepRule:
    try:
        normal = parse_rule(rule.cel)
    except Malformed as error:
        raise Malformed(f"{where}: {error}") from None
    return StepRule(id=rule.id, when=rule.when, cel=rule.cel, say=rule.say, normal=Raw(normal))
