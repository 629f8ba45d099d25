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

# As the daemons have it without --state; a test holds the two together.
default_state() {
  case ${XDG_STATE_HOME:-} in /*) base=$XDG_STATE_HOME ;; *) base=$HOME/.local/state ;; esac
  echo "${FANMILL_STATE:-$base/fanmill}"
}

# A pid alone may long be another process's. With the time when it started, in the kernel's ticks,
# it names one process for ever. Nothing for one that has ended.
start_of() { sed -n 's/^.*) \([^Z] \)/\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
running() { [ -n "$2" ] && [ "$(start_of "$1")" = "$2" ]; } # PID START

# begin NAME COMMAND...: starts a daemon of its own session, its output in a log, and keeps a record
# of it in $state/pids: PID START NAME.
begin() {
  name=$1
  shift
  mkdir -p "$state/log"
  setsid "$@" >>"$state/log/$name.log" 2>&1 </dev/null &
  start=$(start_of $!)  # 0: it has ended already
  echo "$! ${start:-0} $name" >>"$state/pids"
}

# Refuses to start a second cluster over the first; else makes all ready for a new one. From here
# on, whatever goes wrong, nothing stays that was started.
open_state() {
  mkdir -p "$state"
  chmod 700 "$state"
  if [ -s "$state/pids" ]; then
    while read -r pid start name; do
      running "$pid" "$start" &&
        fail "$name of this state directory still runs (pid $pid): $0 down first"
    done <"$state/pids"
  fi
  rm -f "$state/address"
  : >"$state/pids"
  trap stop_started EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}
all_is_up() { trap - EXIT INT TERM HUP; }

# What was started here is ended, by force where it must be.
stop_started() {
  trap - EXIT
  say "stopping what was started"
  while read -r pid start name; do
    if running "$pid" "$start"; then kill "$pid" 2>/dev/null || :; fi
  done <"$state/pids"
  await_ends 50 || :
  rm -f "$state/pids" "$state/address"
}

# await_ends TENTHS: until all on record have ended; those that have not by then are killed, and it
# returns 1.
await_ends() {
  waited=0
  killed=0
  while read -r pid start name; do
    while running "$pid" "$start"; do
      if [ $((waited += 1)) -gt "$1" ]; then
        say "$name (pid $pid) did not end by itself: killing it"
        kill -9 "$pid" 2>/dev/null || :
        killed=1
        break
      fi
      sleep 0.1
    done
  done <"$state/pids"
  return "$killed"
}

# Whatever ended instead of running is said, with the end of its log.
refuse_if_dead() {
  while read -r pid start name; do
    running "$pid" "$start" && continue
    tail -n 5 "$state/log/$name.log" >&2
    fail "$name did not stay up; its log is $state/log/$name.log"
  done <"$state/pids"
}

# The controller says where it listens once it does.
await_address() {
  waited=0
  while [ ! -s "$state/address" ]; do
    refuse_if_dead
    [ $((waited += 1)) -le 200 ] || fail "the controller says nothing; see $state/log/controller.log"
    sleep 0.05
  done
  address=$(cat "$state/address")
}

# await_workers N WHERE: until as many are ready.
await_workers() {
  waited=0
  while :; do
    refuse_if_dead
    ready=$(fanmill status | awk '$1 == "worker" && $3 == "ready"' | wc -l)
    [ "$ready" -ge "$1" ] && return 0
    [ $((waited += 1)) -le 150 ] ||
      fail "only $ready of $1 workers are ready after 30 s; their logs are in $2"
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
  await_ends 100 || code=6
  rm -f "$state/pids" "$state/address" "$state/hosts"
  return "$code"
}
