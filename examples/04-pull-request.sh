#!/bin/sh
# What CI runs for a pull request, without any key.
. "$(dirname "$0")/prelude.sh"

sealer-controller init --cluster prod
sealer init --cluster prod --no-hooks
sealer set secrets/payments/db.yaml password --generate password:24
git add -A
git commit -q -m "Set up"
fingerprint=$(sealer-controller keys list | head -n 1 | tr ' ' '\n' | grep '^SHA256:')

git switch -q -c change
sealer set secrets/payments/db.yaml password --generate password:32
git commit -q -a -m "Change the password"

# CI has the repository and a fingerprint in its configuration; no keyring, no pins of its own.
export HOME="$scratch/ci"
mkdir "$HOME"
export SEALER_TRUST="prod=$fingerprint"
sealer scan --range main..HEAD
sealer check
sealer diff main...HEAD
sealer diff main...HEAD --format markdown
