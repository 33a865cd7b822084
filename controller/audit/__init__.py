"""The audit log: who did what to which secret, in a chain that shows every change to it (FORMATS section 11)."""
