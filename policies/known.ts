/** A property of a resource, or that a preview cannot know it yet. */
export type Property = { readonly known: true; readonly value: unknown } | { readonly known: false };

/**
 * Reads a property. `@pulumi/policy` throws on access to a value that is not known yet and turns a policy that does not
 * catch it into advice (server.js: UnknownValueError), so that an unknown would pass; here it stays unknown.
 */
export function property(props: Readonly<Record<string, unknown>>, name: string): Property {
  try {
    const value = props[name];
    // Nested values throw as well; copying reads them all.
    return { known: true, value: value === undefined ? undefined : JSON.parse(JSON.stringify(value)) };
  } catch {
    return { known: false };
  }
}
