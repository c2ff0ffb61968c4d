#!/usr/bin/env bash
# Builds blasconv and everything around it, and runs all tests twice: as users get it (Release), and
# with AddressSanitizer and UndefinedBehaviorSanitizer.
#
#   ./test.sh [--no-install]    --no-install: do not install Debian packages that are missing
#   ./test.sh --soak N          in place of the tests: N random problems in Release, on all cores;
#                               BLASCONV_TEST_SEED says which, else the clock does
#   ./test.sh --large           in place of the tests: tensors of more than 2^32 elements, in Release
#                               on all cores; takes half an hour and 2 GB of memory
set -euo pipefail
cd "$(dirname "$0")"

soak=''
large=''
case "${1:-}" in
  '') ;;
  --no-install) export BLASCONV_NO_INSTALL=1 ;;
  --soak)
    soak=${2:-}
    [[ $soak =~ ^[1-9][0-9]*$ ]] || { echo "--soak needs a number of problems"; exit 2; }
    ;;
  --large) large=yes ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

# Settings of the caller's for OpenBLAS must not decide what is tested.
for variable in "${!OPENBLAS_@}"; do
  unset "$variable"
done
export LC_ALL=C.UTF-8
# Tests run side by side: a thread that waits shall not keep the core of one that works.
export OMP_WAIT_POLICY=passive

# The tensors are mapped from a few pages (tests/large/tensor.h), so that they need page tables only.
if [ -n "$large" ]; then
  free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
  [ "${free:-0}" -ge 2048 ] || { echo "--large needs 2048 MB of free memory, there are ${free:-0}"; exit 1; }
fi

. cmake/packages.sh
install_missing "building the library" build-essential cmake libopenblas-dev
install_missing "the tests (Check; pkg-config finds it, and blasconv in the embedding test)" \
  check pkg-config python3
install_missing "the benchmark (Google Benchmark)" libbenchmark-dev
install_missing "the examples (pictures, gzip files)" libpng-dev zlib1g-dev

jobs=$(nproc)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# build_preset PRESET [ARGUMENT...]: configures and builds one of CMakePresets.json
build_preset() {
  { cmake --preset "$1" ${BLASCONV_WERROR:+-DBLASCONV_WERROR=ON} &&
    cmake --build --preset "$1" -j "$jobs" "${@:2}"; } >"$log" 2>&1 ||
    { cat "$log"; echo "FAILED: the build of $1"; return 1; }
}

# test_preset PRESET: builds all of it and tests it
test_preset() {
  echo "== $1: building everything"
  build_preset "$1"
  echo "== $1: testing"
  ctest --preset "$1" -j "$jobs" || { echo "FAILED: the tests of $1"; return 1; }
}

if [ -n "$soak" ]; then
  build_preset release --target blasconv_differential
  build/release/tests/blasconv-differential --problems "$soak" --jobs "$jobs" \
    --seed "${BLASCONV_TEST_SEED:-$(date +%s)}"
  exit
fi
if [ -n "$large" ]; then
  build_preset release --target blasconv_large
  build/release/tests/blasconv-large
  exit
fi
test_preset release
test_preset asan
echo "All tests passed, in Release and with the sanitizers."
