#!/bin/bash
# deploy/local.sh with the real executables: up, down, what is left when up fails, and that nobody
# else's process is taken for one of the cluster's.
#   local_test.sh BUILD_DIR
set -euo pipefail
bin=$(cd "$1/bin" && pwd)
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
export FANMILL_LOCAL_TEST=$work # whatever was started bears it
stranger=
cleanup() {
  [ -z "$stranger" ] || kill "$stranger" 2>/dev/null || :
  bearers | xargs -r kill -9 2>/dev/null || :
  rm -rf "$work"
}
trap cleanup EXIT

# The processes of the clusters of this test.
bearers() {
  for environ in /proc/[0-9]*/environ; do
    pid=${environ#/proc/}
    pid=${pid%/environ}
    if [ "$pid" != $$ ] && [ "$pid" != "$stranger" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != bash ] &&
      grep -qaF "FANMILL_LOCAL_TEST=$work" "$environ" 2>/dev/null &&
      tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q fanmill-; then
      echo "$pid"
    fi
  done
}
none_left() { [ -z "$(bearers)" ]; }

failed=0
check() { # check WHAT CONDITION...
  local what=$1
  shift
  if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failed=1; fi
}
# code_of CODE COMMAND...: whether it ends with that code; what it said is in $work/said.
code_of() {
  local wanted=$1 code=0
  shift
  "$@" >"$work/said" 2>&1 || code=$?
  [ "$code" = "$wanted" ] || { cat "$work/said"; echo "(exit code $code)"; return 1; }
}

# A tree of its own, whose executables can be replaced.
mkdir -p "$work/tree/build/bin"
cp -r "$root/deploy" "$work/tree/deploy"
ln -s "$bin"/fanmill* "$work/tree/build/bin/"
state=$work/state
local_sh=$work/tree/deploy/local.sh
up=("$local_sh" up -w 2 -n 1 -l 127.0.0.1:0 -d "$state")
down=("$local_sh" down -d "$state")

sleep 1000 &
stranger=$!

check "a cluster comes up" code_of 0 "${up[@]}"
check "it works" test "$("$bin/fanmill" submit --wait --array 1-3 \
  --controller "$(cat "$state/address")" -- echo | sort | tr '\n' ' ')" = "1 2 3 "
check "a second one over it is refused" code_of 5 "${up[@]}"
check "and the refusal names who runs" grep -q 'controller of this state directory still runs' "$work/said"
echo "$stranger 1 worker-9" >>"$state/pids"
check "it goes down" code_of 0 "${down[@]}"
check "nothing of it is left" none_left
check "a stranger with a pid on record lives" kill -0 "$stranger"

echo "$stranger 1 controller" >"$state/pids"
check "a stranger with a pid on record hinders nobody" code_of 0 "${up[@]}"
check "that one goes down too" code_of 0 "${down[@]}"

rm "$work/tree/build/bin/fanmill-sink"
printf '#!/bin/sh\necho "there is no disk" >&2\nexit 5\n' >"$work/tree/build/bin/fanmill-sink"
chmod +x "$work/tree/build/bin/fanmill-sink"
check "up fails where a part does not stay up" code_of 5 "${up[@]}"
check "it says why" grep -q 'there is no disk' "$work/said"
check "and which" grep -q 'sink did not stay up' "$work/said"
check "what was started before is stopped" none_left
check "no record of it is left" test ! -e "$state/pids"
check "there is nothing to go down" code_of 5 "${down[@]}"

# The folder that the scripts and the daemons take when nobody says which.
default_is() { # default_is FOLDER VARIABLE...
  local folder=$1
  shift
  "${clean[@]}" "$@" "$local_sh" --help | grep -qF "($folder)" &&
    "${clean[@]}" "$@" "$bin/fanmill-controller" --help | tr -d "\n " | grep -qF "=$folder(Env"
}
clean=(env -u FANMILL_STATE -u XDG_STATE_HOME HOME=/h)
for given in "/h/.local/state/fanmill" "/x/fanmill XDG_STATE_HOME=/x" \
  "/h/.local/state/fanmill XDG_STATE_HOME=x"; do
  # shellcheck disable=SC2086  # words
  check "the default state is ${given%% *}" default_is $given
done
exit $failed
