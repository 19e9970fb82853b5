"""The four families of exceptions. A denial is a value, never one of these.

Source: docs/spec/decision.md. Every message is a sentence that tells the person what to do.
"""


class HoldgateError(Exception):
    """Root of everything that Holdgate raises on purpose."""


class Malformed(HoldgateError):
    """The input cannot be read as what it claims to be. Nothing changed; mend the input."""


class Tampered(HoldgateError):
    """A signature, hash, link or proof does not hold. Nothing of the input may be believed."""


class Unavailable(HoldgateError):
    """A store, site or link is out of reach. Nothing is assumed; try again later."""


class InvariantBroken(HoldgateError):
    """What may never happen has happened. The site stops and is opened anew from its store."""
