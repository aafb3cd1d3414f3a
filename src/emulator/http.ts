import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ApiError, badBody } from './api-error.ts';

/** The request body as text; an empty string when there was none. */
export function bodyText(request: FastifyRequest): string {
  return typeof request.body === 'string' ? request.body : '';
}

/** The request body as JSON. @throws ApiError 400 when it is not JSON */
function bodyJson(request: FastifyRequest): unknown {
  try {
    return JSON.parse(bodyText(request));
  } catch (error) {
    throw new ApiError(400, error instanceof Error ? error.message : 'invalid JSON');
  }
}

/** The request body after `schema`. @throws ApiError 400 that names every refused field */
export function bodyOf<S extends z.ZodType>(request: FastifyRequest, schema: S): z.infer<S> {
  const parsed = schema.safeParse(bodyJson(request));
  if (!parsed.success) throw badBody(parsed.error);
  return parsed.data;
}

/** One decoded path segment; an empty string when the route has no such parameter. */
export function pathParam(request: FastifyRequest, name: string): string {
  const params = request.params as Record<string, string | undefined>;
  return params[name] ?? '';
}

/** The query parameters, repeated ones kept. */
export function queryOf(request: FastifyRequest): URLSearchParams {
  const at = request.url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1));
}

/** `200 {}`: for calls whose answer the clients do not read; never an empty body, which some of them refuse. */
export async function sendDone(reply: FastifyReply): Promise<FastifyReply> {
  return reply.code(200).send({});
}
