"""Typesetting: the same bytes for the same input, and text of strangers that stays text."""

import json
import os
import re
import subprocess
import sys
from io import BytesIO
from typing import Any

import pypdf
import pytest

from holdgate.paper.glyphs import shown
from holdgate.paper.typeset import ROOT, typeset
from holdgate.terms.errors import InvariantBroken, Malformed, Unavailable
from holdgate.terms.limits import PAPER_DATA_BYTES_MAX

AT = 1_790_000_000_000_000


def plain(*lines: str, title: str = "A title") -> bytes:
    return typeset("plain.typ", json.dumps({"title": title, "lines": lines}).encode(), AT)


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages)


def test_the_same_input_gives_the_same_bytes_also_in_another_process():
    made = plain("one", "two")
    assert made == plain("one", "two")
    script = (
        "import json,sys;from holdgate.paper.typeset import typeset;"
        "sys.stdout.buffer.write(typeset('plain.typ',json.dumps({'title':'A title','lines':['one','two']}).encode(),"
        f"{AT}))"
    )
    other = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, env={**os.environ, "TZ": "Asia/Tokyo"}
    )
    assert other.stdout == made
    assert made != typeset("plain.typ", b'{"title":"A title","lines":["one","two"]}', AT + 1_000_000)


def test_the_date_is_the_argument_and_not_the_clock():
    reader = pypdf.PdfReader(BytesIO(plain("one")))
    assert reader.metadata is not None
    assert reader.metadata.get("/CreationDate") == "D:20260921141320Z"


@pytest.mark.parametrize(
    "markup",
    [
        '#import "@preview/tablex:0.0.8"',
        '#read("/etc/passwd")',
        "$ x^2 $",
        "*bold* _emph_ `raw` ~",
        "= Heading",
        "- item",
        "// comment /* block */",
        "<label> @reference",
        "#{panic()}",
        "\\u{41} \\ #",
    ],
)
def test_markup_in_data_is_shown_and_not_run(markup):
    assert markup.split() == text_of(plain(markup)).split("A title")[-1].split()


def test_a_character_that_turns_text_around_is_written_by_its_number():
    assert "<U+202E>" in text_of(plain("invoice\u202egnp.exe"))
    assert shown("a\u202eb\x00\x07\u200b\ufeff") == "a<U+202E>b<U+0000><U+0007><U+200B><U+FEFF>"


def test_a_character_that_no_font_has_is_written_by_its_number_and_the_others_are_kept():
    assert shown("中 Δ≤µ✓ Ő שלום") == "<U+4E2D> Δ≤µ✓ Ő שלום"
    assert "<U+4E2D>" in text_of(plain("中文 and Δ"))


def test_right_to_left_names_are_set():
    assert "שלום" in text_of(plain("שלום abc")) or "םולש" in text_of(plain("שלום abc"))


def test_marks_that_no_font_can_shape_do_not_stop_a_document():
    assert plain("x\u0361\u0489y", "z\u0f71\u0f72", "a" + "\u0301" * 40)


def test_a_long_word_does_not_run_off_the_page():
    lines = text_of(plain("W" * 300)).splitlines()
    assert max(len(line) for line in lines) < 70
    assert sum(line.count("W") for line in lines) == 300


def test_a_digest_is_not_broken():
    assert "ab" * 32 in text_of(plain("ab" * 32))


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 100_000, b" " * (PAPER_DATA_BYTES_MAX + 1)])
def test_what_is_no_data_is_refused(data):
    with pytest.raises(Malformed):
        typeset("plain.typ", data, AT)


def test_data_that_does_not_fit_the_template_is_no_document():
    with pytest.raises(InvariantBroken, match=r"plain\.typ"):
        typeset("plain.typ", b"{}", AT)


@pytest.mark.parametrize("name", ["nothing.typ", "../../../../etc/passwd", "/etc/passwd", "../typeset.py"])
def test_no_template_outside_of_the_package(name):
    with pytest.raises(Unavailable):
        typeset(name, b"{}", AT)


def test_no_template_fetches_a_package_or_evaluates_text():
    templates = sorted(ROOT.rglob("*.typ"))
    assert templates
    for path in templates:
        source = path.read_text("utf-8")
        assert not re.search(r'"@|\beval\s*\(|\bplugin\s*\(|\bdatetime\.today\b', source), path.name


def test_no_font_of_the_machine_is_used():
    names = set[str]()
    for page in pypdf.PdfReader(BytesIO(plain("Arial שלום العربية"))).pages:
        resources: Any = page["/Resources"]
        names |= {str(font.get_object()["/BaseFont"]).partition("+")[2] for font in resources["/Font"].values()}
    assert all(name.startswith(("LibertinusSerif", "DejaVuSansMono", "NewCM")) for name in names)
