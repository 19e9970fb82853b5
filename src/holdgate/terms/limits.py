"""Every maximum in one place (units in the names)."""

from typing import Final

ENVELOPE_BYTES_MAX: Final = 49_152
"""A signed envelope as submitted."""
PAYLOAD_BYTES_MAX: Final = 12_288
"""A signed payload: what its decision repeats of it still fits the entry."""
DENIALS_MAX: Final = 40
"""Unmet conditions that one denial lists."""
ENTRY_BYTES_MAX: Final = 65_535
"""An entry as logged: the uint16 length prefix of a C2SP entry bundle."""
PAYLOAD_DEPTH_MAX: Final = 12
"""Nesting of a signed payload."""
SIGNATURES_MAX: Final = 16
"""Signatures on one envelope."""
SIGNATURE_BYTES_MAX: Final = 2_048
"""One signature: a passkey's, with the client data and authenticator data that it covers (an Ed25519 one has 64)."""
PASSKEY_SIGNATURES_BYTES_MAX: Final = 8_192
"""All passkeys' signatures on one envelope: with the longest payload and the longest denial they still fit the entry."""
PASSKEY_BYTES_MAX: Final = 1_024
"""A passkey's public key with its relying party (RSA of 4,096 bits takes 740)."""
INTEGER_ABS_MAX: Final = 2**53 - 1
"""Integers of a signed payload (RFC 8785 / I-JSON)."""
TEXT_CHARS_MAX: Final = 4_000
"""One free-text field of a signed payload."""
LIST_ITEMS_MAX: Final = 2_000
"""Items of one list in a signed payload."""
CONTRACT_BYTES_MAX: Final = 1_048_576
"""A contract document, in YAML or canonical form."""
BLOB_BYTES_MAX: Final = 2_097_152
"""A pinned blob (contract, imported entry, sealed body)."""
STEPS_MAX: Final = 100
"""Steps of a technique: whoever signs one may be named by what follows from one entry."""
MILESTONES_MAX: Final = 3
"""Milestones that one event can complete: many orders' may fire with one import, and have to fit its entry."""
PAYOUTS_MAX: Final = 2
"""Payout rules of an order: each signer's payouts of a job fire with one entry."""
SURCHARGES_MAX: Final = 10
"""Lines of a contract's price list beside its price."""
RUN_PAYOUTS_MAX: Final = 200
"""Payouts of one payment run."""
RESULTS_MAX: Final = 100
"""Results of a payment run that one act records."""
PAYMENTS_MAX: Final = 50
"""Payments that came in, in one act."""
TRIGGERS_MAX: Final = 20
"""Triggers of a contract: all of them can be set off by one entry."""
PINS_MAX: Final = 4
"""Documents beside one action."""
IMPORT_ENTRIES_MAX: Final = 512
"""Entries of another site's log taken in by one import entry (their digests fit an entry)."""
RULE_NODES_MAX: Final = 400
"""Nodes of one rule's normal form."""
RULE_DEPTH_MAX: Final = 12
"""Nesting of one rule."""
RULE_STEPS_MAX: Final = 100_000
"""Evaluation steps of one rule."""
RULE_LIST_MAX: Final = 500
"""Items of a list that a rule may read."""
WIRE_BYTES_MAX: Final = 16_777_216
"""What one site asks of another, in one piece: an action with all its documents, or a segment."""
WIRE_ANSWER_BYTES_MAX: Final = WIRE_BYTES_MAX
"""What a site answers another: a decision with its receipt, a cosigned checkpoint, or a stretch of a log that both keep."""
SITES_MAX: Final = 10_000
"""Sites of one shop."""
LOCKER_BYTES_MAX: Final = 1_024
"""A sealed key of a badge, as one site gives it to another."""
WIRE_PARTS_MAX: Final = 4_096
"""Parts in which one message between sites may come."""
WIRE_WHY_CHARS_MAX: Final = 2_000
"""The sentence of an error that crosses between sites."""
SEGMENT_BYTES: Final = 4_194_304
"""Where a segment ends early: entries and documents of more than this go in the next one, unless it is a single entry."""
BROADCAST_BYTES_MAX: Final = 524_288
"""What a reader sends over a broker: an envelope, or a CloudEvent with an EPCIS event and its envelope."""
PACKAGE_BYTES_MAX: Final = 134_217_728
"""A package of one job, as one file."""
PACKAGE_PARTS_MAX: Final = 1_024
"""Parts of a package, its manifest included."""
PACKAGE_NAME_CHARS_MAX: Final = 200
"""The name of a part."""
PACKAGE_MANIFEST_BYTES_MAX: Final = 524_288
"""A package's list of its parts (about 500 bytes for the longest row)."""
PACKAGE_ENTRIES_MAX: Final = 20_000
"""Entries in a package, of all logs."""
PACKAGE_LINE_BYTES_MAX: Final = 131_072
"""An entry in a package with its path, in base64."""
PACKAGE_LOGS_MAX: Final = 64
"""Logs that a package has entries of."""
