"""holdgate verifier: write the page that verifies a record in a browser, for an auditor to keep."""

from pathlib import Path

from rich.console import Console

from holdgate.crypto.hashes import digest
from holdgate.terms.errors import Unavailable
from holdgate.web.verifier.assemble import page


def verifier(*, out: Path) -> int:
    """Write the verifier page: one HTML file that verifies bundles and receipts in a browser, without server or network.

    Parameters
    ----------
    out
        The file to write. The same release writes the same bytes, so that its SHA-256 can be compared.
    """
    written = page()
    try:
        out.write_bytes(written)
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error}") from error
    console = Console()
    console.print(f"{out}: {len(written)} bytes", soft_wrap=True)
    console.print(f"SHA-256 {digest(written)}", soft_wrap=True)
    return 0
