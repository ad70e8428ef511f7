"""The flame graph in a terminal, for machines that have no browser.

The page in `viewer.page` and this view draw the same: they share their keys, their search and their colours.
"""
