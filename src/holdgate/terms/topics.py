"""Names on a broker: how an id becomes one word of a name, and the names under which readers' broadcasts travel.

A reader speaks under one name, is answered under another, and asks under a third whether the floor hub is there:

    holdgate.<shop>.arrival.<floor>.<reader>     what the reader signed
    holdgate.<shop>.receipt.<floor>.<reader>     what the floor hub answers this reader
    holdgate.<shop>.hail.<floor>.<reader>        "are you there?"; kept by nobody

Over MQTT the words stand between slashes and `mqtt` comes before the third, so that a broker that speaks both keeps what came
over MQTT once, not twice. The broker's permissions are written in these names: who speaks is read from the name alone.
"""

import re
from typing import Final, NamedTuple

from holdgate.terms.ids import check_id

_TOKEN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9%_-]{0,63}")
MQTT_EVERY: Final = "+"
NATS_EVERY: Final = "*"


def token(name: str, what: str = "site") -> str:
    """An id as one word of a name: its dots, which would make several words of it, are written as `%`, which no id holds.

    Raises:
        Malformed: it is no id.
    """
    return check_id(name, what).replace(".", "%")


def name_of(word: str) -> str | None:
    """The id that a word stands for; None where it stands for none."""
    return word.replace("%", ".") if _TOKEN.fullmatch(word) else None


def reader_inbox(reader: str) -> str:
    """What the names of a broker's own answers to a reader begin with; unlike those of any site.

    Raises:
        Malformed: it is no id.
    """
    return f"_READER_{token(reader, 'reader')}"


class Names(NamedTuple):
    """The names of readers' broadcasts for one floor hub. `between`: what stands between words; `every`: any one word."""

    shop: str
    floor: str
    between: str
    every: str
    by: tuple[str, ...] = ()

    @classmethod
    def nats(cls, shop: str, floor: str) -> "Names":
        """As subjects of NATS, for readers that speak it.

        Raises:
            Malformed: one of the two is no id.
        """
        return cls(token(shop, "shop"), token(floor), ".", NATS_EVERY)

    @classmethod
    def mqtt(cls, shop: str, floor: str) -> "Names":
        """As topics of MQTT.

        Raises:
            Malformed: one of the two is no id.
        """
        return cls(token(shop, "shop"), token(floor), "/", MQTT_EVERY, ("mqtt",))

    @classmethod
    def gateway(cls, shop: str, floor: str) -> "Names":
        """The topics of MQTT, as the subjects that NATS makes of them.

        Raises:
            Malformed: one of the two is no id.
        """
        return cls(token(shop, "shop"), token(floor), ".", NATS_EVERY, ("mqtt",))

    def arrival(self, reader: str) -> str:
        """Where this reader speaks."""
        return self._name("arrival", token(reader, "reader"))

    def receipt(self, reader: str) -> str:
        """Where this reader is answered."""
        return self._name("receipt", token(reader, "reader"))

    def hail(self, reader: str) -> str:
        """Where this reader asks who is there."""
        return self._name("hail", token(reader, "reader"))

    @property
    def arrivals(self) -> str:
        """Where every reader is heard."""
        return self._name("arrival", self.every)

    @property
    def receipts(self) -> str:
        """Where every reader is answered."""
        return self._name("receipt", self.every)

    @property
    def hails(self) -> str:
        """Where every reader asks who is there."""
        return self._name("hail", self.every)

    def reader_of(self, name: str, what: str = "arrival") -> str | None:
        """Who speaks under this name; None for a name of another shape."""
        head = self._name(what, "")
        return name_of(name.removeprefix(head)) if name.startswith(head) else None

    def _name(self, what: str, last: str) -> str:
        return self.between.join(("holdgate", self.shop, *self.by, what, self.floor, last))
