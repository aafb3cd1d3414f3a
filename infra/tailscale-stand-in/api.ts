import { parse } from 'jsonc-parser';
import { faultText, scanHujson } from '../../src/tailnet/hujson/scan.ts';
import { ApiError } from './api-error.ts';
import type { Authorization } from './authorization.ts';
import type { HttpReply } from './transport.ts';
import { Transport } from './transport.ts';

/** Where the API is, and who is asking. */
export interface ApiSettings {
  readonly baseUrl: string;
  readonly tailnet: string;
  readonly userAgent: string;
  readonly authorization: Authorization;
}

/** The control API as the Tailscale Go client (tailscale-client-go v2) uses it. */
export class TailnetApi {
  readonly #settings: ApiSettings;
  readonly #transport = new Transport();

  constructor(settings: ApiSettings) {
    this.#settings = settings;
  }

  /** `/tailnet/TAILNET/REST`. */
  tailnetPath(rest: string): string {
    return `/tailnet/${encodeURIComponent(this.#settings.tailnet)}/${rest}`;
  }

  /** `/device/ID` and `/device/ID/REST`. */
  devicePath(id: string, rest?: string): string {
    return `/device/${encodeURIComponent(id)}${rest === undefined ? '' : `/${rest}`}`;
  }

  /** Reply as text. */
  async getText(path: string, accept: string): Promise<string> {
    return (await this.#call('GET', path, { accept })).text;
  }

  /** Reply as JSON; HuJSON is taken too. A 304 is "nothing": every value is then the zero value. */
  async getJson(path: string): Promise<unknown> {
    const reply = await this.#call('GET', path, { accept: 'application/json' });
    return reply.status === 304 ? {} : parseBody(reply.text);
  }

  /** A write; its reply is not looked at beyond the status. */
  async send(method: string, path: string, body: unknown): Promise<void> {
    await this.#call(method, path, { 'content-type': 'application/json' }, JSON.stringify(body));
  }

  /** A write of a policy text. An empty text resets the policy to the default. */
  async sendPolicy(path: string, text: string, headers: Readonly<Record<string, string>>): Promise<void> {
    await this.#call('POST', path, { 'content-type': 'application/hujson', ...headers }, text);
  }

  close(): void {
    this.#transport.close();
  }

  async #call(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<HttpReply> {
    const { baseUrl, userAgent, authorization } = this.#settings;
    const reply = await this.#transport.send({
      method,
      url: `${baseUrl.replace(/\/+$/, '')}/api/v2${path}`,
      headers: { ...headers, 'user-agent': userAgent, authorization: await authorization.header(this.#transport) },
      ...(body === undefined ? {} : { body }),
    });
    if (reply.status >= 400) throw new ApiError(...errorOf(reply));
    return reply;
  }
}

/** `message (status)` of an error reply; when the body is no JSON object, the JSON reader's complaint instead. */
function errorOf(reply: HttpReply): [message: string, status?: number] {
  let body: unknown;
  try {
    body = JSON.parse(reply.text);
  } catch {
    return [jsonFault(reply.text)];
  }
  const message = typeof body === 'object' && body !== null && 'message' in body ? body.message : '';
  return [`${typeof message === 'string' ? message : ''} (${reply.status})`, reply.status];
}

/** What Go's encoding/json says about a text that is none. */
function jsonFault(text: string): string {
  const first = text.trimStart()[0];
  if (first === undefined) return 'unexpected end of JSON input';
  if ('{["-0123456789tfn'.includes(first)) return 'unexpected end of JSON input';
  return `invalid character '${first}' looking for beginning of value`;
}

function parseBody(text: string): unknown {
  const scanned = scanHujson(text);
  if (!scanned.ok) throw new ApiError(faultText(text, scanned.fault));
  const value: unknown = parse(text, [], { allowTrailingComma: true });
  return value;
}
