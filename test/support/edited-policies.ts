/** The shipped policies with another word on who approves what takes capacity away. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shippedPolicies } from './guard.ts';

const asShipped = /@approvals\("1"\)\n@from\("[^"]*"\)/;

/** A new folder; `annotations` stand for `@approvals` and `@from` of the first policy, without any nothing is allowed. */
export function policiesAsking(annotations: string | undefined): string {
  const dir = mkdtempSync(join(tmpdir(), 'approvals-policy-'));
  cpSync(shippedPolicies, dir, { recursive: true });
  rmSync(join(dir, 'cases.yaml'), { force: true });
  const file = join(dir, 'approvals.cedar');
  const text = readFileSync(file, 'utf8');
  if (!asShipped.test(text)) throw new Error('the shipped policy asks for votes in another way');
  const forbid = '\n@id("stop") @reason("stopped") forbid (principal, action, resource);\n';
  writeFileSync(file, annotations === undefined ? text + forbid : text.replace(asShipped, annotations));
  return dir;
}

/** A new folder with the shipped policies but these, by their `@id`. */
export function policiesWithout(...ids: string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'fewer-policies-'));
  cpSync(shippedPolicies, dir, { recursive: true });
  rmSync(join(dir, 'cases.yaml'), { force: true });
  const left = new Set(ids);
  for (const name of ['approvals.cedar', 'limits.cedar']) {
    const statements = readFileSync(join(dir, name), 'utf8').split(/^(?=@id\()/m);
    const kept = statements.filter(statement => !left.delete(/^@id\("([^"]*)"\)/.exec(statement)?.[1] ?? ''));
    writeFileSync(join(dir, name), kept.join(''));
  }
  if (left.size > 0) throw new Error(`the shipped policies have no ${[...left].join(', ')}`);
  return dir;
}
