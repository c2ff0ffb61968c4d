#!/usr/bin/env bash
# What cannot be used is refused with a message and a status, and harms no checkpoint.
#
#   refuse.sh PROGRAM MAKE_DATASET
# shellcheck source-path=SCRIPTDIR
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/support.sh"
prepare "$@"

# Options: status 2.
for wrong in --epochs=0 --epochs=1x --epochs= --epochs=99999999999999999999 --batch=-1 --rate=0 \
  --rate=nan --rate=1e9 --seed=-1 --threads=0 --model=cnm --model= --optimizer=sdg \
  --initializer=zero --checkpoint-every=-1 --stop-after=0 --data= --resumes --resume=1 --no resume; do
  refused 2 "fashion-mnist: $wrong: " run "$wrong"
done
run --help >said
grep -q -- --checkpoint-every said || fail "no help"

# Checkpoints: status 1. (What is in the files is tested in test_checkpoint.)
refused 1 "No such file" train new --model=linear --resume
train good --model=linear
cp good/checkpoint kept
refused 1 "belongs to another run" train good --model=linear --seed=2 --resume
refused 1 "belongs to another run" train good --model=dense --resume
refused 1 "belongs to another run" train good --model=linear --epochs=4 --resume
head -c 5000 kept >good/checkpoint
refused 1 "checksum" train good --model=linear --resume
echo "something else, long enough for the header of a checkpoint $(seq 200)" >good/checkpoint
refused 1 "not a checkpoint" train good --model=linear --resume
: >good/checkpoint
refused 1 "too short" train good --model=linear --resume
refused 1 "directory" train good --model=linear --resume --checkpoint=.
refused 1 "No such file" train good --model=linear --checkpoint=nowhere/checkpoint
refused 1 "cannot" train kept --model=linear

# A full disk, played by a limit on the size of files: the old checkpoint stays, nothing is left.
cp kept good/checkpoint
full_disk() (
  trap '' XFSZ
  ulimit -f 8
  train good --model=linear --seed=3
)
refused 1 "good/checkpoint: cannot write this file" full_disk
same kept good/checkpoint
[ ! -e good/checkpoint.tmp ] || fail "a piece of a checkpoint is left"

# Data sets: status 1.
images=train-images-idx3-ubyte.gz
labels=t10k-labels-idx1-ubyte.gz
# broken PATTERN FILE: the data set with FILE replaced by standard input is refused
broken() {
  rm -rf broken
  cp -r data broken
  cat >"broken/$2"
  refused 1 "$1" train new --model=linear --data=broken
}
gzip -dc data/$images >plain_images
# patched OFFSET BYTES FILE: a file of the data set, plain, with other bytes at a place
patched() {
  gzip -dc "data/$3" >patched
  printf '%b' "$2" | dd of=patched bs=1 seek="$1" conv=notrunc status=none
  cat patched
}
head -c 20000 data/$images | broken "damaged, or shorter" $images
head -c 20000 plain_images | broken "damaged, or shorter" $images
head -c 9 plain_images | broken "ends within the header" $images
{ cat plain_images; echo; } | broken "damaged, or longer" $images
cp data/$images flipped
printf '\377' | dd of=flipped bs=1 seek=50000 conv=notrunc status=none
broken "damaged" $images <flipped
broken "not an idx file" $images <"$1"
patched 3 '\001' $images | broken "of another type" $images
patched 4 '\177\377\377\377' $images | broken "implausibly large" $images
patched 8 '\000\000\000\000' $images | broken "zero or" $images
patched 8 '\0\0\0\016\0\0\0\070' $images | broken "14 x 56 pixels" $images
broken "320 pictures, but 70 labels" train-labels-idx1-ubyte.gz <data/$labels
patched 20 '\012' $labels | broken "label 12 of t10k is 10" $labels
patched 77 '\377' $labels | broken "label 69 of t10k is 255" $labels
rm -r broken
refused 1 "No such file" train new --model=linear --data=broken
refused 1 "larger than the training set" train new --model=linear --batch=321
echo "everything that cannot be used was refused"
