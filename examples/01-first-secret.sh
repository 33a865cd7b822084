#!/bin/sh
# A keyring, a repository, one secret, delivered and read.
. "$(dirname "$0")/prelude.sh"

sealer-controller init --cluster demo
sealer init --cluster demo --no-hooks

openssl rand -hex 16 | sealer set secrets/payments/db.yaml password
sealer set secrets/payments/db.yaml session-key --generate base64:32
sealer check secrets/payments/db.yaml

sealer-controller apply .
sealer-controller status
test "$(sealer-controller get payments/db password | wc -c)" -eq 32

# A program reads it from its environment, or from files that vanish with it.
sealer run -f secrets/payments/db.yaml --only password -- sh -c 'test -n "$password"'
sealer run -f secrets/payments/db.yaml --files -- sh -c 'test -s "$SEALER_FILES/session-key"'
