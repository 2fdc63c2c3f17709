#!/usr/bin/env bash
# Makes .venv hold one footprint of the lock and the project itself, editable. Does nothing when a
# stamp says that it, or one that holds more, is there already.
set -euo pipefail
cd "$(dirname "$0")/.."
footprint=${1:?usage: requirements/sync.sh core|lineage|portal|airflow|stream|spark|dev|servers|bench}
python=${PYTHON:-python3}
uv=.tools/uv/bin/uv

"$python" - <<'CHECK' || exit 2
import sys
if not (3, 11) <= sys.version_info[:2] < (3, 13):
    sys.exit(f"Headgate needs Python 3.11 or 3.12, this is {sys.version.split()[0]}. Run: make PYTHON=python3.11 ...")
CHECK

sum_of() { cat requirements/build.txt "requirements/$1.txt" pyproject.toml | cksum; }
stamp=.venv/.footprint
held=$(cat "$stamp" 2>/dev/null || true)
# The footprints that hold what this one does.
case $footprint in
  core) enough="core lineage portal airflow stream spark dev servers bench" ;;
  lineage) enough="lineage portal airflow dev servers bench" ;;
  stream) enough="stream spark servers bench" ;;
  dev) enough="dev servers bench" ;;
  servers) enough="servers bench" ;;
  bench) enough="bench" ;;
  spark) enough="spark servers bench" ;;
  *) enough="$footprint dev servers bench" ;;
esac
for name in $enough; do
  [ "$held" = "$name $(sum_of "$name")" ] && exit 0
done

uv_stamp=.tools/uv/.stamp
if [ "$(cat "$uv_stamp" 2>/dev/null || true)" != "$(cksum <requirements/uv.txt)" ]; then
  echo "Setting up uv in .tools/"
  rm -rf .tools/uv
  PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
    --require-hashes --target .tools/uv --requirement requirements/uv.txt
  cksum <requirements/uv.txt >"$uv_stamp"
fi

echo "Setting up .venv ($footprint)"
# A half-done sync must not look done.
rm -f "$stamp"
# Compiled once here, or every command would compile what it imports where nobody may write later.
export UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 VIRTUAL_ENV="$PWD/.venv"
[ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv
"$uv" pip sync --quiet --require-hashes requirements/build.txt "requirements/$footprint.txt"
"$uv" pip install --quiet --no-deps --no-build-isolation --editable .
echo "$footprint $(sum_of "$footprint")" >"$stamp"
