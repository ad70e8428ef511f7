"""A corpus of handlers that leak and handlers that only look like it, and what each tool says of them."""
