import type { z } from 'zod';

/** One entry of `data` in a refused policy (`client/tailscale/acl.go`: ACLTestFailureSummary). */
export interface PolicyProblem {
  readonly user: string;
  readonly errors?: readonly string[];
  readonly warnings?: readonly string[];
}

/**
 * An answer with a status of 400 or more. The Go client decodes every such body as JSON `{message, data?}` and loses the
 * status when it is anything else (tailscale-client-go `client.go`: performRequest), so nothing else is ever sent.
 */
export class ApiError extends Error {
  readonly status: number;
  readonly data: readonly PolicyProblem[] | undefined;

  constructor(status: number, message: string, data?: readonly PolicyProblem[]) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.data = data;
  }

  /** The JSON body of the answer. */
  body(): { message: string; data?: readonly PolicyProblem[] } {
    return this.data === undefined ? { message: this.message } : { message: this.message, data: this.data };
  }
}

/** 404 for an object that the path names. */
export function notFound(what: string): ApiError {
  return new ApiError(404, `${what} not found`);
}

/** 400 that names every field a schema refused. */
export function badBody(error: z.ZodError): ApiError {
  const issues = error.issues.map((i) => (i.path.length === 0 ? i.message : `${i.path.join('.')}: ${i.message}`));
  return new ApiError(400, `invalid request: ${issues.join('; ')}`);
}

/** The text that the API answers when tags are not in `tagOwners` or the caller does not own them. */
export function tagsNotPermitted(tags: readonly string[]): ApiError {
  return new ApiError(400, `requested tags [${tags.join(' ')}] are invalid or not permitted`);
}
