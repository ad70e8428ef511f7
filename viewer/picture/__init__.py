"""The parts of a flame graph that needs no page: a static picture in the page's own style and colours."""
