"""Who and what a witness run needs: people for every role that the contract names, places, instruments, batches, parts."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from holdgate.certifier.roles import OUTSIDE, are_people
from holdgate.law.families import Bundle
from holdgate.law.gates.nonconformances import MATRIX

NODE: Final = "NODE-W"
OFFICE: Final = "WS-OFFICE"
DOCK: Final = "W-DOCK"
ELSEWHERE: Final = "W-ELSEWHERE"
CLIENT, OTHER_CLIENT, LAB = "W-CLIENT-ORG", "W-OTHER-ORG", "LAB"
PERFORMERS: Final = ("W-PERFORMER-1", "W-PERFORMER-2")
NOVICE: Final = "W-NOVICE"
FOREVER: Final = "2199-12-31"

SUBJECTS: Final = {"equipment": "W-INSTRUMENT", "person": "W-TRAINEE"}
"""What a technique that is not about parts is done on: it has to be on the register before."""
SUBJECT_CLASS: Final = "W-CLASS"
SUBJECTS_MAX: Final = 10

OFFICERS: Final = {
    "admin": "W-ADMIN",
    "qa": "W-QA",
    "compliance": "W-COMPLIANCE",
    "project_manager": "W-PM",
    "certifier": "W-CERTIFIER",
    "training": "W-TRAINING",
    "metrology": "W-METROLOGY",
    "receiving": "W-RECEIVING",
    "level3": "W-LEVEL3",
    "system": "W-SYSTEM",
    "business_hub": "W-HUB",
    "scanner": "W-SCANNER",
    "finance": "W-FINANCE",
    "ai": "W-AI",
    "client": "W-CLIENT",
}


class Player(Struct, frozen=True, kw_only=True):
    """Somebody or something that acts. `qualified`: holds every credential that the contract names."""

    id: str
    org: str
    roles: tuple[str, ...]
    qualified: bool = True


class Cast(Struct, frozen=True, kw_only=True):
    """Everybody and everything of a witness shop.

    `stations`: zone → workstation. `instruments`: class → id. `batches`: kind → id. `by_role`: role → who acts in it.
    """

    players: tuple[Player, ...]
    credentials: tuple[str, ...]
    stations: dict[str, str]
    instruments: dict[str, str]
    batches: dict[str, str]
    by_role: dict[str, str]

    def who(self, role: str) -> str:
        """Somebody who acts in this role."""
        return self.by_role[role]


def cast_of(contract: Bundle) -> Cast:
    """What the contract asks for, and nothing that it does not."""
    technique, template = contract.technique, contract.template
    performed = tuple(dict.fromkeys(step.role for step in technique.steps if are_people(step.role)))
    by_role = dict(OFFICERS)
    for number, role in enumerate(_other_roles(contract)):
        by_role.setdefault(role, f"W-ROLE-{number}")
    players = [
        Player(id=smart_id, org=CLIENT if role == OUTSIDE else LAB, roles=(role,)) for role, smart_id in by_role.items()
    ]
    players.append(Player(id="W-CLIENT-2", org=OTHER_CLIENT, roles=(OUTSIDE,)))
    players += [Player(id=smart_id, org=LAB, roles=performed) for smart_id in PERFORMERS if performed]
    if performed:
        players.append(Player(id=NOVICE, org=LAB, roles=performed, qualified=False))
    players.append(Player(id=template.author, org=LAB, roles=("author",), qualified=False))
    for sensor in dict.fromkeys(item.sensor for item in technique.environment):
        players.append(Player(id=sensor, org=LAB, roles=("sensor",), qualified=False))
    for module in dict.fromkeys(item.module for item in technique.modules):
        players.append(Player(id=module, org=LAB, roles=("module",), qualified=False))
    if technique.subject == "person":
        names = (f"{SUBJECTS['person']}-{number + 1}" for number in range(SUBJECTS_MAX))
        players += [Player(id=smart_id, org=LAB, roles=("trainee",), qualified=False) for smart_id in names]
    zones = dict.fromkeys(zone for step in technique.steps for zone in step.zones)
    measured = (item.instrument_class for step in technique.steps for item in step.characteristics)
    classes = dict.fromkeys(name for step in technique.steps for name in step.equipment_classes)
    classes |= dict.fromkeys(name for name in measured if name is not None)
    kinds = dict.fromkeys(kind for step in technique.steps for kind in step.material_kinds)
    return Cast(
        players=_merged(players),
        credentials=_credentials(contract),
        stations={zone: f"W-PLACE-{number}" for number, zone in enumerate(zones)},
        instruments={name: f"W-TOOL-{number}" for number, name in enumerate(classes)},
        batches={kind: f"W-BATCH-{number}" for number, kind in enumerate(kinds)},
        by_role=by_role,
    )


def _merged(players: Iterable[Player]) -> tuple[Player, ...]:
    """Each once, in all its roles: an oven that logs its own temperature is one device."""
    known: dict[str, Player] = {}
    for player in players:
        before = known.get(player.id, player)
        roles = tuple(dict.fromkeys((*before.roles, *player.roles)))
        known[player.id] = replace(before, roles=roles, qualified=before.qualified or player.qualified)
    return tuple(known.values())


def _other_roles(contract: Bundle) -> tuple[str, ...]:
    """Roles that the contract names for something else than doing a step."""
    technique = contract.technique
    named = [step.hold.party for step in technique.steps if step.hold is not None]
    named += [step.witness.party for step in technique.steps if step.witness is not None]
    named += () if technique.on_failed is None else technique.on_failed.resume
    named += [role for item in technique.adaptable for role in item.approve]
    matrix = MATRIX if contract.quality is None else contract.quality.dispositions
    named += [role for item in matrix for role in item.roles]
    return tuple(dict.fromkeys(role for role in named if are_people(role)))


def _credentials(contract: Bundle) -> tuple[str, ...]:
    technique = contract.technique
    named = [name for step in technique.steps for name in step.credentials]
    named += [name for right in technique.modules for name in right.operator_tokens]
    named += [name for demand in contract.template.demands for name in demand.credentials]
    return tuple(dict.fromkeys(named))
