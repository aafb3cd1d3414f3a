import { CordonError } from '../../src/source/error.ts';

/** What the Go client reports when a call fails: its text, and the status if the reply was an error it could read. */
export class ApiError extends CordonError {
  /** Undefined when the reply was no JSON: then a 404 is not recognised as one either. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super('tailnet-api', message);
    this.status = status;
  }
}

/** True for a 404 that the API itself answered. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
