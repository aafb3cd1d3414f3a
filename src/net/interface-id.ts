import { IntervalSet } from './interval-set.ts';

/**
 * Interface names as numbers: the rank of the name among all possible names in dictionary order. No table of names is
 * kept, the number of a name never depends on what was seen before, and all names with a common beginning (nft's
 * `iifname "veth*"`) are one interval.
 */
const MAX_LENGTH = 15;

/** Bytes a name may have here: printable ASCII without the ones that the kernel refuses (`dev_valid_name`: `/`, `:`). */
const ALPHABET = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i)).filter(
  (c) => c !== '/' && c !== ':',
);
const DIGIT = new Map(ALPHABET.map((c, i) => [c, BigInt(i)]));
const BASE = BigInt(ALPHABET.length);

/** `SUBTREE[n]`: how many names of at most n characters there are, the empty one included. */
const SUBTREE = Array.from({ length: MAX_LENGTH + 1 }, (_, n) => (BASE ** BigInt(n + 1) - 1n) / (BASE - 1n));

/** Value of `iif` and `oif` for an interface that no rule and no host fact names: the rank of the empty name. */
export const UNNAMED_INTERFACE = 0n;

/** Value of `iif` or `oif` at a hook that has no such interface (`oif` in input, `iif` in output); above every name. */
export const NO_INTERFACE = subtree(MAX_LENGTH);

/** True for a name of 1..15 printable ASCII characters without `/` and `:`; others have no number. */
export function isInterfaceName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && isBeginning(name);
}

/**
 * The number of an interface name, for the fields `iif` and `oif`.
 * @throws RangeError when `isInterfaceName` says no: ask first for names from outside
 */
export function internInterface(name: string): bigint {
  if (!isInterfaceName(name)) throw impossibleName(name);
  return rank(name);
}

/** The number for a packet's `iif` or `oif`, where '' is `UNNAMED_INTERFACE` and a missing name `NO_INTERFACE`. */
export function interfaceValue(name: string | undefined): bigint {
  if (name === undefined) return NO_INTERFACE;
  return name === '' ? UNNAMED_INTERFACE : internInterface(name);
}

/**
 * The numbers of all names that begin with `beginning` (itself included), for `iifname "beginning*"`. The interface
 * that nobody named (0) is among them only for the empty beginning: whoever evaluates a wildcard decides what that
 * interface may be called.
 * @throws RangeError when no name can begin so
 */
export function interfacesBeginning(beginning: string): IntervalSet {
  if (!isBeginning(beginning)) throw impossibleName(beginning);
  const first = rank(beginning);
  return IntervalSet.of([first, first + subtree(MAX_LENGTH - beginning.length) - 1n]);
}

/** The name with this number: '' for `UNNAMED_INTERFACE`, undefined for `NO_INTERFACE` and for numbers beyond it. */
export function interfaceName(value: bigint): string | undefined {
  if (value < 0n || value >= NO_INTERFACE) return undefined;
  let name = '';
  for (let left = value; left > 0n; ) {
    const below = subtree(MAX_LENGTH - name.length - 1);
    name += ALPHABET[Number((left - 1n) / below)] ?? '';
    left = (left - 1n) % below;
  }
  return name;
}

/** Dictionary order: a name comes after its own beginnings and before every name with a greater character. */
function rank(name: string): bigint {
  let value = 0n;
  for (let i = 0; i < name.length; i++) {
    value += 1n + (DIGIT.get(name.charAt(i)) ?? 0n) * subtree(MAX_LENGTH - i - 1);
  }
  return value;
}

function isBeginning(text: string): boolean {
  return text.length <= MAX_LENGTH && [...text].every((c) => DIGIT.has(c));
}

function impossibleName(name: string): RangeError {
  return new RangeError(`${JSON.stringify(name)} cannot be the name of a network interface`);
}

function subtree(length: number): bigint {
  return SUBTREE[length] ?? 0n;
}
