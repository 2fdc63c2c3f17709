#!/usr/bin/env bash
# Makes sure that tests can mount a file system of their own (FUSE): Debian's fuse3 is installed
# where that is possible. Without it the tests of power loss and full disks say what was not tried.
set -euo pipefail
if command -v fusermount3 >/dev/null; then exit 0; fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ] || [ ! -e /dev/fuse ]; then
  echo "Not installed: fuse3. Tests of power loss and full disks need it, and /dev/fuse. Run:" >&2
  echo "  sudo apt-get install --no-install-recommends fuse3" >&2
  exit 0
fi
echo "Installing Debian's fuse3 for the tests of power loss and full disks"
install=(apt-get install --yes --quiet=2 --no-install-recommends fuse3)
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { "${install[@]}" || { apt-get update --quiet=2 && "${install[@]}"; }; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
rm -f "$log"
