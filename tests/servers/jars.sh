#!/usr/bin/env bash
# `jars.sh <what> <folder> <home> [goal]`: puts the jars that <home>/pom.xml names into <folder>, each
# as <home>/jars.sha256 has it. Does nothing when they are there.
set -euo pipefail
what=$1 home=$3
mkdir -p "$2"
into=$(cd "$2" && pwd)

whole() { (cd "$into" && sha256sum --check --status --strict "$home/jars.sha256" 2>/dev/null); }

# Summing up hundreds of jars takes a second; whoever put them there has done so.
if cmp --silent "$home/jars.sha256" "$into/done"; then exit 0; fi
if ! whole; then
  if ! command -v mvn >/dev/null; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
      echo "Tests with $what need Maven and Java 17; install them." >&2
      exit 1
    fi
    . "$(dirname "$0")/../debian.sh"
    mkdir -p /usr/share/man/man1
    install_debian "tests with $what" openjdk-17-jre-headless maven
  fi
  echo "Fetching $what for tests into $into"
  rm -rf "$into"
  mvn --quiet --batch-mode --file "$home/pom.xml" "dependency:${4:-copy-dependencies}" \
    -DincludeScope=runtime -DoutputDirectory="$into"
  if ! whole; then
    echo "The jars in $into are not the ones that $home/jars.sha256 names:" >&2
    (cd "$into" && sha256sum --check --quiet --strict "$home/jars.sha256") >&2 || true
    exit 1
  fi
fi
cp "$home/jars.sha256" "$into/done"
