#!/usr/bin/env bash
# Puts the broker that streams are tested with into .tools/kafka, held against jars.sha256; once.
set -euo pipefail
cd "$(dirname "$0")"
exec ../jars.sh Kafka ../../../.tools/kafka "$PWD"
