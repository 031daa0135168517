#!/bin/sh
# Runs boltlab's scenarios and vectors in your CI, whatever it is. Copy it, and set:
#   BOLTLAB      the boltlab program, if it is not on PATH
#   BOLTLAB_OUT  where the results go (default: boltlab-results)
# The machine needs what `boltlab doctor` asks for, and nothing else.
set -eu
boltlab=${BOLTLAB:-boltlab}
out=${BOLTLAB_OUT:-boltlab-results}
mkdir -p "$out"

status=0
"$boltlab" run "$@" --json "$out/scenarios.json" --junit "$out/scenarios.xml" --trace "$out/traces" || status=$?
"$boltlab" vectors --json "$out/vectors.json" --junit "$out/vectors.xml" || status=$?
echo "results and traces are in $out"
exit "$status"
