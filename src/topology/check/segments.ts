import { formatPrefix, overlaps, type Prefix } from '../../net/prefix.ts';
import { type Draft, entries, items, quote } from '../load/draft.ts';
import type { Path } from '../load/places.ts';
import { parseSegmentPrefix, reservedPart, touchesTailnet } from '../ranges.ts';

/** Prefixes are exact, ordinary and apart from each other; the router stands in its segment. */
export function checkSegments(draft: Draft): void {
  const seen: { readonly prefix: Prefix; readonly path: Path; readonly segment: string }[] = [];
  for (const [name, segment] of entries(draft.data.segments)) {
    for (const [index, text] of items(segment.prefixes)) {
      const path = ['segments', name, 'prefixes', index];
      const prefix = checkPrefix(draft, path, text);
      if (prefix === undefined) continue;
      const other = seen.find((s) => overlaps(s.prefix, prefix));
      if (other !== undefined) {
        draft.report({
          code: 'topology-overlap',
          path,
          message: `${formatPrefix(prefix)} overlaps ${formatPrefix(other.prefix)} of segment ${other.segment}`,
          hint: 'give each segment addresses of its own',
          related: [{ span: draft.places.value(other.path), message: `prefix of ${other.segment}` }],
        });
      }
      seen.push({ prefix, path, segment: name });
    }
    checkRouter(draft, name, segment.router);
  }
}

function checkPrefix(draft: Draft, path: Path, text: string): Prefix | undefined {
  const parsed = parseSegmentPrefix(text);
  if (parsed === undefined) {
    draft.report({
      code: 'topology-bad-prefix',
      path,
      message: `${quote(text)} is not a prefix`,
      hint: 'write address/length, such as 10.77.1.0/24 or fd77:1::/64',
    });
    return undefined;
  }
  if (parsed.hostBits) {
    draft.report({
      code: 'topology-host-bits',
      path,
      message: `${quote(text)} has bits set beyond its length`,
      hint: `write ${formatPrefix(parsed.prefix)}`,
    });
  }
  if (touchesTailnet(parsed.prefix)) {
    draft.report({
      code: 'topology-reserved-range',
      path,
      message: `${quote(text)} overlaps the tailnet’s own ranges`,
      hint: 'a segment is off the tailnet: choose addresses outside 100.64.0.0/10 and fd7a:115c:a1e0::/48',
    });
    return undefined;
  }
  const why = reservedPart(parsed.prefix);
  if (why !== undefined) {
    draft.report({
      code: 'topology-reserved-range',
      path,
      message: `${quote(text)} cannot be a segment: a part of it ${why}`,
      hint: 'choose a private range, such as 10.77.1.0/24 or fd77:1::/64',
    });
    return undefined;
  }
  return parsed.prefix;
}

function checkRouter(draft: Draft, segment: string, router: string | undefined): void {
  const host = router === undefined ? undefined : draft.data.hosts?.[router];
  if (router === undefined || host === undefined || draft.isBroken(['hosts', router, 'segment'])) return;
  if (host.segment !== segment) {
    draft.report({
      code: 'topology-router-not-member',
      path: ['segments', segment, 'router'],
      message: `${router} routes segment ${segment} but is not in it`,
      hint: `give ${router} "segment: ${segment}" and its address there`,
      related: [{ span: draft.places.key(['hosts', router]), message: `${router} is declared here` }],
    });
  }
}
