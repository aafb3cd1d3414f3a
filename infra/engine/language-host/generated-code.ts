/**
 * What `pulumi import` prints after it has imported: the resources as the program has to declare them. The engine hands
 * them over in its own intermediate language; that text is shown as it is, because the declarations belong into the
 * topology file or our program's components, not into code to be pasted.
 * @param sources file name → text of the intermediate language
 * @returns file name → text to print
 */
export function importedDeclarations(sources: ReadonlyMap<string, string>): Map<string, string> {
  const text = [...sources.values()].join('\n').trimEnd();
  const lines = text.split('\n').map((line) => (line === '' ? '//' : `// ${line}`));
  return new Map([
    [
      'imported.ts',
      `// The imported resources and their properties, as the program has to declare them:\n${lines.join('\n')}\n`,
    ],
  ]);
}
