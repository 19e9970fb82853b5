"""Wishes: an option as a form of a page: the act with its fields as they stand, and what a person still fills in.

A wish is not signed. The browser makes the command from it, shows exactly that, and has it signed; every field that is signed
stands in the command. Fields at their defaults are left out of it, as the one encoding wants.
"""

from collections.abc import Iterable
from typing import Any, Final, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, replace

from holdgate.crypto.signatures import ED25519, kind_of
from holdgate.law import command as c
from holdgate.law.denial import sentence
from holdgate.law.gates.acts import SIGNING
from holdgate.law.options import Option
from holdgate.law.outlook import GROUPS, group_of, unlocks, waits_for
from holdgate.law.state import State
from holdgate.law.view import view_of
from holdgate.web.words import label, wording

_HEADER: Final = frozenset(c.Command.__struct_fields__)
_SIGNING: Final = (*SIGNING, c.AttestArrival)
"""Acts with components, session and meaning; the gate asks it of one act too."""
TEXT, WHOLE, LIST, YES_NO, DATA, MOMENT = "text", "whole", "list", "yes_no", "data", "moment"
_MOMENTS: Final = frozenset(
    {"until", "cal_from", "cal_until", "observed_at", "captured_at", "arrival_due", "delivery_due"}
)


CONFIRMED: Final = (c.GenerateReport, c.AmendReport)
"""Acts that leave the house: whoever does one is asked again who they are, though the law reads no components of it."""


class Asked(Struct, frozen=True, kw_only=True):
    """A field that a person fills in. `kind`: text, whole (number), list (of texts), yes_no, moment, data (JSON).

    `choices`: what can be chosen, each with how it is called; none: anything is typed.
    """

    name: str
    label: str
    kind: str
    value: Any = None
    required: bool = True
    choices: tuple[tuple[str, str], ...] = ()


class Wish(Struct, frozen=True, kw_only=True):
    """An act as a page offers it.

    `role`: in which the person would act; `does`, `means`: its words; `signs`: it carries components and meaning, at a workstation;
    `confirms`: the person is asked for PIN or passkey although it carries no meaning; `others`: who co-signs (SMART-ID, role, kind
    of key); `group`: allowed, waiting, locked, done; `says`: why it is not allowed, the first reason first; `unlocks`: what
    opens it.
    """

    act: str
    site: str
    role: str
    subject: str
    fields: dict[str, Any]
    asks: tuple[Asked, ...]
    does: str
    means: str
    signs: bool
    group: str
    confirms: bool = False
    seen: str | None = None
    codes: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    unlocks: tuple[str, ...] = ()
    others: tuple[tuple[str, str, str], ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the law would let it pass now, apart from what is still to be filled in."""
        return self.group == "allowed"


def wish_of(state: State, role: str, option: Option) -> Wish:
    """An option as a form."""
    act = c.ACTS[option.act]
    fields = dict(option.fields)
    words = wording(act, str(fields.get("result") or fields.get("decision") or ""))
    asks = tuple(asked(act, name, fields.pop(name, None)) for name in option.asks)
    return Wish(
        act=option.act,
        site=state.site,
        role=role,
        subject=option.subject,
        fields={name: value for name, value in plain(fields).items() if not _is_default(act, name, value)},
        asks=asks,
        does=words.does,
        means=words.means,
        signs=act in _SIGNING,
        confirms=act in CONFIRMED,
        group=group_of(option.denials),
        seen=seen_of(state, act, option.fields),
        codes=tuple(denial.code for denial in option.denials),
        says=tuple(dict.fromkeys(sentence(denial) for denial in option.denials)),
        waits_for=waits_for(option.denials),
        unlocks=unlocks(option.denials),
        others=with_keys(state, option.others),
    )


def blank(state: State, act: type[c.Command], role: str, subject: str = "", **fields: Any) -> Wish:
    """An act that nobody is offered by the law's own list: the fields that are given stand, every other one is asked."""
    words = wording(act, str(fields.get("result") or fields.get("decision") or ""))
    infos = _infos(act)
    return Wish(
        act=str(act.__struct_config__.tag),
        site=state.site,
        role=role,
        subject=subject,
        fields={name: value for name, value in plain(fields).items() if not _is_default(act, name, value)},
        asks=tuple(asked(act, name) for name in infos if name not in fields and infos[name].required),
        does=words.does,
        means=words.means,
        signs=act in _SIGNING,
        confirms=act in CONFIRMED,
        group="allowed",
        seen=seen_of(state, act, fields),
    )


def co_signed(state: State, wish: Wish, others: tuple[tuple[str, str], ...]) -> Wish:
    """The wish, to be signed by these too: (SMART-ID, role) each."""
    return replace(wish, others=with_keys(state, others))


def with_keys(state: State, others: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str, str], ...]:
    """Co-signers with the kind of their keys: how a browser asks them."""
    return tuple((smart_id, role, kind_of_key(state, smart_id)) for smart_id, role in others)


def kind_of_key(state: State, smart_id: str) -> str:
    """How an identity signs: `ed25519`, or `webauthn` by a passkey."""
    found = state.identities.get(smart_id)
    return ED25519 if found is None else kind_of(found.key)


def with_asks(wish: Wish, **asks: Any) -> Wish:
    """The wish with some of its fields asked in another way: `Choices`, or the value that stands."""

    def changed(ask: Asked) -> Asked:
        if ask.name not in asks:
            return ask
        given = asks[ask.name]
        if isinstance(given, Choices):
            return replace(ask, choices=given.rows, value=given.value)
        return replace(ask, value=plain(given))

    return replace(wish, asks=tuple(changed(ask) for ask in wish.asks))


class Choices(Struct, frozen=True):
    """What can be chosen in a field: (value, how it is called) each; `value`: which stands, or which ones of a list."""

    rows: tuple[tuple[str, str], ...]
    value: str | tuple[str, ...] | None = None


def best(wishes: Iterable[Wish]) -> list[Wish]:
    """Each wish once, in the role in which it goes furthest (somebody with several roles is offered it in each)."""
    found: dict[bytes, Wish] = {}
    for wish in wishes:
        key = msgspec.json.encode((wish.act, wish.subject, wish.fields, [ask.name for ask in wish.asks]))
        held = found.get(key)
        if held is None or GROUPS.index(wish.group) < GROUPS.index(held.group):
            found[key] = wish
    return list(found.values())


def seen_of(state: State, act: type[c.Command], fields: dict[str, Any]) -> str | None:
    """The digest of what the signers of such an act are shown now."""
    if act not in (c.SignStep, c.SignQa, c.SignCompliance, c.ReviewReport):
        return None
    made: Any = act(site=state.site, at=0, nonce="", signers=(), **{**_stand_ins(act), **fields})
    return view_of(state, made)


def asked(act: type[c.Command], name: str, value: Any = None) -> Asked:
    """A field of an act as it is asked for; stand-ins are not shown."""
    info = _infos(act)[name]
    return Asked(
        name=name,
        label=label(name),
        kind=_kind(info.type, name),
        value=None if value in ("to be filled in", "0") or _holds_stand_in(value) else plain(value),
        required=info.required,
    )


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    return msgspec.to_builtins(value)


def _holds_stand_in(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and "to be filled in" in value


def _infos(act: type[c.Command]) -> dict[str, FieldInfo]:
    return {info.name: info for info in msgspec.structs.fields(act) if info.name not in _HEADER}


def _stand_ins(act: type[c.Command]) -> dict[str, Any]:
    return {info.name: None for info in _infos(act).values() if info.required}


def _is_default(act: type[c.Command], name: str, value: Any) -> bool:
    info = _infos(act)[name]
    if info.default_factory is not NODEFAULT:
        return value in ({}, [], ())
    return info.default is not NODEFAULT and value == plain(info.default)


def _kind(kind: Any, name: str) -> str:
    bare = next((part for part in get_args(kind) if part is not type(None)), kind) if _optional(kind) else kind
    if bare is bool:
        return YES_NO
    if bare is int:
        return MOMENT if name in _MOMENTS else WHOLE
    if bare is str:
        return TEXT
    if get_origin(bare) is tuple and get_args(bare)[0] is str:
        return LIST
    return DATA


def _optional(kind: Any) -> bool:
    return type(None) in get_args(kind)


class FieldForm(Struct, frozen=True, kw_only=True):
    """How one field of an act is written in a command. `default`: left out where it has this value."""

    kind: str
    label: str
    required: bool
    default: Any = None


def forms() -> dict[str, dict[str, FieldForm]]:
    """Every act with its fields, for a browser that makes commands."""
    return {
        name: {
            info.name: FieldForm(
                kind=_kind(info.type, info.name),
                label=label(info.name),
                required=info.required,
                default=None if info.default is NODEFAULT else plain(info.default),
            )
            for info in _infos(act).values()
        }
        for name, act in c.ACTS.items()
    }
