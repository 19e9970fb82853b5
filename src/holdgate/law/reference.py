"""The reference of denial codes: Markdown made from the table, so that the page cannot say anything else."""

from collections.abc import Mapping
from itertools import groupby

from holdgate.law.denial import CODES, Code

_FAMILIES = {
    1: "People and signatures",
    2: "Time and place",
    3: "Contracts",
    4: "Orders and arrivals",
    5: "Jobs and steps",
    6: "Equipment and materials",
    7: "Quality, reports, money",
    8: "Erasure and legal hold",
}
_HEAD = """# Denial codes

Made from `holdgate.law.denial`; do not edit. A denial is an answer, recorded like any other, and grants nothing.
Numbers are stable for ever. A denial lists every unmet condition in the order in which the gates were asked.
*Waiting helps*: the same wish can succeed later without anybody mending anything. Words in braces are filled in from
the case.
"""


def denial_reference(produced_by: Mapping[str, tuple[str, ...]]) -> str:
    """The page of all codes.

    Args:
        produced_by: the places that produce a code, by its name; a code without one is listed as reserved.
    """
    parts = [_HEAD]
    for family, codes in groupby(CODES, lambda code: code.number // 100):
        parts.append(f"## {_FAMILIES[family]}\n")
        parts.extend(_row(code, produced_by.get(code.name, ())) for code in codes)
    return "\n".join(parts)


def _row(code: Code, places: tuple[str, ...]) -> str:
    produced = ", ".join(f"`{place}`" for place in places) or "nothing yet (reserved)"
    waits = "yes" if code.retry else "no"
    return (
        f'<a id="{code.name}"></a>\n\n'
        f"### {code.number} {code.name}\n\n"
        f"{_prose(code.sentence)}\n\n"
        f"- Remedy: {_prose(code.remedy)}\n"
        f"- Waiting helps: {waits}\n"
        f"- Source: {_prose(code.source)}\n"
        f"- Produced by: {produced}\n"
    )


def _prose(text: str) -> str:
    return text.replace("<", "&lt;").replace("_", "\\_")
