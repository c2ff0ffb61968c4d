#!/usr/bin/env bash
# Builds blasconv and measures it: side by side with other libraries, layer by layer, or what its
# planner chooses against the best that it could choose, or how near to the peak its kernels come.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'END_OF_USAGE'
usage: ./bench.sh --peers [--quick] [--no-install] [OPTION]...
       ./bench.sh --first [--no-install] [OPTION]...
       ./bench.sh --planner [--fit] [--no-install] [OPTION]...
       ./bench.sh --share [--no-install] [OPTION]...

--peers installs oneDNN (Debian's and PyPI's), XNNPACK, PyTorch (Debian's) and ONNX Runtime (PyPI's;
what comes from PyPI stays in build/bench/venv), checks that they compute what blasconv computes, and
times them in turns with it: four networks, three passes, batch 1 and 8, one and two threads, NCHW
and NHWC. That takes about an hour on two cores; --quick, ResNet-50 forward, under three minutes.
Writes out/peers.csv, peers.md, peers_layers.png, peers_networks.png and peers_roofline.png.

One layer in seconds, each row printed:
  ./bench.sh --peers --network resnet50 --layer res2a_branch2b --batch 1 --verbose

--first times what passes before the first result, each library in a process of its own: plans,
primitives or sessions for all layers of a network, and their first runs. Takes a minute.

--planner times every algorithm on every layer of the four networks, in three passes and both
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

mode='' options=() packages=()
for argument in "$@"; do
  case $argument in
    --peers) mode=peers ;;
    --first) mode=first ;;
    --planner) mode=planner ;;
    --share) mode=share ;;
    --fit) packages+=(python3-scipy) options+=(--fit) ;;
    --no-install) export BLASCONV_NO_INSTALL=1 ;;
    --help) usage; exit 0 ;;
    *) options+=("$argument") ;;
  esac
done
[ -n "$mode" ] || { usage >&2; exit 2; }

build=build/bench log=$PWD/out/bench.log
mkdir -p out
: >"$log"
# Runs a command whose output only matters when it fails.
quietly() {
  "$@" >>"$log" 2>&1 || { tail -n 25 "$log" >&2; return 1; }
}

# build TARGET...
build() {
  quietly cmake --preset release -B "$build" -DBLASCONV_BUILD_TESTS=OFF -DBLASCONV_BUILD_BENCH=ON \
    -DBLASCONV_BUILD_EXAMPLES=OFF
  quietly cmake --build "$build" --target "$@" --parallel "$(nproc)"
}

. cmake/packages.sh
install_missing "building blasconv and measuring it" \
  build-essential cmake libopenblas-dev libbenchmark-dev python3 gnuplot-nox "${packages[@]}"

if [ "$mode" = planner ]; then
  build blasconv_bench blasconv_planner_terms
  exec /usr/bin/python3 bench/planner/judge.py --programs "$build/bench" --out out "${options[@]}"
fi

if [ "$mode" = share ]; then
  build blasconv_bench
  exec /usr/bin/python3 bench/share.py --programs "$build/bench" "${options[@]}"
fi

. bench/peers/install.sh
build blasconv_peer_ours
install_peers "$build" "$log"

if [ "$mode" = first ]; then
  exec "$python" bench/peers/first.py --modules "$modules" "${options[@]}"
fi

status=0
"$python" bench/peers/compare.py --modules "$modules" --out out "${options[@]}" || status=$?
if [ -s out/peers.csv ] && [ "$status" -le 1 ]; then
  "$python" bench/peers/report.py --out out
fi
exit "$status"
