# Sourced by the suites' set-up: `install_debian <what for> <package>…`, told of only if it fails.
install_debian() {
  local why=$1 log
  shift
  echo "Installing Debian's $* for $why"
  local install=(apt-get install --yes --quiet=2 --no-install-recommends "$@")
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { "${install[@]}" || { apt-get update --quiet=2 && "${install[@]}"; }; } >"$log" 2>&1; then
    cat "$log" >&2
    return 1
  fi
  rm -f "$log"
}
