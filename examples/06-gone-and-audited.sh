#!/bin/sh
# A secret that is gone from Git is deleted; a mistake is not; the audit log says who did what, and shows a forgery.
. "$(dirname "$0")/prelude.sh"

sealer-controller init --cluster prod
sealer init --cluster prod --no-hooks
for name in a b c d e f g h; do
  openssl rand -hex 16 | sealer set "secrets/web/$name.yaml" password 2>/dev/null
done
git add -A && git commit -q -m "Eight secrets"
sealer-controller apply .

git rm -q secrets/web/a.yaml && git commit -q -m "One less"
sealer-controller apply .

# Six of seven at once look like a mistake: all are kept, and the way out is said.
git rm -q secrets/web/[b-g].yaml && git commit -q -m "Six less"
if sealer-controller apply .; then exit 1; fi
sealer-controller apply . --allow-prune

# An older commit rolls nothing back.
git checkout -q HEAD~2
if sealer-controller apply .; then exit 1; fi
sealer-controller apply . --ref main

sealer-controller get web/h password > /dev/null
sealer-controller audit query --ref web/h
sealer-controller audit verify

# Somebody rewrites who read it, and the log goes on. (The very last line nothing stands behind yet.)
sealer-controller get web/h password > /dev/null
log=$(echo "$HOME"/.local/state/sealer/prod/audit/*.jsonl)
sed -i 's/"verb":"get"/"verb":"put"/' "$log"
if sealer-controller audit verify; then exit 1; fi
