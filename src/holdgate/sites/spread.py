"""How far a site's record has come: who has confirmed an entry, and who has not."""

from collections.abc import Mapping

from holdgate.engine.replicate import Link


def absent(links: Mapping[str, Link], size: int, seq: int) -> tuple[str, ...]:
    """The peers that have not confirmed entry `seq` of this site's record, by name.

    Args:
        links: of the site whose entry it is (`Site.links`), or some of them.
        size: durable entries there.
        seq: the entry, a release for instance.
    """
    return tuple(sorted(peer for peer, link in links.items() if size - link.backlog <= seq))
