#!/usr/bin/env bash
# Builds blasconv and shows it at its main job, on real networks and on real images.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'END'
usage: ./run.sh [--no-install]

Builds blasconv (Release, in build/run) and runs, in under five minutes on two cores,
  - the benchmark of six networks, shortened, and of a step of training;
  - feature maps of real images, drawn as two pictures;
  - a short training of a network on Fashion-MNIST, with its filters before and after.
Results go to out/; what each of them shows is said at the end.

  --no-install  install nothing: if a Debian package is missing, name it and stop
                (the same as BLASCONV_NO_INSTALL=1)
END
}

for argument in "$@"; do
  case $argument in
    --no-install) export BLASCONV_NO_INSTALL=1 ;;
    --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

log=out/run.log
step() {
  current=$1
  printf '\n== %s\n' "$current"
}
# Runs a command whose output only matters when it fails.
quietly() {
  "$@" >>"$log" 2>&1 || { tail -n 25 "$log" >&2; return 1; }
}
trap 'echo "run.sh failed at: $current (log: $PWD/$log)" >&2' ERR

mkdir -p out
rm -f out/{bench.json,networks.csv,layers.csv,machine.txt,networks.png}
rm -f out/{feature_maps_fashion.png,feature_maps_colour.png,run.log}
rm -f out/{training.csv,training.png,checkpoint,filters.png,confusion.png,mistakes.png}
rm -f out/feature_maps_{1,2}.png
# Our programs choose OpenBLAS's kernels themselves; a setting left from elsewhere would spoil that.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

step "Packages"
# shellcheck source=cmake/packages.sh
. cmake/packages.sh
install_missing "building and running blasconv, its benchmark and its pictures" \
  build-essential cmake pkg-config libopenblas-dev libbenchmark-dev libpng-dev zlib1g-dev \
  gnuplot-nox dataset-fashion-mnist
echo "all there"

step "Build (Release, build/run)"
quietly cmake --preset release -B build/run -DBLASCONV_BUILD_TESTS=OFF \
  -DBLASCONV_BUILD_BENCH=ON -DBLASCONV_BUILD_EXAMPLES=ON
quietly cmake --build build/run --parallel "$(nproc)"
echo "built"

step "Benchmark of six networks, batch 8, $(nproc) threads"
build/run/bench/blasconv-bench networks --quick --batch=8 --threads="$(nproc)" --csv-dir=out \
  --benchmark_out=out/bench.json --benchmark_out_format=json | tee -a "$log"
gnuplot -e "csv='out/networks.csv'; png='out/networks.png'" bench/plot.gp

step "Feature maps of real images"
build/run/examples/feature-maps out | tee -a "$log"

step "Training on Fashion-MNIST: two passes over 60,000 pictures"
build/run/examples/fashion-mnist --epochs=2 --out=out | tee -a "$log"
gnuplot -e "csv='out/training.csv'; png='out/training.png'" examples/fashion_mnist/plot.gp
awk -F, 'END { if (!($7 >= 0.85)) { print "test accuracy " $7 ", not 0.85 or more"; exit 1 } }' \
  out/training.csv

step "Results in $PWD/out"
cat <<'END'
networks.png              speed of each network and pass: naive, blasconv, SGEMM alone, peak
networks.csv              the same as numbers
layers.csv                the same for every layer
bench.json                the same as Google Benchmark writes it, with all counters
feature_maps_fashion.png  ten pictures of Fashion-MNIST under Sobel, Laplacian, Gaussian, Gabor
feature_maps_colour.png   20 filters over a colour picture: 20 stacked maps
training.csv, .png        loss and accuracy, training and test, after each pass over the pictures
filters.png               the filters of the first layer, before the training and after it
feature_maps_1.png, _2    what the network's convolutions make of some test pictures
confusion.png             which class was taken for which
mistakes.png              the worst mistakes on pictures that it has not seen
checkpoint                the trained network; fashion-mnist --resume goes on from it
machine.txt               the CPU and the BLAS that were measured
run.log                   what was printed, the build included
END
