import { UNIT_FOLDER } from './firewall.ts';
import type { UnitFile } from './plan.ts';

/**
 * The script that installs the files that lie beside it in `files`, each in one step so that none is ever half there,
 * and enables the units. It loads no ruleset: that is for `cordon host apply`, which can take it back; the units load at
 * the next boot, or when something that requires them starts.
 *
 * Usage: `install.sh [ROOT]`; with ROOT, into a folder that will be somebody's root.
 */
export function installScript(files: readonly UnitFile[]): string {
  return `#!/bin/sh
# Written by cordon. Usage: install.sh [ROOT]
set -eu
umask 022
root=\${1:-}
from=$(cd "$(dirname "$0")" && pwd)
put() {
  mkdir -p "$root\${2%/*}"
  cp "$from/files$2" "$root$2.cordon-new"
  chmod "$1" "$root$2.cordon-new"
  mv -f "$root$2.cordon-new" "$root$2"
}
${files.map(({ path, mode }) => `put ${mode.toString(8)} ${path}\n`).join('')}${systemctl(
  'enable',
  enabled(files),
)}[ -z "$root" ] && [ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
${slices(files)}`;
}

/**
 * The script that takes away exactly what the other one installs. What the kernel holds stays: the host is closed until
 * it boots the next time, and only then as open as before cordon.
 *
 * Usage: `uninstall.sh [ROOT]`.
 */
export function uninstallScript(files: readonly UnitFile[]): string {
  const folders = [...new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf('/'))))]
    .filter((folder) => folder !== UNIT_FOLDER)
    .sort();
  return `#!/bin/sh
# Written by cordon. Usage: uninstall.sh [ROOT]
set -eu
root=\${1:-}
${systemctl('disable', enabled(files))}${files.map(({ path }) => `rm -f "$root${path}"\n`).join('')}${folders
  .map((folder) => `rmdir "$root${folder}" 2>/dev/null || true\n`)
  .join('')}[ -z "$root" ] || exit 0
[ ! -d /run/systemd/system ] || systemctl daemon-reload
echo 'The rulesets stay in force until the next boot; then the host is as open as it was before cordon.'
`;
}

/** Works on a folder as well as on a running system; where there is no systemd there is nothing to enable. */
function systemctl(verb: 'enable' | 'disable', units: readonly string[]): string {
  if (units.length === 0) return '';
  return `if command -v systemctl >/dev/null 2>&1; then systemctl \${root:+--root="$root"} --no-reload ${verb} ${units.join(' ')}; fi\n`;
}

/** What has to be there before `cordon host apply`: nft looks the slice up when it loads a ruleset. */
function slices(files: readonly UnitFile[]): string {
  const names = files.flatMap(({ path }) => /\/([^/]+\.slice)$/.exec(path)?.[1] ?? []);
  return names.map((name) => `systemctl start ${name}\n`).join('');
}

/** Units with an [Install] section. */
function enabled(files: readonly UnitFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    /^\[Install\]$/m.test(text) ? [path.slice(path.lastIndexOf('/') + 1)] : [],
  );
}
