"""`run`: a source applied for ever, told to an operator by signals, systemd, HTTP and logs (DESIGN section 11)."""
