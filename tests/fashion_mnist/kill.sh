#!/usr/bin/env bash
# A training that saves after every step is killed 50 times, at random moments. Every time it can go
# on, and in the end it has the same bits as one that nobody killed.
#
#   kill.sh PROGRAM MAKE_DATASET
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
prepare "$@"

epochs=2000
RANDOM=${BLASCONV_TEST_SEED:-1}
train whole --model=dense --epochs=$epochs --threads=1 --checkpoint-every=0 --stop-after=3

moved=0
torn=0
train killed --model=dense --epochs=$epochs --threads=1 --stop-after=3
for ((i = 0; i < 50; ++i)); do
  before=$(cksum <killed/checkpoint)
  "$1" --data=data --out=killed --epochs=$epochs --batch=32 --model=dense --threads=1 \
    --no-pictures --quiet --checkpoint-every=1 --resume 2>said &
  pid=$!
  sleep "0.$((RANDOM % 3))$((RANDOM % 10))$((RANDOM % 10))"
  kill -KILL "$pid" || { cat said >&2; fail "the training ended by itself"; }
  status=0
  wait "$pid" 2>/dev/null || status=$?
  [ "$status" = 137 ] || { cat said >&2; fail "status $status instead of a kill"; }
  [ "$(cksum <killed/checkpoint)" = "$before" ] || moved=$((moved + 1))
  [ ! -e killed/checkpoint.tmp ] || torn=$((torn + 1))
done
[ "$moved" -ge 5 ] || fail "only $moved of 50 runs got as far as a checkpoint"

reached=$(step_of killed/checkpoint)
last=$((reached + 5))
train killed --model=dense --epochs=$epochs --threads=1 --resume --stop-after=$last
train whole --model=dense --epochs=$epochs --threads=1 --resume --checkpoint-every=0 --stop-after=$last
same whole/checkpoint killed/checkpoint
same <(rows whole/training.csv) <(rows killed/training.csv)
echo "killed 50 times: $moved with progress, $torn while a checkpoint was written; step $reached"
