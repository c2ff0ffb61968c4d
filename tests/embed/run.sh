#!/usr/bin/env bash
# Installs blasconv into a temporary prefix, builds examples/embed against it in four ways, and runs
# each on the same pictures: all must print the same.
#
#   run.sh SOURCE_FOLDER BUILD_FOLDER [CMAKE_OPTION...]    the options choose the BLAS
set -euo pipefail

source=$1
build=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
example=$source/examples/embed
warnings=(-std=c11 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
cd "$work"

# picture NAME FORMULA: 48 x 40 grey levels from awk's FORMULA in x and y
picture() {
  { printf 'P5\n48 40\n255\n'
    LC_ALL=C awk "BEGIN { for (y = 0; y < 40; y++) for (x = 0; x < 48; x++) printf \"%c\", $2 }" \
      </dev/null; } >"$1.pgm"
}

# quiet COMMAND...: its output is shown only if it fails
quiet() {
  "$@" >log 2>&1 || { echo "failed: $*" >&2; cat log >&2; return 1; }
}

# try NAME PROGRAM: keeps what it prints, and sees that the statuses of bad calls reach the shell
try() {
  "$2" flat.pgm ramp.pgm bars.pgm >"$1.txt"
  if "$2" missing.pgm 2>/dev/null; then
    echo "$1: no error for a missing picture" >&2
    return 1
  fi
  cmp "$1.txt" expected.txt
  echo "ok: $1"
}

picture flat 65
picture ramp '33 + 2 * x'
picture bars '(int(x / 4) % 2) ? 120 : 30'
# By hand: a ramp of 2/255 a pixel answers 8 * 2 / 255 everywhere; bars of 4 pixels answer with
# 4 * 90 / 255 beside an edge, and 11 edges have 22 of the 46 columns beside them.
cat >expected.txt <<'END'
flat.pgm: mean response 0.000, no edges
ramp.pgm: mean response 0.063, weak edges
bars.pgm: mean response 0.675, strong edges
END

quiet cmake --install "$build" --prefix "$work/prefix"
mv prefix moved # an installation may be moved
package=$(find "$work/moved" -name blasconv.pc)
[ -n "$package" ] || { echo "no blasconv.pc installed" >&2; exit 1; }
PKG_CONFIG_PATH=$(dirname "$package")
export PKG_CONFIG_PATH
library=$(dirname "$PKG_CONFIG_PATH")

quiet cmake -S "$example" -B found -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$work/moved"
quiet cmake --build found
try find_package found/edge

read -ra flags < <(pkg-config --cflags --libs blasconv)
quiet cc "${warnings[@]}" "$example/edge.c" "${flags[@]}" -lm -o edge_shared
LD_LIBRARY_PATH=$library try pkg-config-shared ./edge_shared

rm "$library"/libblasconv.so* # what is left is the static library
read -ra flags < <(pkg-config --static --cflags --libs blasconv)
quiet cc "${warnings[@]}" "$example/edge.c" "${flags[@]}" -lm -o edge_static
if ldd edge_static | grep libblasconv; then
  echo "pkg-config --static: linked with a shared libblasconv" >&2
  exit 1
fi
try pkg-config-static ./edge_static

quiet cmake -S "$example" -B along -DCMAKE_BUILD_TYPE=Release -DBLASCONV_SOURCE="$source" "$@"
quiet cmake --build along
try add_subdirectory along/edge
