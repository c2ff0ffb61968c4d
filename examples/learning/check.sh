#!/usr/bin/env bash
# docs/learning.md and the program learning must not part. Runs the program and checks that
#   - each block of the page that is fenced as ```output is, line by line, what was printed;
#   - each block fenced as ```measured is that too, but for its numbers, which hang in their last
#     digits on the CPU and the BLAS;
#   - the numbers that the page draws conclusions from lie where it says.
#
#   check.sh PROGRAM PAGE
set -euo pipefail

program=$1
page=$2
dataset=/usr/share/datasets/fashion-mnist
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printed=$folder/printed

fail() {
  echo "$*" >&2
  exit 1
}

# run SECTION...: appends what they print; without the data set some stop half-way
run() {
  local section
  for section in "$@"; do
    "$program" "$section" "$folder" >>"$printed" 2>"$folder/complaints" || [ ! -d "$dataset" ] ||
      { cat "$folder/complaints" >&2; fail "section $section failed"; }
  done
}

# Numbers become N, and columns that they widen or narrow become one space.
mask() {
  sed -E 's/-?[0-9]+(\.[0-9]+)?(e[-+][0-9]+)?/N/g; s/ +/ /g'
}

# check_blocks KIND TEXT: each block of the page fenced as KIND stands in TEXT
check_blocks() {
  local kind=$1 text=$2 line block='' inside=no count=0
  while IFS= read -r line; do
    if [ "$line" = "\`\`\`$kind" ]; then
      inside=yes block=$'\n' count=$((count + 1))
    elif [ "$inside" = yes ] && [ "$line" = '```' ]; then
      [ "$kind" = output ] || block=$(mask <<<"$block"; echo .) block=${block%$'\n'.}
      [[ $text == *"$block"* ]] || fail "$page has, but the program does not print:$block"
      inside=no
    elif [ "$inside" = yes ]; then
      block+=$line$'\n'
    fi
  done <"$page"
  [ "$count" -gt 0 ] || fail "$page has no block of $kind"
  echo "$count blocks of $kind stand as printed"
}

# number PATTERN FIELD: a field of the one line that matches, without a comma or colon at its end
number() {
  local lines
  lines=$(grep -cE "$1" "$printed") || true
  [ "$lines" = 1 ] || fail "$lines lines match '$1'"
  awk -v pattern="$1" -v field="$2" '$0 ~ pattern { sub(/[,:]$/, "", $field); print $field }' "$printed"
}

# within WHAT VALUE LOW HIGH
within() {
  awk -v x="$2" -v low="$3" -v high="$4" \
    'BEGIN { exit !(x ~ /^-?[0-9]/ && x + 0 >= low + 0 && x + 0 <= high + 0) }' ||
    fail "$1 is $2, not from $3 to $4"
}

run templates stack linear xor backward descent dense initial-values
check_blocks output $'\n'"$(cat "$printed")"$'\n'
! grep -q ': NO$' "$printed" || fail "results that must be the same differ"

within "the difference of linear layers" "$(number '^  linear layers' 3)" 0 1e-5
within "the difference with ReLU" "$(number '^  ReLU between them ' 4)" 0.1 10
within "XOR without activation" "$(number '^2 - 8 - 2, identity' 12)" 0 75
within "XOR with ReLU" "$(number '^2 - 8 - 2, ReLU' 12)" 100 100

if [ -d "$dataset" ]; then
  check_blocks measured $'\n'"$(mask <"$printed")"$'\n'
  within "Glorot's factor" "$(number '^Glorot +mean square' 7)" 0.35 0.65
  within "He's factor" "$(number '^He +mean square' 7)" 0.75 1.3
  within "the small factor" "$(number '^small +mean square' 7)" 0 0.05
  within "the large factor" "$(number '^large +mean square' 7)" 5 100
  within "zero filters' difference" "$(number '^zero +conv 1' 4)" 0 0
  within "constant filters' difference" "$(number '^constant +conv 1' 4)" 0 1e-6
  within "He filters' difference" "$(number '^He +conv 1' 4)" 0.1 100
else
  echo "Fashion-MNIST is missing: what needs it was not checked"
fi
