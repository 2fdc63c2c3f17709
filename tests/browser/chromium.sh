#!/usr/bin/env bash
# Makes sure that the browser suite finds a Chromium: the one that CHROMIUM names, one on the
# PATH, or Debian's, which is installed where that is possible.
set -euo pipefail
for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$name" ] && command -v "$name" >/dev/null; then exit 0; fi
done
if ! command -v apt-get >/dev/null; then
  echo "The browser suite needs Chromium, and there is no apt-get here to install it." >&2
  echo "Install Chromium or Chrome, and name it: CHROMIUM=/path/to/it make test-servers" >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "The browser suite needs Chromium, and only root may install it. Run:" >&2
  echo "  sudo apt-get install --no-install-recommends chromium" >&2
  exit 1
fi
. "$(dirname "$0")/../debian.sh"
install_debian "the browser suite" chromium fonts-dejavu-core
