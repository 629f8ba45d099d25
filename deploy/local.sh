#!/bin/sh
# A cluster on this machine, up and down in one line.
set -eu
me=deploy/local.sh
. "$(dirname "$0")/common.sh"

usage() {
  cat <<USAGE
Usage: $me up [-w WORKERS] [-n SLOTS] [-l HOST:PORT] [-d DIR]
       $me down [-d DIR] [--now]

up    starts a controller, a ventilator, a sink and workers on this machine, and waits for them.
      -w  how many workers (1)          -n  slots of each (default: the usable CPUs)
      -l  where the controller listens (127.0.0.1:21000; port 0: any free ones)
      -d  folder for state, logs and pids ($(default_state))
down  shuts it down: running tasks end first; with --now they are stopped.

  $me up -w 2 -n 4
  seq 100 | build/bin/fanmill submit --wait -- sh -c 'echo \$1 squared is \$((\$1 * \$1))' sh {}
  $me down
USAGE
}

workers=1 slots= listen=127.0.0.1:21000 state=$(default_state) now= key=
verb=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
  case $1 in
    -w | -n | -l | -d)
      [ $# -ge 2 ] || { say "$1 wants a value"; exit 2; }
      case $1 in
        -w | -n)
          case $2 in '' | *[!0-9]* | 0*) say "$1 $2: how many? a number from 1 on"; exit 2 ;; esac
          ;;
      esac
      case $1 in -w) workers=$2 ;; -n) slots=$2 ;; -l) listen=$2 ;; -d) state=$2 ;; esac
      shift 2
      ;;
    --now) now=--now; shift ;;
    -h | --help) usage; exit 0 ;;
    *) say "what is '$1'?"; usage >&2; exit 2 ;;
  esac
done

up() {
  find_bin
  open_state
  host=${listen%:*}
  roles_listen=$host
  case $listen in *:0) roles_listen=$host:0 ;; esac
  begin controller "$bin/fanmill-controller" --listen "$listen" --state "$state" \
    --address-file "$state/address"
  await_address
  for role in ventilator sink; do
    begin "$role" "$bin/fanmill-$role" --controller "$address" --listen "$roles_listen" \
      --state "$state"
  done
  i=1
  while [ "$i" -le "$workers" ]; do
    begin "worker-$i" "$bin/fanmill-worker" --controller "$address" --name "worker-$i" \
      ${slots:+--slots "$slots"}
    i=$((i + 1))
  done
  await_workers "$workers" "$state/log"
  all_is_up
  say "a cluster with $workers worker(s) is up at $address; logs are in $state/log"
  say "try: seq 10 | $bin/fanmill submit --wait --controller $address -- echo {}"
  say "end: $0 down -d $state"
}

case $verb in
  up) up ;;
  down) find_bin; end_all $now ;;
  -h | --help | help) usage ;;
  *) usage >&2; exit 2 ;;
esac
