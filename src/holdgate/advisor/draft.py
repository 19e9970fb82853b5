"""A suggestion as the act that the AI's SMART-ID signs: `tune.suggest`, or `ai.suggest`. Unsigned."""

from holdgate.advisor.advice import Suggestion
from holdgate.crypto.hashes import digest
from holdgate.law import command as c
from holdgate.terms import canon


def draft(suggestion: Suggestion, hub: str, signer: c.Signer, at: int) -> c.SuggestTune | c.SuggestChange:
    """The act.

    Args:
        suggestion: what is suggested.
        hub: the business hub, which decides it.
        signer: the AI.
        at: when it signs (UTC µs). The nonce follows from it, so that the same draft is the same bytes.
    """
    nonce = digest(canon.encode((at, suggestion)))[:24]
    if suggestion.act == "tune.suggest":
        return c.SuggestTune(
            site=hub,
            at=at,
            nonce=nonce,
            signers=(signer,),
            contract=suggestion.contract,
            version=suggestion.version,
            param=suggestion.param,
            value=suggestion.value,
            evidence=suggestion.evidence,
        )
    return c.SuggestChange(
        site=hub, at=at, nonce=nonce, signers=(signer,), contract=suggestion.contract, change=suggestion.change
    )
