"""Which kind of file a bank sent, and what it says."""

from holdgate.banking import camt053, pain001, pain002
from holdgate.banking.markup import message_of, parse
from holdgate.banking.nacha_returns import read_returns
from holdgate.banking.results import Results, Statement
from holdgate.banking.statement_csv import read_csv
from holdgate.terms.errors import Malformed


def read(raw: bytes) -> Results | Statement:
    """Read a file of a bank by what it holds, whatever its name.

    Args:
        raw: untrusted bytes.

    Raises:
        Malformed: none of the formats that are read, or not a whole and consistent file of its format; the sentence says
            which line, and what is read instead. Nothing else is raised, whatever the bytes are.
    """
    start = raw[:200].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise Malformed("the file is empty")
    if start.startswith(b"<"):
        return _xml(raw)
    if start.startswith(b"101"):
        return read_returns(raw)
    return read_csv(raw)


def _xml(raw: bytes) -> Results | Statement:
    root = parse(raw, "the file")
    kind = message_of(root)
    if kind in camt053.MESSAGES:
        return camt053.read_statement(root)
    if kind in pain002.MESSAGES:
        return pain002.read_report(root)
    if kind == pain001.MESSAGE:
        raise Malformed("this is a payment file (pain.001) and no answer of a bank")
    known = ", ".join((*camt053.MESSAGES, *pain002.MESSAGES))
    raise Malformed(f"this is {f'a {kind}' if kind else 'no message of ISO 20022'}; what is read of XML is {known}")
