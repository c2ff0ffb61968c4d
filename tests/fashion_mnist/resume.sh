#!/usr/bin/env bash
# A training that was interrupted ends with the same bits as one that was not.
#
#   resume.sh PROGRAM MAKE_DATASET
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
prepare "$@"

# interrupted MODEL STEP...: with stops after these steps, and other threads after each
interrupted() {
  local model=$1 threads=1 step
  shift
  local resume=()
  train whole --model="$model" --threads=1
  for step in "$@" 30; do
    train pieces --model="$model" --threads="$threads" --stop-after="$step" "${resume[@]}"
    threads=$((threads + 1))
    resume=(--resume)
  done
  same whole/checkpoint pieces/checkpoint
  same <(rows whole/training.csv) <(rows pieces/training.csv)
  [ "$(wc -l <pieces/training.csv)" = 4 ] || fail "training.csv lacks rows"
}

interrupted cnn 7 10 25
interrupted dense 1 29
interrupted linear 20
tail -n 1 whole/training.csv | awk -F, '$7 < 0.5 { exit 1 }' || fail "nothing was learned"

# From an older checkpoint: what came after it is made again.
train pieces --model=linear --stop-after=13
cp pieces/checkpoint older
train pieces --model=linear --resume
mv older pieces/checkpoint
train pieces --model=linear --resume
same whole/checkpoint pieces/checkpoint
same <(rows whole/training.csv) <(rows pieces/training.csv)

# Other options give other bits: the comparison above can fail.
train other --model=linear --seed=2
if cmp -s whole/checkpoint other/checkpoint; then fail "the seed does not matter"; fi

# A run that is done can be asked for its pictures.
run --out=whole --model=linear --epochs=3 --batch=32 --resume
for picture in filters confusion mistakes; do
  [ -s "whole/$picture.png" ] || fail "no $picture.png"
done
run --out=small --epochs=1 --batch=3
for picture in filters feature_maps_1 feature_maps_2 confusion mistakes; do
  [ -s "small/$picture.png" ] || fail "no $picture.png"
done

# Signals: saved, left with 128 + signal, and resumed to the same bits.
train whole --model=dense --epochs=100 --threads=1
for signal in TERM INT; do
  rm -rf signalled
  # A shell has the commands in its background ignore SIGINT, hence env.
  env --default-signal=INT "$1" --data=data --out=signalled --epochs=100 --batch=32 --model=dense \
    --threads=1 --no-pictures --checkpoint-every=0 >log &
  pid=$!
  until [ -e signalled/checkpoint ]; do sleep 0.01; done
  kill -s "$signal" "$pid"
  status=0
  wait "$pid" || status=$?
  [ "$status" = $((128 + $(kill -l "$signal"))) ] || fail "status $status after SIG$signal"
  step=$(sed -n 's/^stopped at step \([0-9]*\) of 1000;.*/\1/p' log)
  [ -n "$step" ] || { cat log >&2; fail "SIG$signal came too late"; }
  [ "$(step_of signalled/checkpoint)" = "$step" ] || fail "SIG$signal did not save step $step"
  train signalled --model=dense --epochs=100 --threads=1 --resume
  same whole/checkpoint signalled/checkpoint
done
echo "resumed trainings have the same bits"
