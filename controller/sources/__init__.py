"""Where sealed documents come from. `base` is the port; each source is a module."""
