#!/bin/sh
# A repository that a Bitnami certificate sealed, opened with the controller's key Secret.
. "$(dirname "$0")/prelude.sh"

# What stands in the cluster: a key Secret, as `kubectl get secret -n kube-system ... -o yaml` prints it.
openssl req -x509 -newkey rsa:4096 -nodes -days 365 -subj / -keyout key.pem -out prod.pem 2> /dev/null
cat > key-secret.yaml <<EOF
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata:
  name: sealed-secrets-keyabcde
  namespace: kube-system
  labels: {sealedsecrets.bitnami.com/sealed-secrets-key: active}
data:
  tls.crt: $(base64 < prod.pem | tr -d '\n')
  tls.key: $(base64 < key.pem | tr -d '\n')
EOF
rm key.pem

# Developers pin the certificate (kubeseal --fetch-cert > prod.pem) and seal v1, which kubeseal and its controller open.
sealer init --cluster prod --keys prod.pem --no-hooks
openssl rand -hex 16 | sealer set secrets/payments/db.yaml password
sealer check secrets/payments/db.yaml

# Our controller takes over the key, and opens the same files.
sealer-controller init --cluster prod
sealer-controller keys import key-secret.yaml
rm key-secret.yaml
sealer-controller apply .
sealer-controller get payments/db password | wc -c
