"""The product runs no text, trusts no parser's defaults, goes through no shell and escapes what it shows."""

import pytest

from tests.tidy.security_rules import in_page, in_script, objections
from tests.tidy.tree import ROOT, files, report, snippet, sources

REDRAWN = "src/holdgate/web/static/live.js"
"""Puts a part of a page that the same site made, escaped, in the place of the one before."""


def test_no_code_of_the_product_does_what_is_dangerous() -> None:
    found = [f for s in sources("src", "examples") if "/bench/" not in s.path for f in objections(s)]
    assert not found, report(found, "Not in the product:")


def test_no_script_or_template_turns_text_into_markup() -> None:
    found = []
    for name in files():
        if name.startswith("src/holdgate/web/") and name.endswith(".js"):
            found += in_script(name, (ROOT / name).read_text(encoding="utf-8"))
        if name.startswith("src/holdgate/web/templates/"):
            found += in_page(name, (ROOT / name).read_text(encoding="utf-8"))
    assert [f.path for f in found] == [REDRAWN], report(found, "Not in a page:")


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from marshal import loads",
        "import xml.etree.ElementTree as ET",
        "x = eval(y)",
        "yaml.load(x)",
        "yaml.load(x, Loader=yaml.Loader)",
        "subprocess.run('ls', check=True)",
        "subprocess.run(command)",
        "subprocess.run(['ls'], shell=True)",
        "os.system('ls')",
        "tempfile.mktemp()",
        "requests.get(x, verify=False)",
        "context = ssl._create_unverified_context()",
        "context.verify_mode = ssl.CERT_NONE",
        "Markup(f'<b>{x}</b>')",
        "Markup(x)",
        "jinja2.Environment()",
        "jinja2.Environment(autoescape=False)",
        "etree.fromstring(raw)",
        "etree.parse(path)",
        "etree.XMLParser()",
        "etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)",
        "assert asker.staff",
    ],
)
def test_the_rule_objects(text: str) -> None:
    assert objections(snippet(text)), text


@pytest.mark.parametrize(
    "text",
    [
        "subprocess.run([program, '-x'], check=True)",
        "Markup('<b>{}</b>').format(x)",
        "jinja2.Environment(autoescape=True)",
        "etree.fromstring(raw, _parser())",
        "etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)",
        "yaml.compose(text, Loader=yaml.BaseLoader)",
        "pattern.compile(text)",
    ],
)
def test_the_rule_lets_pass(text: str) -> None:
    assert not objections(snippet(text)), text


def test_the_rules_for_pages_object() -> None:
    assert in_script("x.js", "box.innerHTML = text;")
    assert in_script("x.js", "new Function(text)()")
    assert not in_script("x.js", "box.textContent = text;")
    assert in_page("x.html", "{{ name | safe }}")
    assert in_page("x.html", "<script>go()</script>")
    assert in_page("x.html", '<a onclick="go()">')
    assert not in_page("x.html", '<script type="module" src="/static/main.js"></script>')
