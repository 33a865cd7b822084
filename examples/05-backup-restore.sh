#!/bin/sh
# The keyring lost and restored.
. "$(dirname "$0")/prelude.sh"

sealer-controller init --cluster prod
sealer init --cluster prod --no-hooks
sealer set secrets/payments/db.yaml password --generate password:24

# One file under a passphrase. Keep the two apart, and neither in Git.
openssl rand -hex 16 > ../passphrase
sealer-controller keys backup ../prod.backup --passphrase-file ../passphrase

rm -r "$HOME/.local/share/sealer"
sealer-controller keys restore ../prod.backup --passphrase-file ../passphrase
sealer-controller apply .
sealer-controller get payments/db password | wc -c
