"""The names under which sites speak on a broker. The broker's permissions are written in these names.

`holdgate.<shop>.ask.<receiver>.<sender>`: only the sender may publish here, only the receiver may listen, so the name itself
says truly who asks. `holdgate.<shop>.beat.<site>`: only that site may publish. `_INBOX_<site>.<id>`: answers to that site.

A name is made of words between dots; an id becomes one word (`holdgate.terms.topics`), so that two ids never share a name.
"""

import re
from typing import Final, NamedTuple

from holdgate.terms.topics import Names, name_of, token

_REPLY_ID: Final = re.compile(r"[0-9a-f]{24}")


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
        return name_of(words[-1]) if right else None


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


class Tray(NamedTuple):
    """What a broker keeps for a floor hub until it is decided, and who is given it.

    `stream`, `consumer`: their names in JetStream. `heard`: the subjects that are kept. `names`: under which the readers
    speak and are answered. `own`: the floor hub makes this stream; else it is the broker's own, of what came over MQTT.
    """

    stream: str
    consumer: str
    heard: str
    names: Names
    own: bool

    @classmethod
    def of_nats(cls, shop: str, floor: str) -> "Tray":
        """For readers that speak NATS.

        Raises:
            Malformed: one of the two is no id.
        """
        names = Names.nats(shop, floor)
        return cls(f"HOLDGATE_{names.shop}_{names.floor}", f"forwarder_{names.floor}", names.arrivals, names, own=True)

    @classmethod
    def of_mqtt(cls, shop: str, floor: str) -> "Tray":
        """For readers that speak MQTT to the broker's gateway, which keeps what they send in a stream of its own.

        Raises:
            Malformed: one of the two is no id.
        """
        names = Names.gateway(shop, floor)
        consumer = f"holdgate_{names.shop}_{names.floor}"
        return cls("$MQTT_msgs", consumer, f"$MQTT.msgs.{names.arrivals}", names, own=False)

    @property
    def publishes(self) -> tuple[str, ...]:
        """What the floor hub has to be allowed to publish: making, asking, letting go, and what readers are told."""
        api = (f"STREAM.CREATE.{self.stream}", f"STREAM.UPDATE.{self.stream}") if self.own else ()
        ask = (
            f"STREAM.INFO.{self.stream}",
            f"CONSUMER.DURABLE.CREATE.{self.stream}.{self.consumer}",
            f"CONSUMER.MSG.NEXT.{self.stream}.{self.consumer}",
        )
        named = tuple(f"$JS.API.{name}" for name in (*api, *ask))
        return (*named, f"$JS.ACK.{self.stream}.{self.consumer}.>", self.names.receipts)

    @property
    def subscribes(self) -> tuple[str, ...]:
        """What the floor hub has to be allowed to listen to, its own inbox aside."""
        return (self.names.hails,)
