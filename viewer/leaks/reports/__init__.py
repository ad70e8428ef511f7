"""A report as people read it: in a terminal, in a pull request, and as a page with charts."""
