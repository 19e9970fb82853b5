"""The names under which sites speak on a broker. The broker's permissions are written in these names.

`holdgate.<shop>.ask.<receiver>.<sender>`: only the sender may publish here, only the receiver may listen, so the name itself
says truly who asks. `holdgate.<shop>.beat.<site>`: only that site may publish. `_INBOX_<site>.<id>`: answers to that site.

A name is made of words between dots. A site's id may hold dots, which would make several words of it; in a name they are
written as `%`, which no id holds, so that two ids never share a name.
"""

import re
from typing import Final, NamedTuple

from holdgate.terms.ids import check_id

_TOKEN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9%_-]{0,63}")
_REPLY_ID: Final = re.compile(r"[0-9a-f]{24}")


def token(site: str) -> str:
    """An id as one word of a name.

    Raises:
        Malformed: it is no id.
    """
    return check_id(site, "site").replace(".", "%")


def site_of(word: str) -> str | None:
    """The id that a word stands for; None where it stands for none."""
    return word.replace("%", ".") if _TOKEN.fullmatch(word) else None


class Subjects(NamedTuple):
    """The names of one shop."""

    root: str

    @classmethod
    def of(cls, shop: str) -> "Subjects":
        """The names of the shop that is called so on its broker.

        Raises:
            Malformed: the shop's name is no id.
        """
        return cls(f"holdgate.{token(shop)}")

    def ask(self, receiver: str, sender: str) -> str:
        """Where the sender asks the receiver."""
        return f"{self.root}.ask.{token(receiver)}.{token(sender)}"

    def asked(self, receiver: str) -> str:
        """Where the receiver listens for what anybody asks."""
        return f"{self.root}.ask.{token(receiver)}.*"

    def asks(self, sender: str) -> str:
        """Where the sender may ask whomever."""
        return f"{self.root}.ask.*.{token(sender)}"

    def beat(self, site: str) -> str:
        """Where a site says that it is there."""
        return f"{self.root}.beat.{token(site)}"

    @property
    def beats(self) -> str:
        """Where everybody hears who is there."""
        return f"{self.root}.beat.*"

    def speaker(self, subject: str) -> str | None:
        """Who asks under this name, or beats; None for a name of another shape."""
        words = subject.removeprefix(f"{self.root}.").split(".") if subject.startswith(f"{self.root}.") else []
        right = (len(words), words[0] if words else "") in ((3, "ask"), (2, "beat"))
        return site_of(words[-1]) if right else None


def inbox(site: str) -> str:
    """What the names of a site's answers begin with."""
    return f"_INBOX_{token(site)}"


def is_answer_to(site: str, subject: str) -> bool:
    """Whether the name is one for an answer to that site.

    Whoever answers checks this: the asking side chooses the name, and a name of another kind would have the answering site
    speak where only it may speak, in words that the asking side chose.
    """
    head, _, last = subject.rpartition(".")
    return head == inbox(site) and _REPLY_ID.fullmatch(last) is not None
