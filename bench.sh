#!/usr/bin/env bash
# Builds blasconv and measures it: side by side with other libraries, layer by layer, or what its
# planner chooses against the best that it could choose, or how near to the peak its kernels come.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'END_OF_USAGE'
usage: ./bench.sh --peers [--quick] [--no-install] [OPTION]...
       ./bench.sh --since REVISION [--no-install] [OPTION]...
       ./bench.sh --first [--no-install] [OPTION]...
       ./bench.sh --planner [--fit] [--no-install] [OPTION]...
       ./bench.sh --share [--no-install] [OPTION]...

--peers installs oneDNN (Debian's and PyPI's), XNNPACK, PyTorch (Debian's) and ONNX Runtime (PyPI's;
what comes from PyPI stays in build/bench/venv), checks that they compute what blasconv computes, and
times them in turns with it: six networks, three passes, batch 1 and 8, one and two threads, NCHW
and NHWC. That takes about an hour and a half on two cores; --quick, ResNet-50 forward, under three
minutes.
Writes out/peers.csv, peers.md, peers_layers.png, peers_networks.png and peers_roofline.png.

One layer in seconds, each row printed:
  ./bench.sh --peers --network resnet50 --layer res2a_branch2b --batch 1 --verbose

--since takes the library as it was at a revision of this repository for the peer, so that both run in
turns in one process: what a change gave. Options as with --peers; writes the same files.
  ./bench.sh --since HEAD~1 --network resnet50 --layout nhwc --batch 8 --threads 2 --out out/since

--first times what passes before the first result, each library in a process of its own: plans,
primitives or sessions for all layers of a network, and their first runs. Takes a minute.

--planner times every algorithm on every layer of the six networks, in three passes and both
layouts, and on random problems, on one thread, and prints how much longer what a plan takes by
estimate runs than the fastest would. That takes about a quarter of an hour. Writes out/planner.csv.

--share prints which share of the peak of fused multiply-adds implicit_gemm reaches on ResNet-50, in
three passes and both layouts. Takes two minutes.

  --fit         --planner: then fit the cost model to these times: writes src/planning/prices/
  --no-install  install nothing, take what is there

All other options:
END_OF_USAGE
  /usr/bin/python3 bench/peers/compare.py --help | sed -n '/^options:/,$p'
  echo "and with --planner:"
  /usr/bin/python3 bench/planner/judge.py --help | sed -n '/^options:/,$p'
  echo "and with --share:"
  /usr/bin/python3 bench/share.py --help | sed -n '/^options:/,$p'
}

mode='' revision='' out=out options=() packages=()
while [ $# -gt 0 ]; do
  case $1 in
    --peers) mode=peers ;;
    --since) mode=since revision=${2:?--since needs a revision} && shift ;;
    --first) mode=first ;;
    --planner) mode=planner ;;
    --share) mode=share ;;
    --fit) packages+=(python3-scipy) options+=(--fit) ;;
    --out) out=${2:?--out needs a folder} && shift ;;
    --no-install) export BLASCONV_NO_INSTALL=1 ;;
    --help) usage; exit 0 ;;
    *) options+=("$1") ;;
  esac
  shift
done
[ -n "$mode" ] || { usage >&2; exit 2; }

build=build/bench modules=build/bench/modules log=$PWD/out/bench.log
mkdir -p out
: >"$log"
# Runs a command whose output only matters when it fails.
quietly() {
  "$@" >>"$log" 2>&1 || { tail -n 25 "$log" >&2; return 1; }
}

# build_in SOURCE BUILD TARGET...
build_in() {
  local source=$1 folder=$2
  shift 2
  quietly cmake -S "$source" -B "$folder" -DCMAKE_BUILD_TYPE=Release -DBLASCONV_BUILD_TESTS=OFF \
    -DBLASCONV_BUILD_BENCH=ON -DBLASCONV_BUILD_EXAMPLES=OFF
  quietly cmake --build "$folder" --target "$@" --parallel "$(nproc)"
}

# build TARGET...
build() {
  build_in . "$build" "$@"
}

# build_baseline REVISION: the library as it was then, as one of the modules.
build_baseline() {
  local source=$build/baseline
  rm -rf "$source"
  mkdir -p "$source"
  git archive "$1" | tar -x -C "$source"
  build_in "$source" "$source/build" blasconv_peer_ours
  cp "$source/build/bench/peers/ours.so" "$modules/baseline.so"
}

. cmake/packages.sh
install_missing "building blasconv and measuring it" \
  build-essential cmake libopenblas-dev libbenchmark-dev python3 gnuplot-nox "${packages[@]}"

if [ "$mode" = planner ]; then
  build blasconv_bench blasconv_planner_terms
  exec /usr/bin/python3 bench/planner/judge.py --programs "$build/bench" --out "$out" "${options[@]}"
fi

if [ "$mode" = share ]; then
  build blasconv_bench
  exec /usr/bin/python3 bench/share.py --programs "$build/bench" "${options[@]}"
fi

build blasconv_peer_ours
mkdir -p "$modules"
rm -f "$modules"/*.so
cp "$build/bench/peers/ours.so" "$modules/"
if [ "$mode" = since ]; then
  revision=$(git rev-parse --verify --short "$revision^{commit}")
  build_baseline "$revision"
  python=/usr/bin/python3 options+=(--baseline "$revision")
else
  . bench/peers/install.sh
  install_peers "$build" "$modules" "$log"
fi

if [ "$mode" = first ]; then
  exec "$python" bench/peers/first.py --modules "$modules" "${options[@]}"
fi

status=0
"$python" bench/peers/compare.py --modules "$modules" --out "$out" "${options[@]}" || status=$?
if [ -s "$out/peers.csv" ] && [ "$status" -le 1 ]; then
  "$python" bench/peers/report.py --out "$out"
fi
exit "$status"
