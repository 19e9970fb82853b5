"""Machines of their own on one network: network namespaces on a bridge. Wants root and iproute2."""

import ctypes
import os
import socket
import subprocess
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from typing_extensions import override

_CLONE_NEWNET: Final = 0x40000000
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
PREFIX: Final = "hgsoak"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Net:
    """A bridge in a namespace of its own, and one machine beside it for each name."""

    def __init__(self, names: list[str]) -> None:
        self._switch = f"{PREFIX}-{os.getpid()}"
        self._at = {name: number for number, name in enumerate(names, start=11)}
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "br0", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "br0", "up")
        for name in names:
            self._add(name)

    def _add(self, name: str) -> None:
        space, port = self.space(name), f"p{self._at[name]}"
        _ip("netns", "add", space)
        _ip("-n", self._switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("-n", self._switch, "link", "set", port, "master", "br0", "up")
        _ip("-n", space, "addr", "add", f"{self.address(name)}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")
        _ip("-n", space, "link", "set", "lo", "up")

    def space(self, name: str) -> str:
        """The namespace of a machine."""
        return f"{self._switch}-{self._at[name]}"

    def address(self, name: str) -> str:
        """The address of a machine on the network."""
        return f"10.77.0.{self._at[name]}"

    def run(self, name: str, command: list[str], env: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
        """Start a program on a machine."""
        with log.open("ab") as out:
            inside = ["ip", "netns", "exec", self.space(name), *command]
            return subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=out, stderr=out, env=env)

    def cut(self, name: str) -> None:
        """Nothing comes to the machine, and nothing leaves it."""
        _ip("-n", self._switch, "link", "set", f"p{self._at[name]}", "down")

    def mend(self, name: str) -> None:
        """The machine is on the network again."""
        _ip("-n", self._switch, "link", "set", f"p{self._at[name]}", "up")

    def close(self) -> None:
        """Take everything away."""
        for name in self._at:
            subprocess.run(["ip", "netns", "del", self.space(name)], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self._switch], check=False, capture_output=True)


class Inside(HTTPConnection):
    """A connection to a machine's own loopback, from there."""

    def __init__(self, space: str, port: int, timeout: float) -> None:
        super().__init__("127.0.0.1", port, timeout=timeout)
        self._space = space

    @override
    def connect(self) -> None:
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self._space}", os.O_RDONLY)
        try:
            if _LIBC.setns(there, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {self._space}")
            try:
                self.sock = socket.create_connection((self.host, self.port), self.timeout)
            finally:
                if _LIBC.setns(home, _CLONE_NEWNET):
                    os.abort()  # this thread is lost in another machine's network
        finally:
            os.close(there)
            os.close(home)
