/** Reads `cases.yaml` beside the policies and decides all of it, each case with the line to look at. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import type { Policy } from '../../core/policy.ts';
import { type CaseResult, checkPolicyCases } from './policy-cases.ts';

export const caseFile = 'cases.yaml';
const largestFile = 1024 * 1024;

/** Throws `invalid_config` where the file is missing, larger than 1 MiB, or not of the form. */
export function testPolicyFolder(policy: Policy, dir: string): (CaseResult & { line: number })[] {
  const lineCounter = new LineCounter();
  const document = parseDocument(textOf(join(dir, caseFile)), { lineCounter });
  const [fault] = document.errors;
  if (fault) throw unusable(fault.message);
  try {
    return checkPolicyCases(policy, document.toJS()).map((result, index) => {
      const node = document.getIn(['cases', index], true);
      return { ...result, line: lineCounter.linePos((isNode(node) && node.range?.[0]) || 0).line };
    });
  } catch (thrown) {
    throw unusable(thrown instanceof z.ZodError ? z.prettifyError(thrown) : String(thrown));
  }
}

function textOf(path: string): string {
  try {
    if (statSync(path).size <= largestFile) return readFileSync(path, 'utf8');
  } catch {
    throw unusable('it cannot be read');
  }
  throw unusable(`it is larger than ${largestFile / 1024} KiB`);
}

function unusable(why: string): FleetError {
  return new FleetError({ code: 'invalid_config', message: `${caseFile} is not usable: ${why}` });
}
