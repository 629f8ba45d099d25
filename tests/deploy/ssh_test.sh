#!/bin/bash
# deploy/ssh.sh with real sshds: three "machines", each a network namespace with a host name, a home
# and an sshd of its own, joined by a bridge in a namespace of its own. Nothing outside them is
# touched. Exits with 77 (skipped) where namespaces or sshd are not to be had.
#   ssh_test.sh BUILD_DIR
set -euo pipefail
bin=$(cd "$1/bin" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
sshd=$(command -v sshd || echo /usr/sbin/sshd)
id=fm$$
work=
pids=()

cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || :; done
  for name in sw h0 h1 h2; do
    # Whatever the test left in there, by the namespace it lives in.
    ip netns pids "$id-$name" 2>/dev/null | xargs -r kill -9 2>/dev/null || :
    ip netns del "$id-$name" 2>/dev/null || :
    rm -rf "/etc/netns/$id-$name"
  done
  rmdir /etc/netns 2>/dev/null || :
  [ -z "$work" ] || rm -rf "$work"
}

skip() {
  echo "skipped: $*"
  exit 77
}

[ "$(id -u)" = 0 ] || skip "only root can make network namespaces"
command -v ip >/dev/null || skip "there is no ip (iproute2)"
[ -x "$sshd" ] || skip "there is no sshd (openssh-server)"
ip netns add "$id-sw" 2>/dev/null || skip "network namespaces cannot be made here"
trap cleanup EXIT

work=$(mktemp -d)
ssh-keygen -q -t ed25519 -N '' -f "$work/hostkey"
ssh-keygen -q -t ed25519 -N '' -f "$work/id"
cat >"$work/sshd_config" <<CONFIG
Port 22
HostKey $work/hostkey
AuthorizedKeysFile $work/id.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PidFile none
CONFIG
cat >"$work/ssh_config" <<CONFIG
Host h*
  User root
  IdentityFile $work/id
  StrictHostKeyChecking no
  UserKnownHostsFile $work/known
  LogLevel ERROR
  BatchMode yes
CONFIG
printf '127.0.0.1 localhost\n10.99.0.10 h0\n10.99.0.11 h1\n10.99.0.12 h2\n' >"$work/hosts"

ip -n "$id-sw" link add br0 type bridge
ip -n "$id-sw" link set br0 up
for i in 0 1 2; do
  ip netns add "$id-h$i"
  ip link add name eth0 netns "$id-h$i" type veth peer name "p$i" netns "$id-sw"
  ip -n "$id-sw" link set "p$i" master br0 up
  ip -n "$id-h$i" addr add "10.99.0.1$i/24" dev eth0
  ip -n "$id-h$i" link set eth0 up
  ip -n "$id-h$i" link set lo up
  mkdir -p "/etc/netns/$id-h$i" "$work/home$i"
  cp "$work/hosts" "/etc/netns/$id-h$i/hosts" # ip netns exec binds this over /etc/hosts
done
mkdir -p /run/sshd

# on N COMMAND: on machine N, with its own host name and home.
on() {
  local n=$1
  shift
  ip netns exec "$id-h$n" unshare -u sh -c "mount --bind $work/home$n ~root && hostname h$n && exec \"\$@\"" sh "$@"
}

for i in 1 2; do
  on "$i" "$sshd" -D -f "$work/sshd_config" -E "$work/sshd$i.log" &
  pids+=($!)
done
answers() { on 0 ssh -F "$work/ssh_config" "h$1" true 2>/dev/null; }
for i in 1 2; do
  for try in $(seq 100); do answers "$i" && break || sleep 0.1; done
  [ "$try" -lt 100 ] || { cat "$work/sshd$i.log"; echo "FAILED: sshd $i does not answer"; exit 1; }
done

PATH=$bin:$PATH
export PATH
ssh_up=("$root/deploy/ssh.sh" up -n 2 -d "$work/state" -s "ssh -F $work/ssh_config")
fanmill=("$bin/fanmill")
failed=0
check() { # check WHAT CONDITION...
  local what=$1
  shift
  if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failed=1; fi
}
refused() { ! "$@" >/dev/null 2>&1; }

check "the cluster comes up" on 0 "${ssh_up[@]}" h1 h2
address=$(cat "$work/state/address")
to=(--controller "$address" --key "$work/state/cluster.key")
check "both hosts work" test "$(on 0 "${fanmill[@]}" submit --wait --array 1-40 "${to[@]}" -- \
  sh -c 'sleep 0.05; hostname' sh {} | sort -u | tr '\n' ' ')" = "h1 h2 "
check "without the key nobody gets in" refused on 0 "${fanmill[@]}" list --controller "$address"
check "the key is private" test "$(stat -c %a "$work/home1/.cache/fanmill/cluster.key")" = 600
check "a second cluster over the first is refused" refused on 0 "${ssh_up[@]}" h1
left() {
  for i in 0 1 2; do ip netns pids "$id-h$i"; done | xargs -r -n1 -I{} cat /proc/{}/comm 2>/dev/null |
    grep -c fanmill || :
}
check "it goes down with receipts" on 0 "$root/deploy/ssh.sh" down -d "$work/state"
check "nothing is left" test "$(left)" = 0
check "up fails where one host of two is not there" refused on 0 "${ssh_up[@]}" h1 h9
for try in $(seq 100); do [ "$(left)" != 0 ] || break; sleep 0.1; done # h1's worker ends by itself
check "and leaves nothing, here or there" test "$(left)" = 0
check "nor a record of it" test ! -e "$work/state/pids" -a ! -e "$work/state/hosts"
check "a host that is not there is named" grep -q 'h9' <(on 0 "${ssh_up[@]}" h9 2>&1 || :)
exit $failed
