# Sourced by local.sh and ssh.sh: starting, awaiting and ending the parts that run on this machine.
# POSIX sh. Uses: state (folder for state, logs and pids), bin (folder of the executables).

say() { echo "$me: $*" >&2; }
fail() {
  say "$@"
  exit 5
}

# The executables: beside a build, beside an installation, or on the PATH.
find_bin() {
  here=$(cd "$(dirname "$0")" && pwd)
  for bin in "$here/../build/bin" "$here/../../../bin" "$(dirname "$(command -v fanmill || echo /)")"; do
    if [ -x "$bin/fanmill-controller" ]; then
      bin=$(cd "$bin" && pwd)
      return 0
    fi
  done
  fail "there is no fanmill-controller in build/bin nor on the PATH: build first, with ./run --version"
}

default_state() { echo "${FANMILL_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/fanmill}"; }

# begin NAME COMMAND...: starts a daemon of its own session, its output in a log, its pid on record.
begin() {
  name=$1
  shift
  mkdir -p "$state/log"
  setsid "$@" >>"$state/log/$name.log" 2>&1 </dev/null &
  echo "$! $name" >>"$state/pids"
}

running() { kill -0 "$1" 2>/dev/null; }

# Refuses to start a second cluster over the first.
refuse_if_up() {
  [ -s "$state/pids" ] || return 0
  while read -r pid name; do
    running "$pid" && fail "$name of this state directory still runs (pid $pid): $0 down first"
  done <"$state/pids"
  rm -f "$state/pids"
}

# The controller says where it listens once it does.
await_address() {
  waited=0
  while [ ! -s "$state/address" ]; do
    pid=$(awk '$2 == "controller" {print $1}' "$state/pids")
    if ! running "$pid"; then
      tail -n 5 "$state/log/controller.log" >&2
      rm -f "$state/pids"
      fail "the controller did not start; its log is $state/log/controller.log"
    fi
    [ $((waited += 1)) -le 200 ] || fail "the controller says nothing; see $state/log/controller.log"
    sleep 0.05
  done
  address=$(cat "$state/address")
}

# await_workers N: until as many are ready.
await_workers() {
  waited=0
  while :; do
    ready=$(fanmill status | awk '$1 == "worker" && $3 == "ready"' | wc -l)
    [ "$ready" -ge "$1" ] && return 0
    if [ $((waited += 1)) -gt 150 ]; then
      say "only $ready of $1 workers are ready after 30 s; logs are in $state/log"
      return 1
    fi
    sleep 0.2
  done
}

fanmill() { "$bin/fanmill" "$@" --controller "$address" ${key:+--key "$key"}; }

# Ends the cluster by the kill signal's gentle brother, and makes sure that nothing is left here.
end_all() {
  [ -s "$state/address" ] || fail "no cluster was started from $state"
  address=$(cat "$state/address")
  [ -f "$state/cluster.key" ] && key=$state/cluster.key
  code=0
  fanmill shutdown "$@" || code=$?
  [ -f "$state/pids" ] || return "$code"
  while read -r pid name; do
    waited=0
    while running "$pid"; do
      if [ $((waited += 1)) -gt 100 ]; then
        say "$name (pid $pid) did not end by itself: killing it"
        kill -9 "$pid" 2>/dev/null || :
        code=6
        break
      fi
      sleep 0.1
    done
  done <"$state/pids"
  rm -f "$state/pids" "$state/address"
  return "$code"
}
