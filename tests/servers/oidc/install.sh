#!/usr/bin/env bash
# Installs the provider that sign-in is tested with below .tools/oidc, as its lock has it; once.
set -euo pipefail
cd "$(dirname "$0")"
into=../../../.tools/oidc
if cmp --silent package-lock.json $into/package-lock.json && [ -e $into/done ]; then exit 0; fi
if ! command -v npm >/dev/null; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Tests of signing in need Node.js with npm; install them." >&2
    exit 1
  fi
  . ../../debian.sh
  install_debian "tests of signing in" nodejs npm
fi
rm -rf $into
mkdir -p $into
cp package.json package-lock.json provider.js $into
echo "Installing an OpenID Connect provider for tests of signing in"
(cd $into && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error)
touch $into/done
