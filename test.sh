#!/usr/bin/env bash
# Builds blasconv and everything around it, and runs all tests twice: as users get it (Release), and
# with AddressSanitizer and UndefinedBehaviorSanitizer.
#
#   ./test.sh [--no-install]    --no-install: do not install Debian packages that are missing
set -euo pipefail
cd "$(dirname "$0")"

case "${1:-}" in
  '') ;;
  --no-install) export BLASCONV_NO_INSTALL=1 ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

# Settings of the caller's for OpenBLAS must not decide what is tested.
for variable in "${!OPENBLAS_@}"; do
  unset "$variable"
done
export LC_ALL=C.UTF-8
# Tests run side by side: a thread that waits shall not keep the core of one that works.
export OMP_WAIT_POLICY=passive

. cmake/packages.sh
install_missing "building the library" build-essential cmake libopenblas-dev
install_missing "the tests (Check; pkg-config finds it, and blasconv in the embedding test)" \
  check pkg-config python3
install_missing "the benchmark (Google Benchmark)" libbenchmark-dev
install_missing "the examples (pictures, gzip files)" libpng-dev zlib1g-dev

jobs=$(nproc)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# test_preset PRESET: configures, builds and tests one of CMakePresets.json
test_preset() {
  echo "== $1: building everything"
  { cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs"; } >"$log" 2>&1 ||
    { cat "$log"; echo "FAILED: the build of $1"; return 1; }
  echo "== $1: testing"
  ctest --preset "$1" -j "$jobs" || { echo "FAILED: the tests of $1"; return 1; }
}

test_preset release
test_preset asan
echo "All tests passed, in Release and with the sanitizers."
