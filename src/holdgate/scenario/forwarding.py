"""Forwarding an order to a node by hand, as a command: what the dock does by itself, tried by somebody, or by its key.

The project's own addition to the scenario vocabulary: `scenarios/README.md` lists it.
"""

from msgspec.structs import replace

from holdgate.crypto.envelope import open_envelope
from holdgate.law import command as c
from holdgate.scenario.draft import Draft
from holdgate.sites.site import Site
from holdgate.terms.errors import Malformed


def forward(d: Draft, site: str) -> c.AnyCommand:
    """Bring an order to a node, with the slip and the sealed body as the dock holds them, or with a forged slip."""
    i = d.inputs
    slip, *bodies = _held(d, i["po"])
    if i.get("slip") == "forged":
        slip = _forged(d, slip)
    return c.ForwardOrder(**d.header(site), order=i["po"], slip=d.beside(slip, *bodies), serials=d.texts("serials"))


def _held(d: Draft, order: str) -> list[bytes]:
    """The slip's envelope that the dock holds for an order, and the sealed body that came beside it.

    Raises:
        Malformed: it holds none.
    """
    floor: Site | None = d.scene.floor
    slip = None if floor is None else floor.chronicle.state.slips.get(order)
    if floor is None or slip is None:
        raise Malformed(f"step {d.step.n}: the dock holds no slip of {order}; stage the order first")
    envelope, pinned = floor.entry_envelope(slip.staged_seq)
    bodies = (floor.means.store.blob(key) for key in pinned)
    return [envelope, *(body for body in bodies if body is not None)]


def _forged(d: Draft, genuine: bytes) -> bytes:
    """A slip that says what the forwarder says (this node, these parts), signed by the forwarder."""
    staged = c.parse_command(open_envelope(genuine).payload)
    if not isinstance(staged, c.StageSlip):
        raise Malformed(f"step {d.step.n}: what the dock holds is no slip")
    said = replace(staged.slip, node=d.inputs["node"], serials=d.texts("serials"))
    forger = c.Signer(id=d.step.actor_id, role=d.step.actor_role)
    return d.scene.desk.sign(replace(staged, slip=said, signers=(forger,)))
