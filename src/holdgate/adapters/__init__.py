"""Adapters: the outside world behind the engine's ports. Independent of each other; `bootstrap` picks them."""
