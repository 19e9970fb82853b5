"""Pages and the HTTP API of a site: what people see, and where their signed actions come in. Nothing here decides."""
