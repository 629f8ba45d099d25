# Sourced by ./run, ./test and .ci/run: brings what a build needs, configures and builds.
# POSIX sh. Expects $root, the folder of the checkout.

# What Debian 12 must have to build and run Fanmill, and to test it.
build_packages="g++ cmake ninja-build pkg-config protobuf-compiler libprotobuf-dev libzmq3-dev
  cppzmq-dev libabsl-dev libspdlog-dev libcli11-dev nlohmann-json3-dev libsqlite3-dev"
test_packages="libgtest-dev libgmock-dev python3 python3-protobuf iproute2 openssh-client openssh-server"

say() { echo "$@" >&2; }

# missing PACKAGE...: prints those that are not installed.
missing() {
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      printf '%s ' "$package"
  done
}

# need PACKAGE...: installs what is missing, or says how to and exits with 69 (EX_UNAVAILABLE).
need() {
  if ! command -v dpkg-query >/dev/null 2>&1; then
    say "fanmill: this is no Debian; make sure that you have what these packages bring: $*"
    return 0
  fi
  absent=$(missing "$@")
  [ -n "$absent" ] || return 0
  if [ "$(id -u)" = 0 ]; then as_root=
  elif sudo -n true 2>/dev/null; then as_root=sudo
  else
    say "fanmill: some packages are missing and only root can install them. Run this, then try again:"
    say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $absent"
    exit 69
  fi
  say "fanmill: installing $absent"
  log=$(mktemp)
  # shellcheck disable=SC2086  # the words are packages
  if ! { $as_root apt-get update -q &&
         DEBIAN_FRONTEND=noninteractive $as_root apt-get install -yq --no-install-recommends $absent
       } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    say "fanmill: that failed. When it is mended, this installs them:"
    say "  apt-get update && apt-get install -y --no-install-recommends $absent"
    exit 69
  fi
  rm -f "$log"
}

# build PRESET [TARGET...]: configures build folder build (release) or build-PRESET, and builds.
# Quiet when all goes well, unless it takes long: then one line says so.
build() {
  preset=$1
  shift
  case $preset in release) dir=$root/build ;; *) dir=$root/build-$preset ;; esac
  log=$dir/build.log
  mkdir -p "$dir"
  if [ ! -f "$dir/build.ninja" ]; then
    say "fanmill: building in ${dir#"$root"/}; the first time takes some ten minutes on two cores"
    (cd "$root" && cmake --preset "$preset") >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
  fi
  if [ -n "${CI:-}" ] || [ -t 2 ]; then
    cmake --build "$dir" ${1:+--target "$@"} >&2 || exit 1
  else
    cmake --build "$dir" ${1:+--target "$@"} >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
  fi
}
