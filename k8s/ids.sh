#!/usr/bin/env bash
# Writes what the pods of a stage are told, from the outputs of its data stack:
#   k8s/ids.sh STAGE > k8s/overlays/prod/ids.env
set -euo pipefail
stage=${1:?name a stage}
region=$(aws configure get region || echo "${AWS_REGION:?name a region}")

echo "# Which AWS: written by k8s/ids.sh $stage."
echo "AWS_REGION=$region"
aws cloudformation describe-stacks --region "$region" --stack-name "tech5-$stage-data" \
  --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text |
  # What other stacks import is named Exports…
  grep -v '^Exports' |
  sed -E 's/^([A-Za-z]+)\t(.*)$/\1=\2/; :again; s/^([A-Z_]*)([a-z]+)([A-Z])/\1\U\2_\E\3/; t again; s/^([^=]*)=/FOTOGRAMA_\U\1\E=/' | sort
