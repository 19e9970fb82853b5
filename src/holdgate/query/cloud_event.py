"""A notice as a CloudEvents 1.0 event in the structured JSON mode: the same notice is the same bytes at every attempt.

Source: CloudEvents specification 1.0.2, "JSON Event Format".
"""

from typing import Any, Final

import msgspec

from holdgate.crypto.hashes import digest
from holdgate.query.notices import Notice, shown_to
from holdgate.terms import instant

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
TYPE_PREFIX: Final = "holdgate."
SOURCE_PREFIX: Final = "holdgate:"
"""`source` is a URI: this, and the origin of the log."""


def cloud_event(notice: Notice, client: str, link: str) -> bytes:
    """The event, as UTF-8 JSON.

    Args:
        notice: what is told.
        client: whose target it is ("": the shop's own), which sees no more than is for clients.
        link: where more is to be seen ("": nowhere).
    """
    data: dict[str, Any] = {"says": notice.says, **shown_to(notice, client)}
    if notice.place and not client:
        data["entry"] = notice.place
    if link:
        data["link"] = link
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": notice.id,
        "source": f"{SOURCE_PREFIX}{notice.origin}",
        "type": f"{TYPE_PREFIX}{notice.kind}",
        "time": instant.show(notice.at),
        "datacontenttype": "application/json",
        "data": data,
    }
    if notice.subject:
        event["subject"] = notice.subject
    return msgspec.json.encode(event, order="sorted")


def message_id(*ids: str) -> str:
    """What a transport calls the message about these notices: it follows from their ids, and holds letters and digits only."""
    return digest("\n".join(ids).encode())[:40]
