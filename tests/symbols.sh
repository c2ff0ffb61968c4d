#!/usr/bin/env bash
# What the shared library exports is what symbols.txt lists, and begins with blasconv_.
#
#   symbols.sh LIBRARY SYMBOLS.txt
set -euo pipefail

exported=$(nm -D --defined-only "$1" | awk '{ print $3 }' | LC_ALL=C sort)
if foreign=$(grep -v '^blasconv_' <<<"$exported"); then
  printf 'exported, but not named blasconv_...:\n%s\n' "$foreign" >&2
  exit 1
fi
diff -u --label symbols.txt --label exported "$2" - <<<"$exported"
