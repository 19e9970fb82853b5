"""Holdgate: nothing starts, opens or leaves before the right people have proof."""
