"""Showing a profile in a browser: a site on loopback, with our page or with speedscope."""
