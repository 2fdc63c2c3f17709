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
echo "Installing Debian's Chromium for the browser suite"
install=(apt-get install --yes --quiet=2 --no-install-recommends chromium fonts-dejavu-core)
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { "${install[@]}" || { apt-get update --quiet=2 && "${install[@]}"; }; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
rm -f "$log"
