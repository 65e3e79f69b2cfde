/** Who writes a verifier reads `docs/custody-format.md`: its table has the types of entries, with the members that they have. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { expect, it } from 'vitest';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

function entriesInCode(): Map<string, string[]> {
  const source = ts.createSourceFile('custody.ts', read('src/core/custody.ts'), ts.ScriptTarget.Latest, true);
  const alias = source.statements.find(node => ts.isTypeAliasDeclaration(node) && node.name.text === 'CustodyEvent');
  if (!alias || !ts.isTypeAliasDeclaration(alias) || !ts.isUnionTypeNode(alias.type)) throw new Error('no union');
  return new Map(
    alias.type.types.filter(ts.isTypeLiteralNode).map(({ members }) => {
      const [type, ...others] = members.filter(ts.isPropertySignature);
      const name = type?.type?.getText().replaceAll("'", '') ?? '';
      return [name, others.map(member => member.name.getText() + (member.questionToken ? '?' : ''))];
    }),
  );
}

function rowsInTable(): Map<string, string> {
  const table = read('docs/custody-format.md').split('| `type` |')[1]?.split('\n\n')[0] ?? '';
  return new Map(
    [...table.matchAll(/^\| `([^`]+)` \| (.*) \|$/gm)].map(([, type = '', members = '']) => [type, members]),
  );
}

it('has a row for each type, and names all its members', () => {
  const [entries, rows] = [entriesInCode(), rowsInTable()];
  expect([...rows.keys()].sort()).toEqual([...entries.keys()].sort());
  expect(entries.size).toBeGreaterThan(10);
  for (const [type, members] of entries)
    for (const member of members) expect(rows.get(type), `${type}: ${member}`).toContain(`\`${member}\``);
});
