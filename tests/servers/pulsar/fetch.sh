#!/usr/bin/env bash
# Puts the other broker that streams are tested with into .tools/pulsar, held against jars.sha256; once.
set -euo pipefail
cd "$(dirname "$0")"
exec ../jars.sh Pulsar ../../../.tools/pulsar "$PWD"
