#!/usr/bin/env bash
# What the tests of fashion-mnist share, to be sourced: a data set and an empty folder to work in.
set -euo pipefail

# prepare PROGRAM MAKE_DATASET
prepare() {
  program=$1
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/data"
  "$2" "$work/data" 320 70
  cd "$work"
  # The program would start itself again where it finds the BLAS slow; that only costs time here.
  export BLASCONV_RESTARTED=1
  # Threads that wait must not keep the cores from tests beside this one.
  export OMP_WAIT_POLICY=passive
}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# train OUT [OPTION]...: a short training with results in a folder OUT; 10 steps an epoch
train() {
  local out=$1
  shift
  run --out="$out" --epochs=3 --batch=32 --no-pictures "$@"
}

# run [OPTION]...: the program on the small data set
run() {
  "$program" --data=data --quiet "$@"
}

# refused STATUS PATTERN COMMAND...: the command ends with this status and says so
refused() {
  local wanted=$1 pattern=$2 status=0
  shift 2
  "$@" >said 2>&1 || status=$?
  [ "$status" = "$wanted" ] || { cat said >&2; fail "status $status instead of $wanted: $*"; }
  grep -qE -- "$pattern" said || { cat said >&2; fail "no word of '$pattern': $*"; }
}

# same FILE FILE
same() {
  cmp "$1" "$2" || fail "$1 and $2 differ"
}

# rows CSV: its rows without the seconds
rows() {
  cut -d, -f1,2,4- "$1"
}

# step_of CHECKPOINT: it stands 8 bytes behind magic, version and the text of 256 bytes
step_of() {
  od -A n -t d8 -j 272 -N 8 "$1" | tr -d ' '
}
