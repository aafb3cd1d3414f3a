import { PRIVILEGED } from './host-script.ts';

/** Where the programs are that root alone may ask; on a system with merged /usr the other places are the same files. */
const PLACES: Readonly<Record<string, string>> = {
  cat: '/usr/bin',
  ss: '/usr/bin',
  find: '/usr/bin',
  tailscale: '/usr/bin',
};

/**
 * The lines of sudoers(5) with which a plain user can read a host as completely as root: exact commands with exact
 * arguments, none of which writes, and none of which prints the value of an environment variable.
 * @param user a login name of the host
 */
export function sudoersLines(user: string): readonly string[] {
  return PRIVILEGED.map(([program = '', ...words]) => {
    // "" allows no argument at all; without it any would be allowed.
    const list = words.length === 0 ? '""' : words.map(escaped).join(' ');
    return `${user} ALL=(root) NOPASSWD: ${PLACES[program] ?? '/usr/sbin'}/${program} ${list}`;
  });
}

/** Arguments are shell patterns, and some characters end a command (sudoers(5), "Wildcards", "Special characters"). */
function escaped(word: string): string {
  return word.replace(/[\\*?[\]!,:=]/g, '\\$&');
}
