/** A file name that is neither an option nor a path, so that it is safe on a command line and in `ip -batch`. */
export function isPlainName(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(text);
}

/** As `isPlainName`, and short enough for the kernel (IFNAMSIZ counts the final zero). */
export function isInterfaceName(text: string): boolean {
  return isPlainName(text) && text.length <= 15;
}
