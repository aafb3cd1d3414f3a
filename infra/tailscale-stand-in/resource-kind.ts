import { CordonError } from '../../src/source/error.ts';
import type { TailnetApi } from './api.ts';
import type { Attribute, State } from './attribute.ts';

/** One resource type: its properties, and what it does to the API. */
export interface ResourceKind {
  /** `tailscale:index/deviceTags:DeviceTags`. */
  readonly token: string;
  readonly attributes: readonly Attribute[];
  /** What an update plans for `id`: the old one, or unknown because the plugin declares it merely computed. */
  readonly idOnUpdate: 'kept' | 'unknown';
  /** @returns the state to record, with `id` */
  create(api: TailnetApi, planned: State): Promise<State>;
  /**
   * @param prior state so far; undefined when importing by id
   * @returns undefined = the object is gone
   */
  read(api: TailnetApi, id: string, prior: State | undefined): Promise<State | undefined>;
  update(api: TailnetApi, prior: State, planned: State): Promise<State>;
  delete(api: TailnetApi, prior: State): Promise<void>;
}

/**
 * A failure as Terraform reports it. The plugin logs `[ERROR] <detail>: <summary>` and ends the call with
 * `<summary>: <detail>`.
 */
export class Complaint extends CordonError {
  readonly summary: string;
  readonly detail: string;

  constructor(summary: string, detail: string, cause?: unknown) {
    super('tailscale-stand-in', `${summary}: ${detail}`, cause === undefined ? {} : { cause });
    this.summary = summary;
    this.detail = detail;
  }
}

/**
 * Runs an API call of a resource; its error becomes a complaint.
 * @param context put before the error's own text, such as `Failed to fetch device with ID x`
 */
export async function complain<T>(summary: string, context: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Complaint || !(error instanceof CordonError)) throw error;
    throw new Complaint(summary, context === undefined ? error.message : `${context}: ${error.message}`, error);
  }
}
