"""The command line in process, with real key files: what it prints, how it ends, and PINs that come by a file descriptor."""

import contextlib
import io
import os
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from holdgate.cli.app import main
from holdgate.cli.key_files import PublicKey
from holdgate.crypto.keyfile import LEAST, seal_key
from holdgate.crypto.keys import SigningKey

PIN: Final = "oven glove on the left"
SKEW: Final = "entry_skew_s: 86400"
"""In shop files of tests: a slow machine makes nobody's signature too late."""


class Said(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def run(*words: str | Path, pins: tuple[str, ...] = ()) -> Said:
    """One command. `pins`: lines that it reads from a file descriptor."""
    arguments = [str(word) for word in words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        if pins:
            reading, writing = os.pipe()
            stack.callback(os.close, reading)
            os.write(writing, "".join(f"{pin}\n" for pin in pins).encode())
            os.close(writing)
            arguments += ["--pin-fd", str(reading)]
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        code = main(arguments)
    return Said(code, out.getvalue(), err.getvalue())


def well(*words: str | Path, pins: tuple[str, ...] = ()) -> str:
    """A command that has to end well; what it prints."""
    said = run(*words, pins=pins)
    assert said.code == 0, said
    return said.out


def key_file(folder: Path, name: str) -> Path:
    """Somebody's sealed key and its public half, as `holdgate key make` writes them, at the least cost that is read."""
    key, path = SigningKey.generate(), folder / f"{name}.key"
    path.write_bytes(seal_key(key, PIN, name, LEAST))
    public = PublicKey(name=name, public=key.public.hex())
    path.with_name(f"{path.name}.pub").write_bytes(msgspec.json.encode(public))
    return path


def public_of(path: Path) -> Path:
    """The public file beside a key's."""
    return path.with_name(f"{path.name}.pub")


def shop_file(folder: Path) -> Path:
    """A shop file, as `holdgate site new` writes it."""
    path = folder / "shop.yaml"
    well("site", "new", path)
    text = path.read_text(encoding="utf-8")
    assert "entry_skew_s: 120" in text
    path.write_text(text.replace("entry_skew_s: 120", SKEW), encoding="utf-8")
    return path
