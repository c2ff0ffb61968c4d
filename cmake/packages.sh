# Sourced by run.sh, test.sh and .ci/run: installs Debian packages that are missing.
# shellcheck shell=bash

# install_missing WHY PACKAGE...: says what is missing and why it is needed, then installs it with
# apt-get as root or through sudo. With BLASCONV_NO_INSTALL=1 it only says so and fails.
install_missing() {
  local why=$1 package missing=() as_root=()
  shift
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "Missing for $why: ${missing[*]}"
  if [ "${BLASCONV_NO_INSTALL:-0}" = 1 ]; then
    echo "Not installed, as asked. To install: apt-get install ${missing[*]}" >&2
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "Needs root or sudo to install packages." >&2; return 1; }
    as_root=(sudo)
  fi
  echo "Installing with apt-get ..."
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
