"""What no code of the product may do, whatever ruff's own rules (S) let pass."""

import ast
import re
from collections.abc import Iterator

from tests.tidy.tree import Finding, Source

RUNS_TEXT = {
    "eval": "runs text as code",
    "exec": "runs text as code",
    "__import__": "imports by text",
    "mktemp": "names a file that somebody else can make first: use TemporaryDirectory or mkstemp",
    "Unpickler": "makes any object that a stranger names",
}
MODULES = {"pickle", "marshal", "shelve", "dill", "xmlrpc", "telnetlib", "ftplib", "crypt"}
XML = {"xml.etree", "xml.dom", "xml.sax", "xml.parsers"}
XML_READERS = {"fromstring", "parse", "XML", "fromstringlist"}
PARSER = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
PROCESSES = {"run", "Popen", "call", "check_call", "check_output"}


def objections(source: Source) -> list[Finding]:
    """Everything in the source that these rules object to."""
    found = []
    for node in ast.walk(source.tree):
        found += [Finding(source.path, getattr(node, "lineno", 1), why) for why in _why(node)]
    return found


def _why(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (why for alias in names for why in _import(alias.name))
        case ast.ImportFrom(module=str(module), level=0):
            yield from _import(module)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            yield from _call(node, name)
        case ast.Assert():
            yield "an assert is gone under -O: raise InvariantBroken"
        case ast.Attribute(value=ast.Name(id="ssl"), attr="CERT_NONE" | "_create_unverified_context"):
            yield "believes any certificate"
        case _:
            pass


def _import(module: str) -> Iterator[str]:
    if module.partition(".")[0] in MODULES:
        yield f"{module} makes objects of bytes, or speaks in clear"
    if any(module == name or module.startswith(f"{name}.") for name in XML):
        yield f"{module} takes entities: read XML with lxml and a closed parser"


def _call(node: ast.Call, name: str) -> Iterator[str]:
    owner = node.func.value.id if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) else ""
    words = {word.arg: word.value for word in node.keywords}
    bare = isinstance(node.func, ast.Name)
    if (bare or name == "mktemp") and name in RUNS_TEXT:
        yield f"{name} {RUNS_TEXT[name]}"
    if owner == "yaml" and name in ("load", "load_all", "unsafe_load", "full_load"):
        yield "reads YAML into objects: read it as the notation does"
    if _says(words.get("shell"), what=True) or (owner == "os" and name in ("system", "popen")):
        yield "goes through a shell"
    if owner == "subprocess" and name in PROCESSES and not (node.args and isinstance(node.args[0], ast.List)):
        yield "a program's arguments are a list, written where it is started"
    if _says(words.get("verify"), what=False) or _says(words.get("check_hostname"), what=False):
        yield "believes any certificate"
    if name == "Markup" and not (node.args and isinstance(node.args[0], ast.Constant)):
        yield "marks a made text as HTML: Markup takes a literal, and format() escapes what goes into it"
    if name == "Environment" and not _says(words.get("autoescape"), what=True):
        yield "makes pages without autoescape"
    if owner == "etree" and name in XML_READERS and len(node.args) < 2 and "parser" not in words:
        yield "reads XML without a parser that is closed"
    if name == "XMLParser" and any(not _says(words.get(word), what=value) for word, value in PARSER.items()):
        yield f"a parser of XML says all of: {', '.join(f'{word}={value}' for word, value in PARSER.items())}"


def _says(node: ast.expr | None, *, what: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is what


_SCRIPT = re.compile(r"\beval\(|new Function\(|document\.write|insertAdjacentHTML|\bouterHTML\s*=|\binnerHTML\s*=")
_PAGE = re.compile(
    r"\|\s*safe\b|<script>|<script (?![^>]*\bsrc=)(?![^>]*type=\"application/json\")|\son[a-z]+=\"|autoescape false"
)


def in_script(path: str, text: str) -> list[Finding]:
    """What a script may not do with text."""
    return _lines(path, text, _SCRIPT, "turns text into markup or code: use textContent")


def in_page(path: str, text: str) -> list[Finding]:
    """What a template may not do."""
    return _lines(path, text, _PAGE, "puts text into a page as it is, or a script into it")


def _lines(path: str, text: str, rule: re.Pattern[str], why: str) -> list[Finding]:
    return [Finding(path, n, why) for n, line in enumerate(text.splitlines(), 1) if rule.search(line)]
