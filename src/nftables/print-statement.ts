import { datatypeOf, printValue } from './datatype.ts';
import type { Match, Operand, Rule, Selector, Statement } from './ruleset.ts';
import { CT_STATE, symbolOf } from './symbols.ts';

/** One rule on one line without indentation, as `nft -s list` prints it (counters without values, no handle). */
export function printRule(rule: Rule): string {
  const words = rule.statements.map(printStatement);
  if (rule.comment !== undefined) words.push(`comment "${rule.comment}"`);
  return words.join(' ');
}

/** One statement as nft prints it. */
export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'match':
      return printMatch(statement);
    case 'counter':
      return statement.name === undefined ? 'counter' : `counter name "${statement.name}"`;
    case 'accept':
    case 'drop':
    case 'return':
      return statement.kind;
    case 'jump':
    case 'goto':
      return `${statement.kind} ${statement.target}`;
    case 'reject':
      return statement.with === undefined ? 'reject' : `reject with ${statement.with}`;
    case 'log':
      return [
        'log',
        ...(statement.prefix === undefined ? [] : [`prefix "${statement.prefix}"`]),
        ...(statement.group === undefined ? [] : [`group ${statement.group}`]),
        ...(statement.options === undefined ? [] : [statement.options]),
      ].join(' ');
    case 'limit': {
      const burst = statement.burst === undefined ? '' : ` burst ${statement.burst} packets`;
      return `limit rate ${statement.over ? 'over ' : ''}${statement.rate}/${statement.unit}${burst}`;
    }
    case 'set-ct-mark':
      return `ct mark set ct mark | ${hex(statement.or)}`;
    case 'unknown':
      return statement.text;
  }
}

/** The left side of a match as nft prints it, mask included. */
export function printSelector(selector: Selector): string {
  switch (selector.kind) {
    case 'meta': {
      const bare = /^[io]if(name)?$/.test(selector.key);
      const text = bare ? selector.key : `meta ${selector.key}`;
      return selector.mask === undefined ? text : `${text} & ${hex(selector.mask)}`;
    }
    case 'payload':
      return `${selector.protocol} ${selector.field}`;
    case 'ct':
      return selector.key === 'mark' && selector.mask !== undefined
        ? `ct mark & ${hex(selector.mask)}`
        : `ct ${selector.key}`;
    case 'socket-cgroup':
      return `socket cgroupv2 level ${selector.level}`;
  }
}

function printMatch(match: Match): string {
  const masked = 'mask' in match.selector && match.selector.mask !== undefined;
  const operator = match.op === '==' && !masked ? '' : `${match.op} `;
  return `${printSelector(match.selector)} ${operator}${printOperand(match.selector, match.right)}`;
}

function printOperand(selector: Selector, right: Operand): string {
  const type = datatypeOf(selector) ?? { kind: 'number', bits: 64 };
  switch (right.kind) {
    case 'set':
      return `{ ${right.elements.map((e) => printValue(type, e)).join(', ')} }`;
    case 'named-set':
      return `@${right.name}`;
    case 'any-bit':
      return right.bits.map((b) => symbolOf(CT_STATE, b) ?? hex(b)).join(',');
    default:
      return printValue(type, right);
  }
}

function hex(value: bigint): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
