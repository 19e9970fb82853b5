# LONG: every maximum of the product in one table: a reader looks a limit up in one place
"""Every maximum in one place (units in the names).

A heading says what becomes of what is beyond. docs/limits.md is made from this file (`make limits`); deadlines of one adapter
stay beside it, as do sizes that a standard fixes and budgets of searches (tests/tidy/test_limits.py lists them).
"""

from typing import Final

# Signed acts: what is beyond is malformed, or cannot be signed; nothing of it is kept.
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
ROOTS_MAX: Final = 8
"""Root keys that a root document names: signatures of as many old and as many new ones fit one envelope."""
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

# Contracts and the documents beside an act: refused with the act, or not certified.
CONTRACT_BYTES_MAX: Final = 1_048_576
"""A contract document in canonical form."""
NOTATION_BYTES_MAX: Final = 196_608
"""A contract as people write it, in YAML (100 full steps take about 145,000): its parser takes half a microsecond for a blank."""
NOTATION_MARKS_MAX: Final = 20_000
"""Lines, commas and brackets in it, each worth up to 40 microseconds (100 full steps have about 8,700)."""
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

# Money: an act that names more is refused; the next act takes the rest.
RUN_PAYOUTS_MAX: Final = 200
"""Payouts of one payment run."""
PAYEE_NAME_CHARS_MAX: Final = 70
"""Of a creditor's name in a credit transfer (pain.001, Max70Text in SEPA)."""
RESULTS_MAX: Final = 100
"""Results of a payment run that one act records."""
PAYMENTS_MAX: Final = 50
"""Payments that came in, in one act."""

# Contracts, what else they hold: refused with the act, or not certified.
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

# Between sites: a message beyond these is refused, and its sender is told why.
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

# Packages of a job: a larger one is not written, and not read.
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

# Text, numbers and names wherever they come from: what is longer is malformed and is not taken.
ID_CHARS_MAX: Final = 64
"""An id: an ASCII allow-list bounds its characters."""
VERSION_CHARS_MAX: Final = 64
"""A version of a contract or a standard, as a page asks for it."""
DECIMALS_MAX: Final = 12
"""Decimal places of a quantity."""

# Decisions: what follows from one act has to fit its entry. More is left out, and said to be, or the act is refused.
DENIAL_VALUE_CHARS_MAX: Final = 400
"""One value that a denial names; the rest is in the act itself or in the contract."""
DENIAL_VALUES_BYTES_MAX: Final = 24_000
"""All values that one decision's denials name."""
DENIAL_WHY_CHARS_MAX: Final = 200
"""One finding about a draft, as a denial repeats it."""
DENIAL_FINDINGS_MAX: Final = 10
"""Findings about a draft (a megabyte that nobody vouches for) that a denial repeats."""
RULE_SENTENCE_CHARS_MAX: Final = 400
"""A rule's own sentence in a denial, with its facts filled in."""
TRIGGER_EFFECT_CHARS_MAX: Final = 200
"""What a contract's trigger says."""
FAILED_AT_ONCE_MAX: Final = 100
"""Executions that one value of the environment fails; any other one fails with the signature of its open step."""
RECALLED_AT_ONCE_MAX: Final = 100
"""Jobs that one failed check recalls at its node; the business hub flags the others."""
RETENTION_YEARS_MAX: Final = 100
"""Years for which a contract can have evidence kept."""
PAYMENT_TERM_DAYS_MAX: Final = 365
"""Days within which a client has to pay."""
RULE_CAUSES_MAX: Final = 16
"""Causes that one explanation of a rule names; a technician mends these first."""
RULE_SHOWN_CHARS_MAX: Final = 80
"""One value in such an explanation."""

# Permits of gates: a refusal has to fit an envelope; its entry holds all.
PERMIT_SENTENCE_CHARS_MAX: Final = 300
"""As much of a sentence as a refusal carries."""
PERMIT_UNMET_MAX: Final = 16
"""Unmet conditions that a refusal puts into words."""

# Between sites, beside their messages: a sender beyond these is told to wait, or its faults are no longer listed.
UNDER_WAY_EACH_MAX: Final = 1
"""Acts under way of one source, and of one signer, while others are about; further ones wait."""
IDENTITY_WAITING_MAX: Final = 64
"""Acts of one signer that wait for that; beyond, it is told to slow down before its signatures are checked."""
SOURCE_WAITING_MAX: Final = 1_024
"""Acts of one source that wait to be checked."""
ATTEMPT_WHY_CHARS_MAX: Final = 400
"""What the record says of why such input was refused."""
ORIGIN_CHARS_MAX: Final = 512
"""A log's name in a message between sites."""
ATTEMPTS_PER_S_MAX: Final = 20
"""Entries a second about input that could not be authenticated, for a whole site; more are counted together."""
BUS_QUEUE_MAX: Final = 64
"""Requests of one sender that wait for their turn."""
BUS_OPEN_MAX: Final = 16
"""Requests of one sender that came in part."""
BUS_PART_BYTES_MAX: Final = 1_048_576
"""A part of a message, where the broker would carry more at once: other senders' messages pass between parts."""
BUS_FAULTS_MAX: Final = 100
"""Faults of a line to a broker that are kept to be shown."""
BUS_FAULT_CHARS_MAX: Final = 500
"""One of them."""
BUS_FAULTS_SAID_MAX: Final = 20
"""Faults of broadcasts that one report names."""
PASSED_MAX: Final = 4_096
"""Entries that a link passes over before it writes so: after a crash it reads so many again."""
LOCKERS_ASKED_MAX: Final = 16
"""Questions of one site for sealed keys that are on their way at one time."""
DEFECTS_MAX: Final = 3
"""How often a broadcast that sets off a defect is tried before it is put aside."""
WATCH_WORDS_CHARS_MAX: Final = 1_000
"""What an alarm of the Vault's watch says of one entry."""

# Brokers: what their configuration lets through and keeps. Beyond it nothing is acknowledged, and whoever sent it keeps it.
BROKER_PAYLOAD_BYTES_MAX: Final = 1_048_576
"""One message over NATS."""
BROKER_PENDING_BYTES_MAX: Final = 268_435_456
"""What may wait for one site that reads slowly; beyond, the server cuts it off. Many sites may bring a hub up to date at once."""
BROKER_STORE_BYTES_MAX: Final = 1_073_741_824
"""What the broker may keep on disk. What came over MQTT has no other limit."""
BROKER_STREAM_BYTES_MAX: Final = 268_435_456
"""What the stream of readers' broadcasts may hold on disk; beyond, a reader is told that there is no room."""
BROKER_READER_MESSAGES_MAX: Final = 1_000
"""Broadcasts of one reader that the stream holds: a noisy one fills its own share alone."""
BROKER_CONNECTIONS_MAX: Final = 256
"""Lines to one broker."""
BROADCASTS_HELD_MAX: Final = 4_096
"""Broadcasts that a JetStream broker gives a floor hub before they are answered; the others wait in the broker."""
BROADCASTS_HELD_BYTES_MAX: Final = 16_777_216
"""What a floor hub holds of one reader's broadcasts until they are decided; beyond, the reader is told to send them again."""
MQTT_QUEUED_MAX: Final = 10_000
"""What waits in Mosquitto for a floor hub that is away; beyond, the broker drops it, and readers send again."""
MQTT_IN_FLIGHT_MAX: Final = 4_096
"""Broadcasts under way to one client of Mosquitto."""
READER_SERVERS_MAX: Final = 9
"""Servers of a broker that a reader is told of."""
READER_ANSWER_BYTES_MAX: Final = 1_048_576
"""What a reader takes as the answer to a broadcast."""

# The HTTP edge: 400, 408, 413, 431 or 503, or the connection is cut off (adapters/http_limits.py has the table).
HTTP_HEADER_S_MAX: Final = 10
"""From the connection, or the answer before, to the end of the headers."""
HTTP_BODY_S_MAX: Final = 10
"""From the end of the headers to the end of the body."""
HTTP_ANSWER_S_MAX: Final = 30
"""From there until the kernel has the whole answer."""
HTTP_HEADER_BYTES_MAX: Final = 16_384
"""The request line and the headers."""
HTTP_HEADERS_MAX: Final = 100
"""Headers of one request."""
HTTP_BODY_BYTES_MAX: Final = 1_048_576
"""A body, where the application names no other limit."""
HTTP_HELD_BYTES_MAX: Final = 134_217_728
"""All bodies that are held at once."""
HTTP_AT_ONCE_MAX: Final = 64
"""Requests that have come whole, at once."""
HTTP_FEW_EACH_MAX: Final = 4
"""Of those the last quarter is for addresses with fewer under way than these."""
HTTP_PIPELINED_MAX: Final = 8
"""Requests of one connection that wait behind one another."""
HTTP_CONNECTIONS_MAX: Final = 1_024
"""Connections; the longest idle one makes room."""
HTTP_PER_ADDRESS_MAX: Final = 256
"""Connections of one address (an IPv6 network of 64 bits)."""
HTTP_STREAMS_MAX: Final = 600
"""Event streams."""
HTTP_UNSENT_BYTES_MAX: Final = 65_536
"""What is kept for a client that takes nothing."""
SUBMISSION_HEAD_BYTES_MAX: Final = 2 * ENVELOPE_BYTES_MAX
"""A body with an envelope: one that is longer than an envelope may be, by little, hears so in its own words."""
SUBMISSION_BYTES_MAX: Final = SUBMISSION_HEAD_BYTES_MAX + PINS_MAX * BLOB_BYTES_MAX * 4 // 3
"""An envelope with documents beside it, in base64."""
DRAFT_FILES_MAX: Final = 4
"""Files beside a draft contract."""
DRAFT_BYTES_MAX: Final = 2 * CONTRACT_BYTES_MAX * (1 + DRAFT_FILES_MAX)
"""A draft contract and what stands beside it, with what JSON adds to them."""
ROWS_ASKED_MAX: Final = 200
"""Rows of one answer of the API."""
SCANS_AT_ONCE_MAX: Final = 2
"""Files that a scanner for viruses looks at, at a time; the next ones wait."""
DOWNLOAD_CHUNK_BYTES_MAX: Final = 65_536
"""What is sent of a package at a time."""
SESSIONS_MAX: Final = 8_192
"""Sessions of one process; the longest idle one ends."""
SESSIONS_OF_ONE_MAX: Final = 32
"""Sessions of one person or workstation at one process; the longest idle one ends."""
REFUSALS_TOLD_MAX: Final = 60
"""Refused sign-ins of one process in a minute that its log tells one by one; more are counted."""
SIGN_IN_WORD_CHARS_MAX: Final = 200
"""A name, an address or a reason in a line of that log; more is cut off."""
SECRET_CHARS_MAX: Final = 128
"""The secret of a link, as a newcomer brings it."""
CHALLENGES_MAX: Final = 4_096
"""Challenges that wait to be signed; the oldest one ends."""

# The front desk and the office: a form beyond these is refused; a shelf that is full says so.
INVITATIONS_MAX: Final = 500
"""Invitations that are open at one time."""
INVITED_KEY_BYTES_MAX: Final = 1_024
"""A public key as a newcomer hands it in."""
INVITED_NAME_CHARS_MAX: Final = 120
"""A newcomer's name."""
INVITED_ROLES_MAX: Final = 8
"""Roles that one invitation names."""
INVITED_REASON_CHARS_MAX: Final = 400
"""Why somebody's key is replaced."""
SEALED_KEY_BYTES_MAX: Final = 512
"""A badge's sealed key: what is in it has 48 bytes (RFC 8410), its tag 16."""
PAPERS_MAX: Final = 1_000
"""Acts that wait for further signatures at one time."""
ORDER_DRAFTS_MAX: Final = 200
"""Drafts of orders that lie in the drawer at once."""
ORDER_UNREAD_MAX: Final = 20_000
"""Entries that wait to be read for the list of orders; with more of them, every row is made anew."""
BEHIND_MAX: Final = 2_000
"""Entries that a question may still read by itself while the record is being read."""
SEARCH_FOUND_MAX: Final = 25
"""Rows of each kind that a search shows."""
PAYOUTS_SHOWN_MAX: Final = 200
"""Payouts on the page of a payment run."""
STAGED_SHOWN_MAX: Final = 50
"""Rows on the page of staged orders."""
OPTIONS_MAX: Final = 500
"""Candidates that are decided for one view."""
OPTION_READINGS_MAX: Final = 12
"""Characteristics (of parts) that one open step offers to record."""
OPTION_MONEY_MAX: Final = 20
"""Invoices and payouts that are offered where none is asked for: the oldest ones."""
FACTS_RESTED_MAX: Final = 8
"""Entries about the same things, of one import that a decision read: the newest."""
FACTS_TOLD_MAX: Final = 5
"""Facts of one entry that are told; the newest."""
AUDIT_FINDINGS_MAX: Final = 50
"""Findings that one replay lists; the rest is counted."""

# Files of clients: orders and series of the environment. A file beyond these is refused whole.
ORDER_FILE_BYTES_MAX: Final = 2_097_152
"""A client's order as one file."""
ORDER_LINES_MAX: Final = 200
"""Lines of one file: somebody reviews each of them."""
SHEET_ROWS_MAX: Final = 10_000
"""Rows of a table."""
SHEET_LINES_MAX: Final = 100_000
"""Lines of its file, empty ones and those inside of cells too: a spreadsheet may save many empty rows."""
SHEET_COLUMNS_MAX: Final = 50
"""Columns of a table."""
UBL_ELEMENTS_MAX: Final = 50_000
"""Elements of an order in UBL."""
UBL_DEPTH_MAX: Final = 32
"""Their nesting; UBL's own orders nest about a dozen deep."""
UBL_UNMAPPED_MAX: Final = 400
"""Statements without a field that are listed for a line."""
ORDER_ANSWER_CHARS_MAX: Final = 500
"""What is noted of a client's answer."""
ORDER_CELL_CHARS_MAX: Final = 200
"""One field of an order."""
ORDER_SERIALS_CHARS_MAX: Final = 8_000
"""An order's list of serials, as typed."""
ORDER_SERIALS_BYTES_MAX: Final = 7_000
"""Serials as an act names them, with quotes and commas: with all else that the act says they fit a signed payload."""
ORDER_LIST_CHARS_MAX: Final = 1_000
"""Any other list of an order."""
ORDER_QUANTITY_MAX: Final = LIST_ITEMS_MAX
"""Parts of an order: each is named."""
SLIP_MORE_BYTES_MAX: Final = 1_024
"""What a slip may be longer than the longest order that it is made from."""
ENV_FILE_BYTES_MAX: Final = 16_777_216
"""A logger's file of temperatures and humidities."""
ENV_ROWS_MAX: Final = 100_000
"""Its rows."""

# Readers' events (EPCIS 2.0) and part marks. Refused before they are decided.
EPCIS_EVENT_BYTES_MAX: Final = 262_144
"""An event as received: 2,000 serials of usual length fit."""
EPCIS_BODY_BYTES_MAX: Final = 2 * ENVELOPE_BYTES_MAX + EPCIS_EVENT_BYTES_MAX * 4 // 3 + 4_096
"""A CloudEvent with an event and its envelope."""
EPCIS_ATTRIBUTE_CHARS_MAX: Final = 2_048
"""One attribute of a CloudEvent."""
EPCIS_DEPTH_MAX: Final = 24
"""Nesting; the deepest example of GS1 has 12 levels."""
EPCIS_LOT_PIECES_MAX: Final = 1_000_000_000
"""Pieces of a lot."""
EPCIS_PREHASH_CHARS_MAX: Final = 2_097_152
"""The text that an event's hash is made from: namespaces stand in full, so it may be longer than the event."""
EPCIS_NUMBER_CHARS_MAX: Final = 128
"""A number of an event."""
EPCIS_NUMBER_EXPONENT_MAX: Final = 64
"""Its exponent."""
EPCIS_LINK_CHARS_MAX: Final = 2_048
"""A text in which a GS1 link is looked for; a longer one is not looked into."""
EPCIS_URI_CHARS_MAX: Final = 512
"""A URI that names parts or places."""
EPCIS_PART_NO_CHARS_MAX: Final = 32
"""A part number in an ADI (TDS table of the ADI scheme)."""
EPCIS_ADI_SERIAL_CHARS_MAX: Final = 30
"""A serial in an ADI."""
EPCIS_SERIAL_CHARS_MAX: Final = 20
"""A serial of AI (21) and a lot of AI (10)."""
EPCIS_ASSET_CHARS_MAX: Final = 30
"""An individual asset identifier, AI (8004)."""
MARK_CHARS_MAX: Final = 1_024
"""A part mark; a Data Matrix symbol holds up to 2,335 letters, a part mark far fewer."""

# Ledgers, proofs and witnesses. A note, proof or answer beyond these is malformed.
NOTE_BYTES_MAX: Final = 65_536
"""A signed note: a checkpoint with its cosignatures."""
NOTE_SIGNATURES_MAX: Final = 64
"""Its signature lines."""
HEAD_BYTES_MAX: Final = 1_048_576
"""The Vault's daily head: about 8,000 logs."""
PATH_HASHES_MAX: Final = 63
"""A path in a tree of less than 2^63 leaves."""
PROOF_BYTES_MAX: Final = 2 * NOTE_BYTES_MAX
"""A proof that an entry is in a log, as a file."""
POLICY_BYTES_MAX: Final = 65_536
"""A policy that names witnesses."""
POLICY_LINES_MAX: Final = 512
"""Its lines."""
POLICY_GROUPS_MAX: Final = 128
"""Its groups."""
WITNESS_REQUEST_BYTES_MAX: Final = NOTE_BYTES_MAX + 4_096
"""What a witness is handed: a note, 63 lines of a proof, the line of the old size."""
WITNESS_EVIDENCE_MAX: Final = 256
"""Contradictions of one kind that are kept of one log: the first ones, so that nobody fills the disk."""
COSIGNING_ROUNDS_MAX: Final = 3
"""How often one checkpoint is handed in: the guess, the size told, and once more where others asked in between."""
COSIGNING_ANSWER_BYTES_MAX: Final = 65_536
"""What is read of a witness's answer."""
MIRROR_PACKAGES_MAX: Final = 32
"""Packages of entries in one upload; what comes after them is not read."""
MIRROR_UPLOAD_BYTES_MAX: Final = 17_825_792
"""An upload, unpacked: one package of the longest entries fits. What is beyond is not read."""
MIRROR_ORIGIN_BYTES_MAX: Final = 1_024
"""A log's name in an upload."""
MIRROR_TICKET_BYTES_MAX: Final = 1_024
"""The ticket of an upload that goes on."""
TIMESTAMP_ANSWER_BYTES_MAX: Final = 65_536
"""A time-stamping authority's answer; public ones answer with 2 to 8 KiB."""
TIMESTAMP_CERTIFICATES_MAX: Final = 8
"""Certificates in it."""
HEAD_REST_S_MAX: Final = 3_600
"""The longest rest between tries to have a head stamped."""

# Evidence, invoices and paper. Beyond it the document is refused, and nothing of it is kept.
EVIDENCE_STORE_BYTES_MAX: Final = 64 * 1024**3
"""Payloads of evidence that are kept at one place; beyond it the disk is not this product's to fill."""
INVOICE_BYTES_MAX: Final = 1_048_576
"""An invoice as JSON: two thousand lines of text."""
INVOICE_XML_BYTES_MAX: Final = 8_388_608
"""An invoice as XML: some thousand lines."""
INVOICE_NAME_CHARS_MAX: Final = 200
"""A name on an invoice."""
INVOICE_TEXT_CHARS_MAX: Final = 1_000
"""A line's text."""
INVOICE_NOTE_CHARS_MAX: Final = 4_000
"""An invoice's note."""
INVOICE_REPORTS_MAX: Final = 100
"""Reports that an invoice names."""
INVOICE_US_RATE_PERCENT_MAX: Final = 15
"""A sales tax of the United States, in percent."""
INVOICE_CHECKED_MAX: Final = 200
"""Documents that one checking process takes; CII keeps about 1 MB of each."""
INVOICE_CHECK_BYTES_MAX: Final = 16_777_216
"""What a checking process answers."""
PAPER_DATA_BYTES_MAX: Final = 8_388_608
"""Data of one document to typeset: some thousand pages of tables."""
PAPER_GLYPHS_MAX: Final = 500
"""Different characters beyond Latin that one document is looked at for; the rest are written out."""
PAPER_WORD_CHARS_MAX: Final = 64
"""One word that fits a line (a SHA-256 in hexadecimal does); a longer one may be broken."""
PDF_BYTES_MAX: Final = 67_108_864
"""A PDF whose seal is checked."""

# Files to and from banks. A file beyond these is refused whole; a text is cut where its row says so.
BANK_FILE_BYTES_MAX: Final = 16_777_216
"""A bank's file: a day's statement with some ten thousand transactions."""
BANK_TAGS_MAX: Final = 600_000
"""Opening and closing signs in an XML file: what they take in memory is many times what they take in the file."""
BANK_DEPTH_MAX: Final = 40
"""Nesting of an XML file; the deepest of these messages has about 15 levels."""
BANK_PAYMENTS_MAX: Final = 2_000
"""Transfers of one order."""
BANK_TEXT_CHARS_MAX: Final = 1_000
"""A remittance text as it is taken over; what is longer is cut."""
BANK_NAME_CHARS_MAX: Final = 140
"""A payer's name as it is taken over (Max140Text); cut."""
BANK_CSV_ROWS_MAX: Final = 20_000
"""Rows of a statement as CSV."""
BANK_ID_CHARS_MAX: Final = 35
"""An identifier of ISO 20022 (Max35Text)."""
BANK_PAY_AHEAD_DAYS_MAX: Final = 366
"""How long before its day a payment may be ordered: beyond it is a slip of the pen, and banks refuse it (CH03)."""
BANK_TOLD_ID_CHARS_MAX: Final = 140
"""An id or code as a bank repeats it: cut so far beyond the 35 that one too long is never taken for another."""
BANK_WORDS_CHARS_MAX: Final = 105
"""A bank's words of one status reason (Max105Text); cut."""
SEPA_NAME_CHARS_MAX: Final = 70
"""A name in a SEPA credit transfer (EPC 132-08); cut."""
SEPA_TEXT_CHARS_MAX: Final = 140
"""Its unstructured remittance information; cut."""
SEPA_AMOUNT_MINOR_MAX: Final = 99_999_999_999
"""999,999,999.99 EUR: one SEPA credit transfer."""
NACHA_AMOUNT_MINOR_MAX: Final = 9_999_999_999
"""99,999,999.99 USD: the amount field of an ACH entry."""

# Keys and the command line. What is beyond is not read, and the command says so.
KEY_FILE_BYTES_MAX: Final = 4_096
"""A key file."""
KEY_NAME_CHARS_MAX: Final = 64
"""Its name."""
PIN_CHARS_MAX: Final = 256
"""A PIN or passphrase."""
PINS_BYTES_MAX: Final = 4_096
"""What is read of PINs from a file descriptor."""
WISH_BYTES_MAX: Final = 2 * ENVELOPE_BYTES_MAX
"""An act on its way from signer to signer, as a file."""
WISH_LINES_MAX: Final = 100_000
"""Lines of it that are shown."""
WISH_SKEW_S_MAX: Final = 366 * 86_400
"""The skew of clocks that it may claim."""
TRUST_BYTES_MAX: Final = 65_536
"""A file of root and witness keys that somebody verifies with."""
STATUS_BYTES_MAX: Final = 1_048_576
"""A site's status, as the command reads it."""
PAYMENT_ORDER_BYTES_MAX: Final = 4_194_304
"""A payment order as a file."""
HEADS_MAX: Final = 20_000
"""Daily heads in one folder."""
DUE_DAYS_MAX: Final = 3_653
"""Days ahead that what runs out is listed for."""
TLS_NAMES_MAX: Final = 50
"""Hosts of one certificate."""

# Who is told outside. More targets are refused; more of an answer is not read.
NOTIFY_TARGETS_MAX: Final = 100
"""Targets of notices."""
NOTIFY_ANSWER_BYTES_MAX: Final = 2_048
"""What is read of an answer's body, and only to show a part of it where it is no success."""
NOTIFY_LINES_MAX: Final = 50
"""What runs out that one mail names; the rest is counted."""
