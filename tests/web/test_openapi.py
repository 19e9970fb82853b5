"""The API keeps what its document says, to everybody, whatever is sent to it. HOLDGATE_FUZZ_EXAMPLES=100: more is sent."""

import os
from typing import Any, Final

import pytest

from holdgate.demo.shop import ADMIN, CLIENT, DOCK, LEVEL3, NODE, OFFICE, TECHNICIAN
from tests.web.fuzzed import findings
from tests.worked_shop import AUDITOR, Served

EXAMPLES: Final = int(os.environ.get("HOLDGATE_FUZZ_EXAMPLES", "3"))
SITES: Final = ("HUB", "FLOOR", NODE)


@pytest.mark.timeout(0 if "HOLDGATE_FUZZ_EXAMPLES" in os.environ else 300)
@pytest.mark.parametrize(
    ("site", "more"),
    [
        ("HUB", {"who": ADMIN, "place": OFFICE, "coverage": True}),
        ("HUB", {"who": CLIENT}),
        ("HUB", {"who": AUDITOR}),
        ("HUB", {}),
        ("HUB", {"who": LEVEL3, "only": "/api/drafts", "coverage": True}),
        ("FLOOR", {"who": TECHNICIAN, "place": DOCK, "only": "/api/staging", "coverage": True}),
        ("FLOOR", {"who": TECHNICIAN, "place": DOCK, "only": "/api/marks", "coverage": True}),
        ("FLOOR", {"who": TECHNICIAN, "place": DOCK}),
        (NODE, {"who": TECHNICIAN}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(str(part) for part in value.values()) or "nobody",
)
def test_a_site_keeps_what_its_document_says(served: Served, site: str, more: dict[str, Any]) -> None:
    found = list(findings(served, site, EXAMPLES, **more))
    assert not found, "\n\n".join(found)
