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
. "$(dirname "$0")/../debian.sh"
install_debian "the tests of power loss and full disks" fuse3
