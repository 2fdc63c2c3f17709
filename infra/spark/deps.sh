#!/usr/bin/env bash
# Puts the jars that the Spark engine needs into .tools/spark/jars, and a Java beside them where
# there is none. Does nothing when they are there and are the ones that jars.sha256 names.
set -euo pipefail
cd "$(dirname "$0")/../.."
sums=$PWD/infra/spark/jars.sha256
jars=.tools/spark/jars

whole() { [ -d "$jars" ] && (cd "$jars" && sha256sum --check --status --strict "$sums"); }

java_major() {
  "${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1
}

need() {
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Spark needs $1. Install it (Debian: apt-get install $2), and run make spark-deps again." >&2
    exit 1
  fi
  . tests/debian.sh
  # Its dependencies' triggers need it; slim images leave the folder out.
  mkdir -p /usr/share/man/man1
  install_debian Spark "$2"
}

if ! command -v "${JAVA_HOME:+$JAVA_HOME/bin/}java" >/dev/null; then need "Java 17 or later" openjdk-17-jre-headless; fi
if [ "$(java_major)" -lt 17 ]; then
  echo "Spark needs Java 17 or later, and this is $(java_major). Set JAVA_HOME to a later one." >&2
  exit 1
fi
if whole; then exit 0; fi
command -v mvn >/dev/null || need Maven maven
echo "Fetching the jars of the Spark engine into $jars"
rm -rf "$jars"
mvn --quiet --batch-mode --file infra/spark/pom.xml dependency:copy-dependencies \
  -DoutputDirectory="$PWD/$jars"
if ! whole; then
  echo "The jars in $jars are not the ones that infra/spark/jars.sha256 names:" >&2
  (cd "$jars" && sha256sum --check --quiet --strict "$sums") >&2 || true
  exit 1
fi
