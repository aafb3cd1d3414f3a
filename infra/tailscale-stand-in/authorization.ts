import { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { Transport } from './transport.ts';

/** How requests prove who is asking. */
export interface Authorization {
  /** Value of the Authorization header; may need a request of its own first. */
  header(transport: Transport): Promise<string>;
}

/** An API key is the user name of HTTP Basic, with an empty password. */
export function apiKeyAuthorization(apiKey: string): Authorization {
  return { header: async () => basic(apiKey, '') };
}

const tokenReply = z.object({ access_token: z.string().min(1) });

/**
 * OAuth client credentials (RFC 6749 section 4.4) as golang.org/x/oauth2 does them: credentials in HTTP Basic first, and
 * after an error once in the form; the way that worked and the token are kept for the life of the process.
 */
export function oauthAuthorization(
  baseUrl: string,
  client: { readonly id: string; readonly secret: string; readonly scopes: readonly string[] },
): Authorization {
  const url = `${baseUrl.replace(/\/+$/, '')}/api/v2/oauth/token`;
  const form = {
    grant_type: 'client_credentials',
    ...(client.scopes.length > 0 ? { scope: client.scopes.join(' ') } : {}),
  };
  let token: Promise<string> | undefined;

  async function fetchToken(transport: Transport): Promise<string> {
    const inHeader = { headers: { authorization: basic(client.id, client.secret) }, form };
    const inForm = { headers: {}, form: { client_id: client.id, client_secret: client.secret, ...form } };
    let last = '';
    for (const way of [inHeader, inForm]) {
      const reply = await transport.send({
        method: 'POST',
        url,
        headers: {
          ...way.headers,
          'content-type': 'application/x-www-form-urlencoded',
          'user-agent': 'Go-http-client/1.1',
        },
        body: new URLSearchParams(way.form).toString(),
      });
      if (reply.status < 300) return tokenOf(reply.text);
      last = `oauth2: cannot fetch token: ${reply.status}\nResponse: ${reply.text}`;
    }
    throw new ApiError(last);
  }

  return {
    async header(transport) {
      token ??= fetchToken(transport);
      try {
        return `Bearer ${await token}`;
      } catch (error) {
        token = undefined;
        throw error;
      }
    },
  };
}

function tokenOf(text: string): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError('oauth2: cannot parse json: unexpected reply of the token endpoint');
  }
  const reply = tokenReply.safeParse(body);
  if (!reply.success) throw new ApiError('oauth2: server response missing access_token');
  return reply.data.access_token;
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
