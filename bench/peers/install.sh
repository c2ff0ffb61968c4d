# Sourced by bench.sh: installs the peers and builds their modules.
# shellcheck shell=bash

# offer PEER COMMAND...: a peer that cannot be had is skipped, and said so.
offer() {
  local peer=$1
  shift
  "$@" >>"$log" 2>&1 || echo "$peer: skipped, it could not be installed or built (see $log)"
}

# module NAME COMPILER SOURCE ARGUMENT...: modules/NAME.so
module() {
  local name=$1 compiler=$2 source=$3
  shift 3
  "$compiler" -O2 -fPIC -shared -Wall -Wextra -o "$modules/$name.so" "bench/peers/$source" "$@"
}

debian_onednn() {
  install_missing "the peer oneDNN 2" libdnnl-dev && module onednn_2 g++ onednn.cc -std=c++17 -fopenmp -ldnnl
}

# Headers and library of the newest release on PyPI whose threads are those of libgomp.
pypi_onednn() {
  pip_install onednn-devel-cpu-gomp &&
    module onednn_3 g++ onednn.cc -std=c++17 -fopenmp -isystem "$venv/include" \
      "$venv/lib/libdnnl.so.3" -Wl,-rpath,"$venv/lib"
}

xnnpack() {
  install_missing "the peer XNNPACK" libxnnpack-dev libpthreadpool-dev &&
    module xnnpack gcc xnnpack.c -std=c11 -D_POSIX_C_SOURCE=200809L \
      "-DPEER_PACKAGE_VERSION=\"$(dpkg-query -W -f='${Version}' libxnnpack-dev)\"" \
      -lXNNPACK -lpthreadpool
}

# Debian's PyTorch is older than NumPy 2.
onnx_runtime() {
  pip_install onnxruntime onnx 'numpy<2'
}

pip_install() {
  [ "${BLASCONV_NO_INSTALL:-0}" = 1 ] || "$venv/bin/pip" install --quiet --disable-pip-version-check "$@"
}

# install_peers BUILD_FOLDER MODULES LOG: sets `python`, which finds the peers in Python; the others
# become modules.
install_peers() {
  venv=$PWD/$1/venv modules=$2 log=$3 python=/usr/bin/python3
  offer "oneDNN 2 (Debian)" debian_onednn
  offer "XNNPACK (Debian)" xnnpack
  offer "PyTorch (Debian)" install_missing "the peer PyTorch" python3-torch
  offer "Python packages of their own" install_missing "the peers from PyPI" python3-venv
  if [ -x "$venv/bin/python" ] || "$python" -m venv --system-site-packages "$venv" >>"$log" 2>&1; then
    python=$venv/bin/python
    offer "oneDNN 3 (PyPI)" pypi_onednn
    offer "ONNX Runtime (PyPI)" onnx_runtime
  else
    echo "oneDNN 3 and ONNX Runtime (PyPI): skipped, there is no venv (see $log)"
  fi
}
