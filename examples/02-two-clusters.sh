#!/bin/sh
# One file that two clusters can open, and one file for each.
. "$(dirname "$0")/prelude.sh"

for cluster in staging prod; do
  sealer-controller init --cluster "$cluster"
done
sealer init --cluster staging --no-hooks
sealer-controller keys bundle --cluster prod -o prod.bundle
cat > .sealer.yaml <<'EOF'
# +argocd:skip-file-rendering
version: 1
source: example.invalid/two-clusters
clusters:
  staging: {}
  prod: {}
rules:
  - path: clusters/{cluster}/{namespace}/{name}.yaml
  - path: shared/{namespace}/{name}.yaml
    clusters: [staging, prod]
EOF
# A new cluster is never trusted because a file says so: its fingerprint is confirmed once.
fingerprint=$(sealer-controller keys list --cluster prod | head -n 1 | tr ' ' '\n' | grep '^SHA256:')
sealer keys fetch prod.bundle --cluster prod --trust "$fingerprint"
sealer keys

openssl rand -hex 16 | sealer set clusters/staging/payments/db.yaml clusters/prod/payments/db.yaml password
sealer set shared/payments/api.yaml token --generate hex:32
sealer check clusters/staging/payments/db.yaml clusters/prod/payments/db.yaml shared/payments/api.yaml
sealer check --explain shared/payments/api.yaml

# Each controller takes what is sealed for it, and counts the rest.
sealer-controller apply . --cluster staging
sealer-controller apply . --cluster prod
for cluster in staging prod; do
  sealer-controller get payments/api token --cluster "$cluster" > "../$cluster.token"
done
cmp ../staging.token ../prod.token
