"""A disk with a cache that forgets, as a plugin of nbdkit (it runs in nbdkit's own interpreter, with nothing of the project).

Every write is noted down; a flush is noted too. What a power cut leaves is for the reader of the notes to say.
"""

import struct
import threading
from pathlib import Path
from typing import Any

import nbdkit  # type: ignore[import-not-found]  # only there inside of nbdkit

API_VERSION = 2
_settings: dict[str, str] = {}
_disk = bytearray()
_lock = threading.Lock()
_notes: list[Any] = []


def config(key: str, value: str) -> None:
    _settings[key] = value


def get_ready() -> None:
    _disk.extend(Path(_settings["first"]).read_bytes())


def after_fork() -> None:
    _notes.append(Path(_settings["notes"]).open("wb", buffering=0))  # noqa: SIM115  # open as long as the disk


def open(readonly: bool) -> int:  # noqa: A001  # the plugin's interface
    return 1


def get_size(handle: int) -> int:
    return len(_disk)


def can_flush(handle: int) -> bool:
    return True


def can_fua(handle: int) -> int:
    return int(nbdkit.FUA_NATIVE)


def thread_model() -> int:
    return int(nbdkit.THREAD_MODEL_SERIALIZE_ALL_REQUESTS)


def pread(handle: int, buffer: bytearray, offset: int, flags: int) -> None:
    buffer[:] = _disk[offset : offset + len(buffer)]


def pwrite(handle: int, buffer: bytes, offset: int, flags: int) -> None:
    with _lock:
        _disk[offset : offset + len(buffer)] = buffer
        _notes[0].write(struct.pack("<cQI", b"W", offset, len(buffer)) + bytes(buffer))
        if flags & nbdkit.FLAG_FUA:
            _notes[0].write(struct.pack("<cQI", b"F", 0, 0))


def flush(handle: int, flags: int) -> None:
    with _lock:
        _notes[0].write(struct.pack("<cQI", b"F", 0, 0))
