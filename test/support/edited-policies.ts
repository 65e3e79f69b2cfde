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
