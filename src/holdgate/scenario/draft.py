"""A command in the making: what a scenario step says, and what the translation knows of the running shop."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from holdgate.adapters.zones import instant_or_end_of_day
from holdgate.crypto.hashes import digest, sha256
from holdgate.crypto.keys import SigningKey
from holdgate.law import command as c
from holdgate.law.case import Pin
from holdgate.law.chronicle import Chronicle
from holdgate.law.notation import Tree
from holdgate.law.pinning import version_for
from holdgate.law.state import Job, job_key
from holdgate.scenario.files import ScenarioStep
from holdgate.sites.desk import Desk
from holdgate.sites.site import Site
from holdgate.terms import instant
from holdgate.terms.errors import Malformed

SEED: Final = "scenario"
"""What the keys of a scenario's people follow from, with their names."""
FIRST_ROOT: Final = sha256(b"scenario root")
"""The seed of the key that founds a scenario's shop."""
DOMAIN: Final = "scenario.test/lab"
"""What the logs of a scenario's shop are named under."""
OFFICE: Final = "WS-OFFICE"
NO_PLACE: Final = "none"
"""Written as the workstation of an act that is signed at none; without the word, offices sign at `OFFICE`."""
HUB, FLOOR, NODE = "business_hub", "floor_hub", "node"
NOBODY: Final = "unknown"


class Scene:
    """What the translation needs to know of the running shop: time zone, who is who, which job belongs to which order.

    `contracts`: the tree of every version that is on the record, by id and version. `folder`: where the files lie that they name.
    `desk`: where newcomers' keys are made. `floor`: the dock, whose slips somebody may try to forward. `hub`: the business hub,
    whose roots are exchanged; `documents`: the root documents that were drawn up, by step.
    """

    def __init__(
        self,
        tz: str,
        roles: dict[str, tuple[str, ...]],
        nodes: dict[str, Chronicle],
        contracts: Mapping[tuple[str, str], Mapping[str, Tree]],
        folder: Path | None = None,
        desk: Desk | None = None,
        floor: Site | None = None,
        hub: Site | None = None,
    ) -> None:
        self.tz = tz
        self.roles = roles
        self.nodes = nodes
        self.contracts = dict(contracts)
        self.folder = folder or Path()
        self.desk = desk or Desk()
        self.floor = floor
        self.hub = hub
        self.documents: dict[int, bytes] = {}
        self.order_of: dict[str, str] = {}
        self.node_of: dict[str, str] = {}

    def order(self, job: str) -> str:
        """The order of a job (scenarios name jobs alone)."""
        return self.order_of.get(job, NOBODY)

    def job(self, job: str) -> Job | None:
        """The job as its node knows it."""
        node = self.nodes.get(self.node_of.get(job, ""))
        return None if node is None else node.state.jobs.get(job_key(self.order(job), job))

    def version(self, job: Job, step: str) -> str:
        """The contract version that a step of a job is judged by, as the client reads it from the node."""
        node = self.nodes[self.node_of[job.id]]
        return version_for(node.state, node.library, job, step)

    def nonconformance(self, ncr: str) -> dict[str, Any]:
        """The order and job of a nonconformance (scenarios name it alone), wherever it is on record."""
        for node in self.nodes.values():
            for job in node.state.jobs.values():
                if ncr in job.ncrs:
                    return {"order": job.order, "job": job.id}
        return {"order": NOBODY, "job": NOBODY}


class _Inputs(dict[str, Any]):
    """The inputs of a step; one that is asked for and not there is the file's fault."""

    def __init__(self, step: ScenarioStep) -> None:
        super().__init__((key, None if value == "null" else value) for key, value in step.inputs.items())
        self._step = step

    def __missing__(self, key: str) -> Any:
        raise Malformed(f"step {self._step.n}: {self._step.action} needs the input {key!r}; add it")


class Draft:
    """A command in the making: its header, filled from a scenario step.

    `pins`: documents that go beside it. `proposes`: contract trees that are on the record if it is allowed. `keys`: what some
    sign this act with, and everything after it if it is allowed.
    """

    def __init__(self, scene: Scene, step: ScenarioStep, nonce: str) -> None:
        self.scene = scene
        self.inputs: dict[str, Any] = _Inputs(step)
        self.step = step
        self.nonce = nonce
        self.pins: tuple[Pin, ...] = ()
        self.proposes: dict[tuple[str, str], Mapping[str, Tree]] = {}
        self.keys: dict[str, SigningKey] = {}

    def header(self, site: str) -> dict[str, Any]:
        """The header fields."""
        inputs, step = self.inputs, self.step
        signed_at = inputs.get("signed_at")
        place = inputs.get("workstation")
        auth = inputs.get("auth")
        if place is None and auth is not None:
            place = OFFICE
        elif place == NO_PLACE:
            place = None
        actor = c.Signer(
            id=step.actor_id,
            role=step.actor_role,
            meaning=inputs.get("meaning"),
            auth=None if auth is None else self.auth(auth),
        )
        others = inputs.get("approvals") or ()
        return {
            "site": inputs.get("signed_for") or site,
            "at": step.at if signed_at is None else instant.parse(signed_at),
            "nonce": self.nonce,
            "signers": (actor, *(self.cosigner(other) for other in others)),
            "place": place,
        }

    def auth(self, auth: dict[str, Any]) -> c.Auth:
        """How the signature was unlocked."""
        return c.Auth(components=tuple(auth["components"]), session=auth["session"], presented_by=auth.get("as"))

    def cosigner(self, smart_id: str) -> c.Signer:
        """Somebody who co-signs, with a fresh badge and PIN."""
        roles = self.scene.roles.get(smart_id, (NOBODY,))
        auth = c.Auth(components=("badge", "pin"), session=f"co-{self.nonce}")
        return c.Signer(id=smart_id, role=roles[0], meaning=self.inputs.get("meaning"), auth=auth)

    def moment(self, name: str) -> int | None:
        """A time or bare date of the inputs."""
        text = self.inputs.get(name)
        return None if text is None else instant_or_end_of_day(text, self.scene.tz)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts of the inputs."""
        return tuple(self.inputs.get(name) or ())

    def beside(self, *documents: bytes) -> str:
        """Put documents beside the act; the digest of the first."""
        self.pins = tuple(Pin(sha256=digest(raw), content=raw) for raw in documents)
        return self.pins[0].sha256

    def version(self) -> dict[str, Any]:
        """The contract version that the inputs name."""
        return {"contract": self.inputs["contract"], "version": self.inputs["version"]}

    def reason(self) -> str:
        """The reason; empty where none is given."""
        return self.inputs.get("reason") or ""

    def job(self) -> dict[str, Any]:
        """The order and job that the inputs name."""
        job = self.inputs["job"]
        return {"order": self.scene.order(job), "job": job}

    def pinned(self) -> dict[str, Any]:
        """The job with the contract that it is pinned to, as the client reads it from the node."""
        known, step = self.scene.job(self.inputs["job"]), self.inputs["step"]
        contract = NOBODY if known is None else self.scene.version(known, step)
        return {**self.job(), "contract": contract}
