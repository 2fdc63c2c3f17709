#!/usr/bin/env bash
# Puts the schema registry that codecs are tested with into .tools/registry, held against
# jars.sha256, and unpacks it; once.
set -euo pipefail
cd "$(dirname "$0")"
into=../../../.tools/registry
../jars.sh "a schema registry" $into "$PWD" copy
if [ ! -e $into/app/unpacked ]; then
  rm -rf $into/app
  mkdir $into/app
  tar --extract --gzip --file $into/*-all.tar.gz --directory $into/app
  touch $into/app/unpacked
fi
