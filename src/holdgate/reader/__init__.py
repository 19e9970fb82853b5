"""A reader's side of an arrival: keep every scan, hand it in, and believe nothing but a receipt.

Needs `ledger`, `crypto` and `terms`, no more.
"""

from holdgate.reader.broadcast import Scan
from holdgate.reader.host import Clock, MachineClock
from holdgate.reader.link import HttpLink
from holdgate.reader.outbox import Outbox
from holdgate.reader.reader import Delivery, Link, Reader
from holdgate.reader.words import Came, Word

__all__ = ["Came", "Clock", "Delivery", "HttpLink", "Link", "MachineClock", "Outbox", "Reader", "Scan", "Word"]
