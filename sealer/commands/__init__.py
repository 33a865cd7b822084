"""The bodies of the commands, one module each; `sealer/cli.py` holds their options."""
