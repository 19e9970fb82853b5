"""Scenario actions on contracts, their parameters and access policies, as commands."""

from contextlib import suppress

from holdgate.certifier.facts import rule_parser
from holdgate.certifier.structure import certify
from holdgate.law import command as c
from holdgate.law.contract import encode_document
from holdgate.scenario.bundles import bundle_of
from holdgate.scenario.draft import Draft
from holdgate.scenario.files import proposed
from holdgate.terms.errors import Malformed


def submit_contract(d: Draft, site: str) -> c.AnyCommand:
    """Propose a version."""
    named, earlier = d.version(), d.inputs.get("from_version")
    before = None if earlier is None else d.scene.contracts.get((named["contract"], earlier))
    if earlier is not None and before is None:
        raise Malformed(f"step {d.step.n}: there is no {named['contract']} version {earlier} to start from")
    tree = proposed(before, d.inputs.get("body") or {}, named["version"], d.step.actor_id)
    d.proposes[named["contract"], named["version"]] = tree
    bundle = bundle_of(tree, d.scene.folder, rule_parser())
    sha256 = d.beside(*(encode_document(document) for document in bundle.documents))
    return c.SubmitContract(**d.header(site), **named, sha256=sha256)


def approve_contract(d: Draft, site: str) -> c.AnyCommand:
    """Approve it in a role."""
    return c.ApproveContract(**d.header(site), **d.version(), approval_role=d.inputs["as_role"])


def certify_contract(d: Draft, site: str) -> c.AnyCommand:
    """The validators run first. Where they refuse, there is no certificate to send, and the hub says what it misses."""
    named, certificate = d.version(), ""
    tree = d.scene.contracts.get((named["contract"], named["version"]))
    if tree is not None:
        with suppress(Malformed):
            bundle = bundle_of(tree, d.scene.folder, rule_parser())
            certificate = d.beside(certify(bundle.template, bundle.technique))
    return c.CertifyContract(**d.header(site), **named, certificate=certificate)


def activate_contract(d: Draft, site: str) -> c.AnyCommand:
    """Release it."""
    effectivity = d.inputs.get("effectivity") or "new_orders"
    return c.ActivateContract(**d.header(site), **d.version(), effectivity=effectivity)


def suspend_contract(d: Draft, site: str) -> c.AnyCommand:
    """Stop work under it."""
    return c.SuspendContract(**d.header(site), **d.version(), reason=d.reason())


def resume_contract(d: Draft, site: str) -> c.AnyCommand:
    """Go on under it."""
    return c.ResumeContract(**d.header(site), **d.version(), reason=d.reason())


def suggest_tune(d: Draft, site: str) -> c.AnyCommand:
    """Suggest a value."""
    i = d.inputs
    return c.SuggestTune(
        **d.header(site), **d.version(), param=i["param"], value=i["value"], evidence=i.get("evidence")
    )


def approve_tune(d: Draft, site: str) -> c.AnyCommand:
    """Agree to a value."""
    return c.ApproveTune(**d.header(site), **d.version(), param=d.inputs["param"], value=d.inputs["value"])


def revert_tune(d: Draft, site: str) -> c.AnyCommand:
    """Return to the contract's own value."""
    return c.RevertTune(**d.header(site), **d.version(), param=d.inputs["param"], reason=d.reason())


def suggest_change(d: Draft, site: str) -> c.AnyCommand:
    """Say a thought."""
    return c.SuggestChange(**d.header(site), contract=d.inputs["contract"], change=d.inputs["change"])


def apply_change(d: Draft, site: str) -> c.AnyCommand:
    """Wish to change a rule."""
    return c.ApplyChange(**d.header(site), contract=d.inputs["contract"], change=d.inputs["change"])


def policy(d: Draft, site: str) -> c.AnyCommand:
    """Put an access policy in force."""
    i = d.inputs
    return c.UpdatePolicy(
        **d.header(site), policy=i["policy"], zone=i["zone"], credential=i["requires_credential"], reason=d.reason()
    )
