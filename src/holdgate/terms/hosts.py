"""Hosts: what is on this machine, and what leaves it and so wants TLS."""

import ipaddress

from holdgate.terms.errors import Malformed


def on_this_machine(host: str) -> bool:
    """Whether the host is this machine's loopback, by number or as `localhost`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_host(host: str, *, tls: bool) -> None:
    """Let a host pass only if nobody on the way to it can read or stand in.

    Raises:
        Malformed: it is beyond this machine, and there is no TLS.
    """
    if not tls and not on_this_machine(host):
        raise Malformed(f"{host} is beyond this machine: that wants TLS, so that nobody on the way reads or stands in")
