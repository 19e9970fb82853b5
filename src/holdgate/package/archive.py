"""The file of a package: a ZIP archive with one spelling, so that the same parts are the same bytes and nothing hides between them.

Every part is stored as it is. That costs room and buys much: no bomb can be packed, and the bytes do not depend on a library's way
to compress. Source: docs/spec/package.md, "The file"; PKWARE APPNOTE 6.3.
"""

import re
import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Final

from holdgate.terms import limits
from holdgate.terms.errors import Malformed

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_DAY: Final = (1980, 1, 1, 0, 0, 0)
_VERSION: Final = 20
_UNIX: Final = 3
_MODE: Final = 0o100644 << 16
_END: Final = struct.Struct("<4s4H2LH")
_END_MARK: Final = b"PK\x05\x06"
_ROW_BYTES: Final = 46
"""A row of the directory, without its name."""


def check_name(name: str) -> str:
    """A part's name, as it is.

    Raises:
        Malformed: it leads out of the package, or is none.
    """
    segments = name.split("/")
    if len(name) > limits.PACKAGE_NAME_CHARS_MAX or not _NAME.fullmatch(name) or {".", ".."} & {*segments}:
        raise Malformed(f"a package holds no part of the name {name[:80]!r}")
    return name


def pack(parts: Mapping[str, bytes]) -> bytes:
    """The bytes of a package with these parts; the same parts are the same bytes, on every machine.

    Raises:
        Malformed: a name is none, or there is too much for one package.
    """
    total = sum(len(content) for content in parts.values())
    if len(parts) > limits.PACKAGE_PARTS_MAX or total > limits.PACKAGE_BYTES_MAX:
        raise Malformed(
            f"{len(parts)} parts of {total} bytes in all are too much for one package: at most {limits.PACKAGE_PARTS_MAX}"
            f" parts and {limits.PACKAGE_BYTES_MAX} bytes"
        )
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in sorted(parts):
            archive.writestr(_header(check_name(name)), parts[name])
    return file.getvalue()


def _header(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DAY)
    info.create_system, info.create_version, info.extract_version = _UNIX, _VERSION, _VERSION
    info.external_attr, info.compress_type = _MODE, zipfile.ZIP_STORED
    return info


def unpack(raw: bytes) -> dict[str, bytes]:
    """The parts of a package by name.

    Args:
        raw: untrusted bytes.

    Raises:
        Malformed: it is no package, too long, has too many parts, an unsound or a doubled name, or is not in the one spelling.
    """
    if len(raw) > limits.PACKAGE_BYTES_MAX:
        raise Malformed(f"the file has {len(raw)} bytes; a package has at most {limits.PACKAGE_BYTES_MAX}")
    _check_end(raw)
    try:
        parts = _read(raw)
    except (zipfile.BadZipFile, EOFError, struct.error, NotImplementedError, RuntimeError, ValueError) as error:
        raise Malformed(f"the file cannot be read as a package: {error}") from None
    if pack(parts) != raw:
        raise Malformed(
            "the file is not in a package's one spelling: its parts stand in another order, or something stands between them"
        )
    return parts


def _check_end(raw: bytes) -> None:
    """The last record says how many parts there are: before anything is read that costs room for each."""
    if len(raw) < _END.size or not raw.startswith(b"PK\x03\x04"):
        raise Malformed("this is no package: it does not begin as a ZIP archive with parts")
    mark, disk, first, here, count, size, offset, comment = _END.unpack(raw[-_END.size :])
    if mark != _END_MARK or disk or first or comment or here != count:
        raise Malformed("the file is cut off, or carries something behind its end")
    if count > limits.PACKAGE_PARTS_MAX:
        raise Malformed(f"the file has {count} parts; a package has at most {limits.PACKAGE_PARTS_MAX}")
    if size > count * (_ROW_BYTES + limits.PACKAGE_NAME_CHARS_MAX) or offset + size + _END.size != len(raw):
        raise Malformed("the file's directory is not where it should be, or is longer than its parts need")


def _read(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        infos = {}
        for info in archive.infolist():
            name = check_name(info.orig_filename)
            if name in infos:
                raise Malformed(f"the part {name} is there twice")
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                raise Malformed(f"the part {name} is compressed; a package's parts are stored as they are")
            if info.flag_bits:
                raise Malformed(f"the part {name} is encrypted, or written in a way that packages are not")
            infos[name] = info
        if sum(info.file_size for info in infos.values()) > len(raw):
            raise Malformed("the parts say that they are longer than the file: they would lie over each other")
        return {name: archive.read(info) for name, info in infos.items()}
