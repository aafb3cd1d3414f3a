/** What a baseline has to be told of one deployment: everything that differs from one to the next. */
export interface Deployment {
  /** Port of the gateway. */
  readonly port: number;
  /** Model providers by id. */
  readonly providers: ReadonlyMap<string, ProviderDeclaration>;
  /** Models (`provider/model`) that an agent without a model of its own may have; undefined = nobody said. */
  readonly models: readonly string[] | undefined;
  readonly agents: ReadonlyMap<string, LaneDeclaration>;
  /** Commands that node hosts may be asked to run. */
  readonly nodeCommands: readonly string[];
}

export interface ProviderDeclaration {
  /** Where its models answer; several for a service with several addresses, each as good as the other. */
  readonly baseUrls: readonly string[];
  /** Protocol it is spoken to with; undefined = any. */
  readonly api: string | undefined;
  /** Its model list; undefined = any ids, as long as no entry leads elsewhere. */
  readonly models: readonly unknown[] | undefined;
}

/** An agent as it is declared. */
export interface LaneDeclaration {
  readonly model: string | undefined;
  /** Tools it has; undefined = those of the baseline. */
  readonly allow: readonly string[] | undefined;
  /** Tools denied on top of the baseline's. */
  readonly deny: readonly string[];
  /** What its sandbox sees of its workspace. */
  readonly workspace: 'none' | 'ro' | 'rw';
  /** Which commands a person approves. */
  readonly approvals: 'on-miss' | 'always';
}

/**
 * The deployment that the preset is shown with when no topology says otherwise: one agent on one local model, the
 * development profile's port.
 */
export const REFERENCE_DEPLOYMENT: Deployment = {
  port: 19001,
  providers: new Map([
    [
      'ollama',
      {
        baseUrls: ['http://100.64.10.2:11434'],
        api: 'ollama',
        models: [
          {
            id: 'qwen3:32b',
            name: 'qwen3:32b',
            reasoning: false,
            input: ['text'],
            cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
            contextWindow: 32768,
            maxTokens: 4096,
          },
        ],
      },
    ],
  ]),
  models: ['ollama/qwen3:32b'],
  agents: new Map(),
  nodeCommands: [],
};
