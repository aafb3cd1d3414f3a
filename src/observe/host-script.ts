import { FOLDER, UNIT_FOLDER } from '../host/unit-files/firewall.ts';

/** Names of secrets, as they are looked for in environments; the pattern ends at `=`, so that no value is ever printed. */
const SECRET_NAME = '^[A-Za-z_][A-Za-z0-9_]*=';

/** Of all names, those that are looked at: what programs call their secrets. */
export const SECRET_WORDS =
  /key|token|secret|passw|passphrase|credential|cookie|private|(?:^|_)(?:auth|pass|pwd|dsn|pat)(?:_|$)/i;

/** What root alone may read, as argument lists: on other accounts each needs its line in sudoers (docs/collector.md). */
export const PRIVILEGED: readonly (readonly string[])[] = [
  ['nft', '-s', 'list', 'ruleset'],
  ['nft', '-j', 'list', 'ruleset'],
  ['iptables-nft-save'],
  ['ip6tables-nft-save'],
  ['cat', '/proc/net/ip_tables_names'],
  ['cat', '/proc/net/ip6_tables_names'],
  ['iptables-legacy-save'],
  ['ip6tables-legacy-save'],
  ['ss', '-H', '-lntupe'],
  ['find', '/proc', '-mindepth', '3', '-maxdepth', '3', '-name', 'net', '-type', 'l', '-printf', '%h@%l@'],
  [
    'find',
    '/proc',
    '-mindepth',
    '2',
    '-maxdepth',
    '2',
    '-name',
    'environ',
    '-exec',
    '/usr/bin/grep',
    '-HzoaE',
    SECRET_NAME,
    '{}',
    '+',
  ],
  ['tailscale', 'debug', 'netmap'],
];

/** Most bytes of one section that are taken; a longer one is cut, and known to be cut. */
export const SECTION_LIMIT = 8 * 1024 * 1024;

/** Units whose effective properties decide something: ours, what they hold, and what replaces rulesets behind our back. */
const UNITS = [
  "'cordon*'",
  'ollama.service',
  'tailscaled.service',
  'nftables.service',
  'firewalld.service',
  'ufw.service',
  'docker.service',
  'systemd-resolved.service',
];

/** Properties that no secret can stand in: never `Environment`, `ExecStart` or a unit's text. */
const PROPERTIES = [
  'Id,LoadState,ActiveState,SubState,UnitFileState,FragmentPath,DropInPaths,NeedDaemonReload,Result',
  'User,Group,DynamicUser,Slice,ControlGroup,MainPID,NetworkNamespacePath,PrivateNetwork,JoinsNamespaceOf',
  'CapabilityBoundingSet,AmbientCapabilities,NoNewPrivileges,RestrictAddressFamilies,RestrictNamespaces',
  'IPAddressAllow,IPAddressDeny,ProtectSystem,ProtectHome,PrivateTmp,PrivateDevices,PrivateUsers,InaccessiblePaths',
  'Requires,BindsTo,After,Before,WantedBy,LimitCORE,UMask,SystemCallFilter,ReadWritePaths',
].join(',');

/** Files and sockets whose owner and mode decide who may use them. */
const PATHS = [
  FOLDER,
  `${FOLDER}/*`,
  '/etc/nftables.conf',
  '/etc/sudoers.d/cordon',
  `${UNIT_FOLDER}/cordon*`,
  `${UNIT_FOLDER}/*/cordon.conf`,
  '/etc/resolv.conf',
  '/run/tailscale/tailscaled.sock',
  '/var/lib/tailscale',
  '/var/lib/tailscale/tailscaled.state',
  '/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/podman/podman.sock',
  '/run/dbus/system_bus_socket',
  '/usr/share/ollama',
  '/usr/share/ollama/.ollama',
  '/var/lib/ollama',
];

/** Files of ours whose content is compared with what was declared, by digest: their text never leaves the host. */
const DIGESTED = [`${FOLDER}/*`, `${UNIT_FOLDER}/cordon*`, `${UNIT_FOLDER}/*/cordon.conf`];

function argv(command: string): string {
  const found = PRIVILEGED.find((words) => words.join(' ').startsWith(command));
  return (found ?? []).map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[A-Za-z0-9/._=+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * The collector: a POSIX shell script that only reads, for the standard input of `sh -s`. Every section is framed by
 * `MARK begin NAME` and `MARK end NAME HOW CODE WORDS`, the whole ends with `MARK done`: whatever lacks its end was cut
 * off. `HOW` is `own` (the caller's own rights), `sudo`, or `denied` where a command was not tried for want of a right;
 * `CODE` 127 says that the program is not installed.
 * @param mark a word that nothing on the host can know beforehand, so that no output can pretend to be a frame
 */
export function hostScript(mark: string): string {
  return `PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
LC_ALL=C
export PATH LC_ALL
exec 3>&1
mark=${mark}
uid=$(id -u)
how=own
decide() {
  how=own
  [ "$uid" = 0 ] && return
  if command -v sudo >/dev/null 2>&1 && sudo -n -l "$@" >/dev/null 2>&1 </dev/null; then how=sudo; else how=denied; fi
}
privileged() {
  case $how in
    sudo) sudo -n "$@" ;;
    denied) echo "needs root, or a line in sudoers for: $*" >&2; return 77 ;;
    *) "$@" ;;
  esac
}
section() {
  name=$1 program=$2
  shift 2
  printf '%s begin %s\\n' "$mark" "$name"
  if command -v "$program" >/dev/null 2>&1; then
    answer=$( { { "$@" </dev/null 2>&6 3>&-; printf '%s %s' "$mark" "$?" >&6; } | head -c ${SECTION_LIMIT + 1} >&3; } 6>&1 )
    code=\${answer##*"$mark "}
    words=\${answer%"$mark "*}
    [ -z "$words" ] || words=$(printf '%s' "$words" | tail -c 400 | tr '\\n' ' ')
  else
    code=127
    words="$program is not installed"
  fi
  printf '\\n%s end %s %s %s %s\\n' "$mark" "$name" "$how" "$code" "$words"
}
# What everybody may ask; what root may ask; the same through a function that filters.
plain() { asked=$1; shift; how=own; section "$asked" "$1" "$@"; }
ask() { asked=$1; shift; decide "$@"; section "$asked" "$1" privileged "$@"; }
via() { asked=$1 filter=$2; shift 2; decide "$@"; section "$asked" "$1" "$filter" "$@"; }
who() {
  printf 'uid %s\\ncaps %s\\nnet %s\\n' "$uid" "$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)" "$own"
}
legacy() {
  names=/proc/net/$1_tables_names
  if [ -e "$names" ]; then ask "legacy-names$2" cat "$names"; else plain "legacy-names$2" true; fi
  ask "legacy$2" "$3"
}
# One process of each other network namespace shows that namespace's sockets.
elsewhere() {
  printf '%s\\n' "$nets" | sed -n 's|^/proc/\\([0-9]*\\)/ns \\(net:.*\\)$|\\2 \\1|p' | grep -vF "$own " | sort -k1,1 -u |
    while read -r net pid; do
      if lines=$(cd "/proc/$pid/net" 2>/dev/null && grep -H '' tcp tcp6 udp udp6 2>/dev/null); then
        printf '%s\\n' "$lines" | sed "s/^\\([a-z0-9]*\\):/$net \\1 /"
      else
        for table in tcp tcp6 udp udp6; do echo "$net $table denied"; done
      fi
    done
}
namespaces() { printf '%s\\n' "$nets"; }
read_namespaces() { privileged "$@" 2>/dev/null | sed 's|@\\(/proc/\\)|\\n\\1|g; s/@$//; s/@/ /g'; }
processes() { grep -HsE '^(Name|Uid|CapEff|NoNewPrivs):' /proc/[0-9]*/status; true; }
groups() { grep -Hs . /proc/[0-9]*/cgroup; true; }
environments() { if [ "$how" = denied ]; then privileged "$@"; else privileged "$@" 2>&1; true; fi; }
daemons() {
  for status in /proc/[0-9]*/comm; do
    read -r comm 2>/dev/null <"$status" || continue
    [ "$comm" = tailscaled ] || continue
    pid=\${status#/proc/} pid=\${pid%/comm}
    # One that was started since is not in the list yet, and one that has ended is none.
    net=$(printf '%s\\n' "$nets" | sed -n "s|^/proc/$pid/ns ||p")
    [ -n "$net" ] || net=$(readlink "/proc/$pid/ns/net" 2>/dev/null)
    case $(sed -n 's/^State:[[:space:]]*\\(.\\).*/\\1/p' "\${status%comm}status" 2>/dev/null) in '' | Z | X) continue ;; esac
    socket=$(tr '\\000' '\\n' <"/proc/$pid/cmdline" 2>/dev/null | sed -n 's/^--*socket=//p' | head -n 1)
    echo "$pid \${net:-denied} $socket"
  done
}
digests() {
  for file in ${DIGESTED.join(' ')}; do
    [ -f "$file" ] || continue
    if [ -r "$file" ]; then sha256sum -- "$file"; else echo "denied  $file"; fi
  done
  if [ -d ${FOLDER} ] && ! { [ -r ${FOLDER} ] && [ -x ${FOLDER} ]; }; then echo 'denied  ${FOLDER}'; fi
}
modes() {
  for file in ${PATHS.join(' ')}; do stat -c 'found %a %u %g %n|%F' -- "$file" 2>&1; done
  true
}
units() {
  if [ -d /run/systemd/system ]; then systemctl show --no-pager -p ${PROPERTIES} ${UNITS.join(' ')}; else echo 'no systemd'; fi
}
# Keys leave no host: the daemon shows them in fields of their own.
keyless() {
  kept=$("$@") || return
  printf '%s\\n' "$kept" | sed -E 's/([a-z]*priv[a-z]*:|tskey-)[A-Za-z0-9+/=_-]+/[redacted]/g'
}
rootly() { keyless privileged "$@"; }
own=$(readlink /proc/self/ns/net)
plain who who
ask nft.txt ${argv('nft -s')}
ask nft.json ${argv('nft -j')}
ask save4 iptables-nft-save
ask save6 ip6tables-nft-save
legacy ip 4 iptables-legacy-save
legacy ip6 6 ip6tables-legacy-save
decide ss -H -lntupe
if [ "$how" = sudo ]; then ask sockets ss -H -lntupe; else plain sockets ss -H -lntupe; fi
plain raw ss -H -anwpe
plain packet ss -H -anp0e
plain links ip -json -details address show
plain routes4 ip -json -4 route show table all
plain routes6 ip -json -6 route show table all
plain rules4 ip -json -4 rule show
plain rules6 ip -json -6 rule show
decide ${argv('find /proc -mindepth 3')}
nets=$(read_namespaces ${argv('find /proc -mindepth 3')})
if [ "$how" = denied ]; then ask namespaces ${argv('find /proc -mindepth 3')}; else plain namespaces namespaces; fi
plain elsewhere elsewhere
found=$(daemons)
plain daemons daemons
socket=$(printf '%s\\n' "$found" | while read -r pid net at; do [ "$net" = "$own" ] && echo "found $at" && break; done)
if [ -n "$socket" ]; then
  socket=\${socket#found }
  case $socket in '' | /run/tailscale/tailscaled.sock | /var/run/tailscale/tailscaled.sock) set -- ;; *) set -- "--socket=$socket" ;; esac
  how=own
  section prefs tailscale keyless tailscale "$@" debug prefs
  section serve tailscale keyless tailscale "$@" serve status --json
  via netmap rootly tailscale "$@" debug netmap
fi
plain units units
plain digests digests
plain modes modes
plain processes processes
plain groups groups
via environments environments ${argv('find /proc -mindepth 2')}
ask nft.again ${argv('nft -s')}
printf '%s done\\n' "$mark"
`;
}
