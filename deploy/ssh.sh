#!/bin/sh
# A cluster over several machines, up and down in one line: controller, ventilator and sink here,
# one worker on each HOST, started over ssh. Everything between them is encrypted.
set -eu
me=deploy/ssh.sh
. "$(dirname "$0")/common.sh"

usage() {
  cat <<USAGE
Usage: $me up [-n SLOTS] [-a ADDRESS] [-p PORT] [-d DIR] [-s SSH] HOST...
       $me down [-d DIR] [--now]

up    makes a key for the cluster if there is none, starts controller, ventilator and sink here,
      brings the key (and, where it is missing, the worker's program) to each HOST and starts a
      worker there. HOST is whatever ssh understands; it has to let you in without a password.
      -n  slots of each worker (default: the usable CPUs there)
      -a  the address of this machine as the HOSTs reach it (default: the one ssh comes from)
      -p  the controller's port (21000)
      -d  folder for state, logs and pids ($(default_state))
      -s  the ssh command (ssh), e.g. -s 'ssh -F my_config'
down  shuts it down: running tasks end first; with --now they are stopped. Says who confirmed.

  $me up node1 node2              # says the controller's address and the key
  seq 100 | build/bin/fanmill submit --wait --controller HERE:21000 --key KEY -- sh -c hostname
  $me down
USAGE
}

slots= here_address= port=21000 state=$(default_state) ssh=ssh now= key=
verb=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
  case $1 in
    -n | -a | -p | -d | -s)
      [ $# -ge 2 ] || { say "$1 wants a value"; exit 2; }
      case $1 in
        -n) slots=$2 ;; -a) here_address=$2 ;; -p) port=$2 ;; -d) state=$2 ;; -s) ssh=$2 ;;
      esac
      shift 2
      ;;
    --now) now=--now; shift ;;
    -h | --help) usage; exit 0 ;;
    -*) say "what is '$1'?"; usage >&2; exit 2 ;;
    *) break ;;
  esac
done

# Puts the key and, where no fanmill-worker of this version is on the PATH, the program into
# ~/.cache/fanmill of the host; prints the program to start.
prepare_host() {
  host=$1
  $ssh "$host" 'umask 077; mkdir -p ~/.cache/fanmill; cat >~/.cache/fanmill/cluster.key.new &&
    mv ~/.cache/fanmill/cluster.key.new ~/.cache/fanmill/cluster.key' <"$key" ||
    fail "could not bring the key to $host: does 'ssh $host true' work without a password?"
  wanted=$("$bin/fanmill-worker" --version)
  found=$($ssh "$host" 'fanmill-worker --version 2>/dev/null || :')
  if [ "$found" = "$wanted" ]; then
    echo fanmill-worker
    return 0
  fi
  $ssh "$host" 'cat >~/.cache/fanmill/fanmill-worker.new && chmod 700 ~/.cache/fanmill/fanmill-worker.new &&
    mv ~/.cache/fanmill/fanmill-worker.new ~/.cache/fanmill/fanmill-worker' <"$bin/fanmill-worker" ||
    fail "could not bring fanmill-worker to $host"
  found=$($ssh "$host" '~/.cache/fanmill/fanmill-worker --version 2>&1 || :')
  [ "$found" = "$wanted" ] ||
    fail "fanmill-worker does not run on $host ($found): install Fanmill or its libraries there"
  # shellcheck disable=SC2088  # expanded over there
  echo '~/.cache/fanmill/fanmill-worker'
}

# Prints, on the host, when the process of that pid started, as start_of does here.
there_start_of() { echo "sed 's/^.*) //' /proc/$1/stat 2>/dev/null | cut -d' ' -f20"; }

# ssh may go once the worker runs: it is in a session of its own. $state/hosts: PID START HOST.
start_worker() {
  host=$1
  program=$(prepare_host "$host")
  record=$($ssh "$host" "setsid $program --controller $address \
    --key ~/.cache/fanmill/cluster.key ${slots:+--slots $slots} --name $host \
    >~/.cache/fanmill/worker.log 2>&1 </dev/null & echo \$! \$($(there_start_of '$!'))") ||
    fail "could not start a worker on $host"
  echo "$record $host" >>"$state/hosts"
}

# Of a cluster that did not come up. A worker that has not met the controller would ask for ever.
stop_workers() {
  while read -r pid start host; do
    $ssh "$host" "[ \"\$($(there_start_of "$pid"))\" != $start ] || kill $pid" </dev/null ||
      say "could not stop the worker on $host (pid $pid)"
  done <"$state/hosts"
  rm -f "$state/hosts"
}

up() {
  [ $# -gt 0 ] || { say "which hosts?"; usage >&2; exit 2; }
  find_bin
  open_state
  : >"$state/hosts"
  trap 'stop_workers; stop_started' EXIT
  key=$state/cluster.key
  [ -f "$key" ] || "$bin/fanmill" keygen "$key"
  if [ -z "$here_address" ]; then
    here_address=$($ssh "$1" 'echo "${SSH_CLIENT%% *}"') || here_address=
    [ -n "$here_address" ] || fail "could not log in to $1, or learn from it how it sees this machine: give -a"
  fi
  begin controller "$bin/fanmill-controller" --listen "$here_address:$port" --state "$state" \
    --key "$key" --address-file "$state/address"
  await_address
  for role in ventilator sink; do
    begin "$role" "$bin/fanmill-$role" --controller "$address" --listen "$here_address" \
      --state "$state" --key "$key"
  done
  for host in "$@"; do start_worker "$host"; done
  await_workers $# "~/.cache/fanmill/worker.log over there"
  all_is_up
  say "a cluster with $# worker(s) is up at $address; the key is $key"
  say "try: seq 10 | $bin/fanmill submit --wait --controller $address --key $key -- sh -c hostname"
  say "end: $0 down -d $state"
}

case $verb in
  up) up "$@" ;;
  down) find_bin; end_all $now ;;
  -h | --help | help) usage ;;
  *) usage >&2; exit 2 ;;
esac
