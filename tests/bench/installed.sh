#!/usr/bin/env bash
# blasconv-bench as it is installed: what it prints, how it ends, and that it notices wrong results.
#
#   installed.sh BUILD_FOLDER WRONG_SGEMM.so
set -euo pipefail
build=$1 wrong_sgemm=$2
here=$(cd "$(dirname "$0")" && pwd)

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$build" --prefix "$folder/prefix" >"$folder/log" || { cat "$folder/log"; exit 1; }
bench=$folder/prefix/bin/blasconv-bench
manual=$folder/prefix/share/man/man1/blasconv-bench.1
problems=$here/problems.txt
small="n1 c4 k4 in8x8 f3 p1 algorithm=im2col_gemm"
quick=(--min-time 0 --repetitions 1)

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# ends STATUS COMMAND...: with this exit status; stdout and stderr go to $folder/out and err
ends() {
  local expected=$1 status=0
  shift
  "$@" >"$folder/out" 2>"$folder/err" || status=$?
  [ "$status" -eq "$expected" ] ||
    { cat "$folder/out" "$folder/err" >&2; fail "ended with $status, not $expected: $*"; }
}

says() {
  grep -qF -- "$2" "$folder/$1" || { cat "$folder/$1" >&2; fail "$1 does not say: $2"; }
}

# It uses the shared library that was installed with it.
ldd "$bench" | grep -F libblasconv.so | grep -qF "$folder/prefix" || fail "another library"

ends 0 "$bench" --version && says out "OpenBLAS"
ends 0 "$bench" --list && says out im2col_gemm
ends 0 "$bench" --help && says out "usage: blasconv-bench"
options() { grep -oE -- '--[a-z][a-z-]*' | LC_ALL=C sort -u; }
diff <(options <"$folder/out") <(sed 's/\\-/-/g' "$manual" | options) ||
  fail "--help and the manual have other options"

# What cannot be read
ends 2 "$bench" && says err "no problem"
ends 2 "$bench" --nonsense "$small"
ends 2 "$bench" --pass sideways "$small" && says err "--pass does not take 'sideways'"
ends 2 "$bench" --layout hwcn "$small"
ends 2 "$bench" --algorithm none "$small"
ends 2 "$bench" --threads 0 "$small"
ends 2 "$bench" --threads 1,,2 "$small"
ends 2 "$bench" --threads 1, "$small"
ends 2 "$bench" --workspace-limit 1k "$small"
ends 2 "$bench" --planning guess "$small"
ends 2 "$bench" --min-time -1 "$small"
ends 2 "$bench" --repetitions 9999 "$small"
ends 2 "$bench" "n8 c4 in5x5 h3" && says err "problem 1, character 13: there is no such word"
ends 2 "$bench" in5 n8 && says err "put quotes"
ends 2 "$bench" --batch "$folder/none"
printf '# comment\n\n%s\nin5 in6\n' "$small" >"$folder/bad.txt"
ends 2 "$bench" --batch "$folder/bad.txt" && says err "bad.txt:4, character 5"

# What is refused
ends 1 "$bench" "${quick[@]}" "in2x2 f3" && says out refused
ends 1 "$bench" "${quick[@]}" "in4x4 backward-data relu" && says out refused
ends 1 "$bench" --algorithm pointwise_gemm "in4x4 f3" && says out refused
ends 0 "$bench" "${quick[@]}" --algorithm all "in4x4 f3" && says out refused && says out reference
[ ! -e /dev/full ] || ends 1 bash -c "'$bench' '${quick[0]}' 0 --repetitions 0 '$small' >/dev/full"

# What works: right results of all kinds, in three formats
ends 0 "$bench" --verify "${quick[@]}" --batch "$problems" && says out "bound" && says out GFLOP/s
ends 0 "$bench" --verify "${quick[@]}" --pass all --layout nhwc --threads 1,3 --csv \
  --batch - <"$problems"
cp "$folder/out" "$folder/all.csv"
ends 0 "$bench" --verify "${quick[@]}" --describe --algorithm all --json --batch "$problems"
python3 -m json.tool "$folder/out" >/dev/null
python3 - "$folder/all.csv" "$folder/out" "$manual" <<'PYTHON'
import csv, json, sys

with open(sys.argv[1], newline="") as file:
    rows = list(csv.reader(file))
names, rows = rows[0], rows[1:]
assert len(set(names)) == len(names), "two columns of one name"
assert all(len(row) == len(names) for row in rows), "rows of other lengths than the header"
assert len(rows) == 10 * 3 * 2, f"{len(rows)} rows"
rows = [dict(zip(names, row)) for row in rows]
assert {row["status"] for row in rows} == {"ok"}
assert {row["pass"] for row in rows} == {"forward", "backward-data", "backward-weights"}
assert {row["threads"] for row in rows} == {"1", "3"}
assert all(" nhwc" in row["problem"] for row in rows)
assert all(row["checked"] == row["elements"] for row in rows)
assert all(float(row["error"]) <= float(row["bound"]) for row in rows)
assert all(float(row["ms"]) > 0 for row in rows)
depthwise = [row for row in rows if " g8 " in row["problem"]]
assert all(float(row["share_of_copy"]) > 0 for row in depthwise) and depthwise
assert all(row["share_of_copy"] == "" for row in rows if row not in depthwise)
assert rows[0]["name"] == "first" and rows[-1]["name"] == "theirs"
manual = open(sys.argv[3]).read()
columns = manual[manual.index(".SH COLUMNS"):manual.index(".SH EXIT STATUS")]
assert all(name in columns for name in names), "a column that the manual does not name"

results = json.load(open(sys.argv[2]))["results"]
assert all(list(result)[:len(names)] == names for result in results)
right = [result for result in results if result["status"] == "ok"]
assert len(right) >= 20 and {r["status"] for r in results} == {"ok", "refused"}
assert {r["algorithm"] for r in right} >= {"reference", "im2col_gemm", "pointwise_gemm"}
assert all("algorithm: " in r["description"] for r in right)
assert all(r["cpu"] and r["library"] for r in results)
PYTHON

# A line that was printed runs the same again.
problem=$(python3 -c 'import csv, sys; print(list(csv.DictReader(open(sys.argv[1])))[0]["problem"])' \
  "$folder/all.csv")
ends 0 "$bench" --csv --repetitions 0 "$problem" && says out "$problem"

# A wrong result is noticed, and not timed; without --verify nobody looks.
spoilt=(env "LD_PRELOAD=$wrong_sgemm" ASAN_OPTIONS=verify_asan_link_order=0)
for pass in forward backward-data backward-weights; do
  ends 1 "${spoilt[@]}" "$bench" --verify "${quick[@]}" --pass "$pass" --csv "$small"
  says out ",wrong,"
done
ends 0 "${spoilt[@]}" "$bench" "${quick[@]}" "$small"
ends 0 "${spoilt[@]}" "$bench" --verify "${quick[@]}" "${small/im2col_gemm/reference}"

# Choices outlive the run.
ends 0 "$bench" "${quick[@]}" --planning measure --choices "$folder/choices" "in9x9 c4 k4 f3"
[ -s "$folder/choices" ] || fail "no choices were written"
cp "$folder/choices" "$folder/choices.before"
ends 0 "$bench" "${quick[@]}" --choices "$folder/choices" "in9x9 c4 k4 f3"
cmp "$folder/choices" "$folder/choices.before"
echo nonsense >>"$folder/choices"
ends 0 "$bench" "${quick[@]}" --choices "$folder/choices" "in9x9 c4 k4 f3" && says err "left out"
ends 1 "$bench" --choices "$folder" "$small"

# The networks, whose shapes are installed too
ends 0 "$bench" networks --networks=mobilenet_v1 --benchmark_list_tests
says out "mobilenet_v1/conv1/forward"
ends 1 "$bench" networks --nonsense
