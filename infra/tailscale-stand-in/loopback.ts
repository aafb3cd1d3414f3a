import { isIPv4 } from 'node:net';

/**
 * True for http(s) URLs whose host can only be this machine: an address in 127.0.0.0/8, `::1`, or `localhost` (RFC 6761
 * section 6.3). Other names are not looked up: what a name means is decided elsewhere.
 */
export function isLoopbackUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  return hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
}
