"""Values in, sealed files out, and back: where values come from, what they are sealed for, and opening."""
