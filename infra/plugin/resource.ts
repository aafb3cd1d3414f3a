import type { ProviderHandlers } from '../grpc/provider.ts';

/** What a resource type has to answer; the provider hands each call to the type it is about. */
export type ResourceType = Required<Pick<ProviderHandlers, 'check' | 'diff' | 'create' | 'read' | 'update' | 'delete'>>;
