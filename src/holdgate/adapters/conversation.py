"""A conversation with somebody outside in a thread of its own: one deadline for all of it, whatever the other side does.

The standard library's clients wait a while for every single answer; a receiver that drips bytes would hold them for ever. When
the deadline is over, or nobody waits any more, the socket is shut under the client, and the thread ends by itself. One that
hangs where nothing can be shut (a name that is looked up) is left behind; it keeps nothing but itself.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from holdgate.terms.errors import Unavailable

_T = TypeVar("_T")


class Line:
    """The connection of a conversation, so that it can be cut."""

    def __init__(self) -> None:
        self._socket: Callable[[], socket.socket | None] = lambda: None
        self.cut = False

    def hold(self, of: Callable[[], socket.socket | None]) -> None:
        """From now on this is the socket.

        Raises:
            Unavailable: the conversation was cut meanwhile.
        """
        self._socket = of
        if self.cut:
            raise Unavailable("the time for it is over")

    def end(self) -> None:
        """Shut the connection, if there is any."""
        self.cut = True
        sock = self._socket()
        if sock is not None:
            with contextlib.suppress(OSError, ValueError):
                sock.shutdown(socket.SHUT_RDWR)


async def converse(talk: Callable[[Line], _T], deadline_s: float, name: str) -> _T:
    """Have a conversation.

    Args:
        talk: all of it, blocking; it tells the line its socket as soon as there is one.
        deadline_s: for all of it.
        name: of the thread.

    Raises:
        Unavailable: it did not end in time. Whatever `talk` raises.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[_T] = loop.create_future()
    line = Line()

    def run() -> None:
        try:
            how = partial(ended.set_result, talk(line))
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            how = partial(ended.set_exception, error)
        _tell(loop, ended, how)

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        async with asyncio.timeout(deadline_s):
            return await ended
    except TimeoutError:
        raise Unavailable(f"no whole answer within {deadline_s:.0f} s") from None
    finally:
        line.end()


def _tell(loop: asyncio.AbstractEventLoop, ended: "asyncio.Future[_T]", how: Callable[[], None]) -> None:
    def settle() -> None:
        if not ended.done():
            how()

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(settle)


def printable(text: str, most: int) -> str:
    """What somebody outside said, fit to be shown: one line of printable ASCII."""
    shown = "".join(char if " " <= char <= "~" else " " for char in text[: 4 * most])
    return " ".join(shown.split())[:most]
