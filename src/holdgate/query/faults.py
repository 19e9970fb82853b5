"""Every fault of a contract as it is written, with its line where that can be told.

1. The text is YAML of the notation, else that is the one fault. 2. The tree is read part by part, so that one misspelled
step does not hide the next. 3. What can be read is held against completeness. A fault names lines by the ids that its
sentence speaks of; the file is named where a contract is written in several.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import yaml
from msgspec import Struct

from holdgate.law.completeness import incomplete
from holdgate.law.contract import TECHNIQUES, Billing, PayoutRule, SmartClientPO, SmartSP, Step
from holdgate.law.families import Bundle, bundle_faults
from holdgate.law.notation import HEAD, Neighbour, ParseRule, RuleText, Tree, read_as, read_bundle, read_yaml
from holdgate.terms.errors import Malformed

_LINE: Final = re.compile(r"line (\d+)")
_OF_A_PART: Final = re.compile(r", at (steps|billing|payouts)\[|, at \w+:|order template, at |technique, at ")
"""The first fault of a part: the parts are read one by one, so it is among what that finds."""
_UNKNOWN: Final = re.compile(r"unknown field `([^`]+)`")
_WORDS: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PARTS: Final[dict[str, type[Any]]] = {"steps": Step, "billing": Billing, "payouts": PayoutRule}
"""Lists that are read item by item."""


class Fault(Struct, frozen=True, kw_only=True):
    """Something that is wrong. `line` 0: of the whole file. `file` "": the contract's own."""

    what: str
    line: int = 0
    file: str = ""


class Checked(Struct, frozen=True, kw_only=True):
    """A contract that was looked at; `bundle`: where it can be read at all."""

    faults: tuple[Fault, ...]
    bundle: Bundle | None = None


def check(text: str, parse_rule: ParseRule, neighbour: Neighbour | None = None) -> Checked:
    """Look at a contract as it is written.

    Args:
        text: untrusted YAML of the SmartClientPO.
        parse_rule: CEL text to normal form; raises Malformed.
        neighbour: finds the text of a document that is named instead of embedded.
    """
    try:
        tree = read_yaml(text, "the contract")
    except Malformed as error:
        return Checked(faults=(_at_line(str(error)),))
    files = {"": text, **_neighbours(tree, neighbour)}
    places = {name: _Places(raw) for name, raw in files.items()}
    try:
        bundle = read_bundle(text, parse_rule, neighbour)
    except Malformed as error:
        found = [*_each_part(files, parse_rule, places)]
        said = str(error)
        if not found or not _OF_A_PART.search(said):
            found.insert(0, _placed(said, places))
        return Checked(faults=tuple(dict.fromkeys(sorted(found, key=lambda fault: (fault.file, fault.line)))))
    sentences = dict.fromkeys((*incomplete(bundle.template, bundle.technique), *bundle_faults(bundle)))
    return Checked(faults=tuple(_placed(sentence, places) for sentence in sentences), bundle=bundle)


def _neighbours(tree: Tree, neighbour: Neighbour | None) -> dict[str, str]:
    """The texts of the files that a contract names; one that is missing is read_bundle's to report."""
    found: dict[str, str] = {}
    for key in ("process", "quality", "pay"):
        name = tree.get(key) if isinstance(tree, dict) else None
        if not isinstance(name, str) or neighbour is None:
            continue
        try:
            text = neighbour(name)
            read_yaml(text, name)
        except Malformed:
            continue
        found[name] = text
    return found


def _each_part(files: Mapping[str, str], parse_rule: ParseRule, places: Mapping[str, "_Places"]) -> Iterator[Fault]:
    """Steps, rules, milestones and bonus rules, read one by one."""
    for name, text in files.items():
        tree = read_yaml(text, "the contract")
        for what, inside in _head(tree):
            yield Fault(what=what, line=places[name].line(inside), file=name)
        for place, item, kind in _items(tree):
            for what, inside in _part(item, kind, place, parse_rule):
                yield Fault(what=what, line=places[name].line(inside), file=name)


def _head(tree: Tree) -> Iterator[tuple[str, str]]:
    """What is wrong with the fields of template and technique beside the lists that are read one by one."""
    if not isinstance(tree, dict):
        return
    family = tree.get("family")
    empty: dict[str, Tree] = {"process": "-", "quality": "", "pay": "", "billing": [], "payouts": []}
    if family == "SmartClientPO":
        yield from _fields({**tree, **{key: value for key, value in empty.items() if key in tree}}, SmartClientPO, "")
        process = tree.get("process")
        if isinstance(process, dict):
            inherited = {key: tree[key] for key in HEAD if key in tree}
            yield from _fields({**inherited, **process, "steps": []}, SmartSP, "process.")
    elif isinstance(family, str) and family in TECHNIQUES:
        yield from _fields({**tree, "steps": []}, TECHNIQUES[family], "")


def _fields(tree: dict[str, Tree], kind: type[Any], path: str) -> Iterator[tuple[str, str]]:
    """Every field that cannot be read: one that is found wrong is taken out, and the rest is read again."""
    left = {key: value for key, value in tree.items() if key != "family"}
    name = kind.__name__
    taken: list[str] = []
    while True:
        try:
            read_as(left, kind, name)
        except Malformed as error:
            said = str(error)
            if any(f"missing required field `{field}`" in said for field in taken):
                return  # it was there, and wrong
            field = _wrong_field(said, left)
            yield said, f"{path}{field}"
            if field not in left:
                return  # it is missing: nothing more can be read without it
            taken.append(field)
            del left[field]
        else:
            return


def _wrong_field(said: str, tree: dict[str, Tree]) -> str:
    """The field that a sentence speaks of."""
    _, at, place = said.partition(", at ")
    if at:
        return re.split(r"[.\[:]", place, maxsplit=1)[0]
    unknown = _UNKNOWN.search(said)
    return unknown[1] if unknown is not None and unknown[1] in tree else ""


def _items(tree: Tree) -> Iterator[tuple[str, Tree, type[Any]]]:
    """The items of the lists that are read one by one, with their place: of a file, and of the technique in it."""
    process = tree.get("process") if isinstance(tree, dict) else None
    for path, holder in (("", tree), ("process.", process)):
        if not isinstance(holder, dict):
            continue
        for key, kind in _PARTS.items():
            items = holder.get(key)
            for index, item in enumerate(items if isinstance(items, list) else ()):
                yield f"{path}{key}[{index}]", item, kind


def _part(item: Tree, kind: type[Any], place: str, parse_rule: ParseRule) -> Iterator[tuple[str, str]]:
    """What is wrong with one item, and where: a step without its rules, then each rule."""
    if not isinstance(item, dict):
        yield f"{place} is not a mapping of fields; write `field: value` lines", place
        return
    named = f"{place} ({item['id']})" if isinstance(item.get("id"), str) else place
    rules = item.get("rules", []) if kind is Step else []
    plain = {key: value for key, value in item.items() if key != "rules" or kind is not Step}
    for said, inside in _fields(plain, kind, f"{place}."):
        yield f"{named}: {said.removeprefix(kind.__name__).lstrip(',: ')}", inside.rstrip(".")
    for number, rule in enumerate(rules if isinstance(rules, list) else ()):
        inside = f"{place}.rules[{number}]"
        yield from _tried(lambda rule=rule: _rule(rule, named, parse_rule), inside)  # type: ignore[misc]


def _rule(tree: Tree, named: str, parse_rule: ParseRule) -> None:
    rule = read_as(tree, RuleText, f"a rule of {named}")
    try:
        parse_rule(rule.cel)
    except Malformed as error:
        raise Malformed(f"rule {rule.id} of {named}: {error}") from None


def _tried(read: Callable[[], object], place: str) -> Iterator[tuple[str, str]]:
    try:
        read()
    except Malformed as error:
        yield str(error), place


def _at_line(said: str) -> Fault:
    line = _LINE.search(said)
    return Fault(what=said, line=0 if line is None else int(line[1]))


def _placed(sentence: str, places: Mapping[str, "_Places"]) -> Fault:
    """A sentence with the line of what it speaks of: where most of its words are ids, the innermost first."""
    words = frozenset(word.strip(".") for word in _WORDS.findall(sentence))
    best = (0, 0, "")
    for name, found in places.items():
        for ids, line in found.named:
            hits = sum(text in words for text in ids)
            if hits == len(ids) and hits > best[0]:
                best = (hits, line, name)
    return Fault(what=sentence, line=best[1], file=best[2])


class _Places:
    """Where things stand in a text: lines by path, and by the ids that lead there."""

    def __init__(self, text: str) -> None:
        self.paths: dict[str, int] = {}
        self.named: list[tuple[tuple[str, ...], int]] = []
        self._walk(yaml.compose(text, Loader=yaml.BaseLoader), "", ())

    def line(self, path: str) -> int:
        """The line of a path, or of the nearest thing above it."""
        while path and path not in self.paths:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.paths.get(path, 0)

    def _walk(self, node: Any, path: str, ids: tuple[str, ...]) -> None:
        line = node.start_mark.line + 1
        self.paths.setdefault(path, line)
        if isinstance(node, yaml.MappingNode):
            own = next((value.value for key, value in node.value if key.value == "id"), None)
            inner = (*ids, own) if isinstance(own, str) and path not in ("", "process") else ids
            if inner != ids:
                self.named.append((inner, line))
            for key, value in node.value:
                inside = f"{path}.{key.value}" if path else str(key.value)
                self.paths[inside] = key.start_mark.line + 1
                self._walk(value, inside, inner)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._walk(item, f"{path}[{index}]", ids)
