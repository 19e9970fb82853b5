"""Join: where a newcomer makes their own key on an invitation. Nobody is signed in here; the link's secret opens the page."""

from typing import Final

from msgspec import Struct

from holdgate.crypto.signatures import WEBAUTHN, kind_of
from holdgate.sites.reception import Invitation
from holdgate.web.inviting import is_done, officers_of, open_invitation
from holdgate.web.page import Page, View
from holdgate.web.problem import Problem, missing

GONE: Final = "this invitation is used up, over or taken back; ask an officer for another one"


class Officer(Struct, frozen=True, kw_only=True):
    """One of the two who sign. `passkey`: their key is one."""

    id: str
    name: str
    role: str
    passkey: bool


class Joining(Struct, frozen=True, kw_only=True):
    """An invitation as its newcomer sees it. `skew_s`: how long what they sign is fresh."""

    invitation: Invitation
    officers: tuple[Officer, ...]
    done: bool
    skew_s: int


def nothing(_: View) -> Problem:
    """No link, no page."""
    return missing("you come here by a link that an officer gives you")


def joining(view: View) -> Joining | Problem:
    """The invitation of a link."""
    invitation = open_invitation(view.reception, view.path["secret"][:64], view.asker.now)
    if invitation is None:
        return missing(GONE)
    officers = tuple(
        Officer(id=identity.id, name=identity.name, role=role, passkey=kind_of(identity.key) == WEBAUTHN)
        for identity, role in officers_of(view.face.state, invitation)
    )
    return Joining(
        invitation=invitation,
        officers=officers,
        done=is_done(view.face.state, invitation),
        skew_s=view.face.settings.entry_skew_s,
    )


JOIN: Final = Page(
    name="join",
    title="Join",
    kinds=("business_hub",),
    roles=(),
    model=nothing,
    below=(("/{secret}", "join", joining),),
    listed=False,
    public=True,
)
