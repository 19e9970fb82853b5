"""Typesetting: a template and data in, a PDF out; the same bytes for the same input, on every machine.

Typst compiles it (the extra `paper`). Fonts are those inside typst's wheel, never the machine's; the date is an argument; no
template fetches a package (tests/unit/test_typeset.py reads them). Data comes from people and machines that nobody vouches for: it
goes in as JSON and reaches the page as strings, never as markup, and a character that a page cannot show is written by its number
(`holdgate.paper.glyphs`).
"""

import json
from pathlib import Path
from typing import Any, Final

from holdgate.paper.glyphs import PDF_STANDARD, ascii_only, fonts, printable
from holdgate.terms.errors import InvariantBroken, Malformed, Unavailable
from holdgate.terms.instant import SECOND_US
from holdgate.terms.limits import PAPER_DATA_BYTES_MAX

ROOT: Final = Path(__file__).resolve().parent.parent
"""What templates may read of: the package, so that a template elsewhere in it can import `/paper/templates/house.typ`."""
HERE: Final = ROOT / "paper" / "templates"


def typeset(template: str, data: bytes, at: int) -> bytes:
    """A PDF (PDF/A-3a) of a template filled with data.

    Args:
        template: a file's name within `holdgate/paper/templates`, or the absolute path of one elsewhere in the package.
        data: JSON that the template reads (`json(bytes(sys.inputs.data))`); strings are shown as they are, never as markup.
        at: UTC µs, the date of the document.

    Raises:
        Malformed: the data is no JSON, or too much. Unavailable: typst is not installed, or there is no such template.
        InvariantBroken: the template does not fit the data.
    """
    path = _template(template)
    try:
        import typst  # noqa: PLC0415  # optional: the extra `paper`
    except ImportError:
        raise Unavailable("the typesetter is not installed: pip install 'holdgate[paper]'") from None
    read = _read(data)
    try:
        return _compiled(path, printable(read), at)
    except typst.TypstError as error:
        if "could not be displayed" not in error.message:
            raise InvariantBroken(f"{path.name} does not fit what it was given: {error.message}") from error
    try:
        return _compiled(path, ascii_only(read), at)  # each character has a glyph, a cluster of them has none
    except typst.TypstError as error:
        raise InvariantBroken(f"{path.name} does not fit what it was given: {error.message}") from error


def _compiled(path: Path, data: Any, at: int) -> bytes:
    import typst  # noqa: PLC0415  # optional: the extra `paper`

    made = typst.compile(
        str(path),
        root=str(ROOT),
        font_paths=fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=True, separators=(",", ":"))},
        format="pdf",
        timestamp=at // SECOND_US,
        pdf_standards=[PDF_STANDARD],
    )
    if not isinstance(made, bytes):
        raise InvariantBroken(f"{path.name} did not come out as one document")
    return made


def _template(name: str) -> Path:
    path = (HERE / name).resolve()
    if not path.is_relative_to(ROOT) or path.suffix != ".typ" or not path.is_file():
        raise Unavailable(f"there is no template {name[:80]!r}")
    return path


def _read(data: bytes) -> Any:
    if len(data) > PAPER_DATA_BYTES_MAX:
        raise Malformed(f"a document of {len(data)} bytes of data is too much; {PAPER_DATA_BYTES_MAX} are the most")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Malformed("what a document is made from has to be JSON") from None
