import { replacement } from './host-firewall-tables.ts';

/*
 * What runs on the host itself while a ruleset is put in place, as texts for a POSIX shell. Nothing is installed: they
 * travel as arguments. State is kept in /run/cordon/firewall-N, where N is the inode of the network namespace, so that
 * namespaces which share a file system do not meet; it is gone after a restart of the machine, as is the ruleset.
 *
 *   lock       held (flock(1)) by whoever changes anything here; the kernel lets go of it when its holder dies
 *   next/      being prepared; means nothing
 *   pending/   from before loading until confirmed or undone: new, previous, load, rollback, timer, token, since; its
 *              `alive` is locked for as long as the timer that will undo it is running
 *   confirmed/ what was loaded last, with the `rollback` that leads back to what was before
 *   undone/    what was tried last and taken back
 *
 * Directories change their state by rename(2) alone, so a script that is killed anywhere leaves one of these states.
 */

/** Begins every line of ours in the scripts' output; what follows `listing` is the listing of our tables. */
export const WORD = 'cordon: ';

const COMMON = `
umask 077
header='${replacement('')}'
say() { printf '${WORD}%s\\n' "$*"; }
stop() { say "$@"; exit 0; }
space=$(stat -L -c %i /proc/self/ns/net) || stop failed
dir=/run/cordon/firewall-$space
lock() { touch "$dir/lock" && exec 9>"$dir/lock" && flock -w 5 9; }
has() { [ -n "$2" ] && [ "$(cat "$dir/$1/token" 2>/dev/null)" = "$2" ]; }
put() { rm -rf "$dir/$1" && mv "$dir/pending" "$dir/$1"; }
alive() { flock -n "$dir/pending/alive" true; [ $? -eq 1 ]; }
own() {
  tables=$(nft list tables) || return 1
  for family in inet netdev; do
    if printf '%s\\n' "$tables" | grep -q -x "table $family cordon"; then
      nft -s list table "$family" cordon || return 1
    fi
  done
}
same() {
  now=$(own && echo .) || return 1
  then=$(cat "$1" && echo .) || return 1
  [ "$now" = "$then" ]
}
`;

/**
 * Arguments: token, seconds (0: load without a timer), size of the new tables, size of those expected to be in place,
 * `TIMER`. Standard input: the new tables, then the expected ones. Says one of `missing TOOL`, `unwritable`,
 * `busy [SINCE]`, `unread`, `stuck`, `short`, `rejected check|rollback|load`, `changed`, `untimed`: nothing was loaded; or
 * `loaded`. On the way: `recovered old|never|other` of an earlier apply, `recovered last` where what is in place cannot be
 * loaded again (nft lists a control group that was made anew as a number), so that the ruleset confirmed last is the way
 * back, `armed`, `checked`.
 */
export const STAGE = `${COMMON}
token=$1 within=$2 new=$3 previous=$4 timer=$5
for tool in nft flock setsid head wc grep date; do command -v "$tool" >/dev/null || stop missing "$tool"; done
mkdir -p "$dir" || stop unwritable
lock || stop busy
if [ -d "$dir/pending" ]; then
  if alive; then stop busy "$(cat "$dir/pending/since")"; fi
  own >/dev/null || stop unread
  how=other
  if same "$dir/pending/previous"; then how=never; fi
  if same "$dir/pending/new"; then
    how=old
    nft -f "$dir/pending/rollback" || stop stuck
  fi
  put undone || stop unwritable
  say recovered "$how"
fi
rm -rf "$dir/next"
mkdir "$dir/next" || stop unwritable
{
  head -c "$new" >"$dir/next/new" &&
  head -c "$previous" >"$dir/next/previous" &&
  { printf %s "$header" && cat "$dir/next/new"; } >"$dir/next/load" &&
  { printf %s "$header" && cat "$dir/next/previous"; } >"$dir/next/rollback" &&
  printf '%s\\n' "$token" >"$dir/next/token" &&
  printf %s "$timer" >"$dir/next/timer" &&
  printf '%s, for %s s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$within" >"$dir/next/since"
} || stop unwritable
serve() {
  [ -d /run/systemd/system ] || return
  [ "$(readlink /proc/1/ns/net)" = "$(readlink /proc/self/ns/net)" ] || return
  timeout 5 systemd-run --quiet --collect --unit="cordon-rollback-$token" "$@" </dev/null >/dev/null 2>&1 9>&- || return
  for try in 1 2 3 4 5 6 7 8 9 10; do
    if alive; then return; fi
    sleep 0.1
  done
}
size() { [ "$(wc -c <"$dir/next/$1")" -eq "$2" ]; }
size new "$new" && size previous "$previous" || stop short
size load "$((new + \${#header}))" && size rollback "$((previous + \${#header}))" || stop unwritable
size timer "\${#timer}" || stop unwritable
nft -c -f "$dir/next/load" || stop rejected check
if ! nft -c -f "$dir/next/rollback" 2>"$dir/next/refused"; then
  last=$dir/confirmed/load
  if [ -e "$last" ] && nft -c -f "$last" 2>/dev/null && cp "$last" "$dir/next/rollback" && cmp -s "$last" "$dir/next/rollback"
  then say recovered last
  else
    cat "$dir/next/refused" >&2
    stop rejected rollback
  fi
fi
same "$dir/next/previous" || stop changed
mv "$dir/next" "$dir/pending" || stop unwritable
if [ "$within" -gt 0 ]; then
  set -- sh "$dir/pending/timer" "$dir" "$token" "$within"
  serve "$@"
  if ! alive; then
    ready=$(setsid "$@" </dev/null 2>/dev/null 9>&- &)
    if [ "$ready" != ready ]; then put undone; stop untimed; fi
  fi
  say armed
fi
say checked
# Without a timer, loading may end the connection, and with it the words that are still on their way.
if [ "$within" -eq 0 ]; then sleep 1; fi
if ! nft -f "$dir/pending/load" && same "$dir/pending/previous"; then put undone; stop rejected load; fi
if [ "$within" -eq 0 ]; then put confirmed; fi
say loaded
`;

/**
 * The detached timer: a transient service where systemd is the manager of the machine and the host is the machine, so
 * that it outlives the service or session that applied (systemd-run(1)); otherwise a session of its own (setsid(1)).
 * Arguments: directory, token, seconds. Prints `ready` once it holds its lock; it has no input and no other output, and
 * needs nothing of whoever started it. It ends within a second after its ruleset was confirmed or undone by somebody
 * else; otherwise it restores the previous tables, in one transaction, and tries again for some minutes should the
 * kernel refuse.
 */
export const TIMER = `
dir=$1 token=$2 left=$3 tries=60
exec 8>"$dir/pending/alive"
flock -w 2 8 || exit 1
echo ready
exec >/dev/null
mine() { [ "$(cat "$dir/pending/token" 2>/dev/null)" = "$token" ]; }
while [ "$left" -gt 0 ]; do
  sleep 1
  left=$((left - 1))
  mine || exit 0
done
while mine && [ "$tries" -gt 0 ]; do
  exec 9>"$dir/lock"
  flock 9
  mine || exit 0
  if nft -f "$dir/pending/rollback" 2>"$dir/pending/refused"; then
    rm -rf "$dir/undone"
    mv "$dir/pending" "$dir/undone"
    exit 0
  fi
  exec 9>&-
  tries=$((tries - 1))
  sleep 5
done
`;

/**
 * Argument: token. Compares what is in place with what was to be loaded, and only then calls off the timer; if it is
 * something else, the previous tables are restored at once. Says `confirmed`, `undone`, `mismatch` (followed by `undone`
 * if they could be restored), `unknown` (no ruleset of that token was ever loaded) or `busy`; then the listing as found.
 */
export const CONFIRM = `${COMMON}
[ -d "$dir" ] || stop unknown
lock || stop busy
found=$(own && echo .) || stop failed
if has pending "$1"; then
  if same "$dir/pending/new"; then
    put confirmed || stop failed
  else
    say mismatch
    if nft -f "$dir/pending/rollback"; then put undone; fi
  fi
fi
if has confirmed "$1"; then say confirmed; elif has undone "$1"; then say undone; else say unknown; fi
say listing
printf %s "\${found%.}"
`;

/**
 * Argument: token, or empty. Only looks. Says `pending alive|dead TOKEN SINCE` if a ruleset waits for its confirmation,
 * else `confirmed` or `undone` if that is what became of the token, else `unknown`.
 */
export const LOOK = `${COMMON}
if [ -d "$dir/pending" ]; then
  state=dead
  if alive; then state=alive; fi
  stop pending "$state" "$(cat "$dir/pending/token")" "$(cat "$dir/pending/since")"
fi
if has confirmed "$1"; then stop confirmed; fi
if has undone "$1"; then stop undone; fi
stop unknown
`;
