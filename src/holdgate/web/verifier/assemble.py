"""The verifier page: ES modules, stylesheet and template as one HTML file that asks nothing of any network.

The modules are wrapped one by one into functions in the order of their imports, so that no name of one meets a name of
another, and stand in one inline script. The page's policy (CSP) lets exactly this script and this style run, by their hashes,
and forbids every request. The same release makes the same bytes.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from html import escape
from importlib import metadata, resources
from typing import Final

from holdgate.crypto.hashes import sha256
from holdgate.terms.errors import InvariantBroken

START: Final = "page"
"""The module that runs the page."""
_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "\./([a-z0-9]+)\.js";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
_POLICY: Final = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def page() -> bytes:
    """The page as one HTML file.

    Raises:
        InvariantBroken: a module is not in the form that is put together here (see `script`).
    """
    code = script(modules())
    style = _read("verifier.css")
    policy = _POLICY.format(script=_hash(code), style=_hash(style))
    html = _read("page.html")
    for name, value in {
        "policy": escape(policy, quote=True).replace("&#x27;", "'"),
        "style": style,
        "release": escape(metadata.version("holdgate")),
        "script": code,
    }.items():
        if html.count(f"{{{{{name}}}}}") != 1:
            raise InvariantBroken(f"the template of the verifier page has not one place for its {name}")
        html = html.replace(f"{{{{{name}}}}}", value)
    return html.encode()


def modules() -> dict[str, str]:
    """The page's modules, by name."""
    folder = resources.files(__package__ or "holdgate.web.verifier")
    return {
        file.name.removesuffix(".js"): file.read_text(encoding="utf-8")
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".js")
    }


def script(sources: Mapping[str, str]) -> str:
    """The modules as one script.

    Raises:
        InvariantBroken: a module imports in another form than `import { a, b } from "./name.js";`, imports what is not there,
            imports in a circle, or would end the script element.
    """
    return "\n" + "\n".join(_wrapped(name, sources[name]) for name in _ordered(sources, START, ())) + "\n"


def _ordered(sources: Mapping[str, str], name: str, above: tuple[str, ...]) -> list[str]:
    """A module after everything that it imports."""
    if name in above or name not in sources:
        raise InvariantBroken(f"the module {name}.js of the verifier page is missing, or imports itself in a circle")
    found: dict[str, None] = {}
    for _, other in _IMPORT.findall(sources[name]):
        found |= dict.fromkeys(_ordered(sources, other, (*above, name)))
    return [*found, name]


def _wrapped(name: str, source: str) -> str:
    body = _IMPORT.sub(lambda match: f"const {{{match[1]}}} = ${match[2]};\n", source)
    exported = _EXPORT.findall(body)
    body = _EXPORT.sub("", body)
    odd = next(_odd(body), None)
    if odd is not None:
        raise InvariantBroken(f"{name}.js of the verifier page cannot be put into one script: {odd}")
    return f"const ${name} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();"


def _odd(body: str) -> Iterator[str]:
    for match in re.finditer(r"^(?:import|export)\b.*$|.*</script.*|.*<!--.*", body, re.MULTILINE | re.IGNORECASE):
        yield match[0].strip()[:80]


def _hash(text: str) -> str:
    """A source of the page's policy: the text as it stands between its tags."""
    return f"sha256-{base64.b64encode(sha256(text.encode())).decode()}"


def _read(name: str) -> str:
    return resources.files(__package__ or "holdgate.web.verifier").joinpath(name).read_text(encoding="utf-8")
