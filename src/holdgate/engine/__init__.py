"""The engine: the spine of a site around the pure core. It knows when things are durable; it knows no rule."""
