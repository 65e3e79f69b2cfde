/**
 * What Cedar itself accepts but this product must not: a policy that looks
 * like a rule and silently is none, or one that reads votes in a way nobody
 * expects. Every problem is reported, so that an operator fixes a file once.
 */
import type { PolicyJson, ValidationAnswer } from '@cedar-policy/cedar-wasm/nodejs';
import { isServiceName } from '../../core/fleet.ts';
import { type Approval, approvalIn, type Directory } from './approval-annotations.ts';
import type { Cedar, PolicySource } from './cedar.ts';
import { groupsNamed, isOwnClearance, readsClearance } from './policy-expression.ts';
import type { PolicyFile, PolicyFolder } from './policy-files.ts';

export type Statement = { id: string; effect: 'permit' | 'forbid'; reason: string; text: string; approval?: Approval };

export type Lint = { statements: Statement[]; problems: string[] };

/** Reads all statements of the folder and checks each, then all of them together against the schema. */
export function lintPolicies(folder: PolicyFolder, cedar: Cedar, directory?: Directory): Lint {
  const problems: string[] = [];
  const statements = new Map<string, Statement>();
  for (const file of folder.policies) {
    for (const { text, json } of parseFile(file, cedar, problems)) {
      const { statement, faults } = lintStatement(text, json, directory);
      const label = `${file.name}: ${statement.id || 'a policy without @id'}`;
      if (statements.has(statement.id)) faults.push('another policy has the same @id');
      problems.push(...faults.map(fault => `${label}: ${fault}`));
      statements.set(statement.id, statement);
    }
  }
  if (problems.length === 0) problems.push(...validate(sourceOf(folder, [...statements.values()]), cedar));
  return { statements: [...statements.values()], problems };
}

export function sourceOf(folder: PolicyFolder, statements: Statement[]): PolicySource {
  return { schema: folder.schema.text, policies: Object.fromEntries(statements.map(({ id, text }) => [id, text])) };
}

type Parsed = { text: string; json: PolicyJson };

function parseFile(file: PolicyFile, cedar: Cedar, problems: string[]): Parsed[] {
  try {
    const parts = cedar.call(api => api.policySetTextToParts(file.text));
    if (parts.type === 'failure') {
      problems.push(...parts.errors.map(error => `${file.name}: ${error.message}`));
      return [];
    }
    if (parts.policy_templates.length > 0) problems.push(`${file.name}: templates are not supported`);
    return parts.policies.flatMap(text => {
      const answer = cedar.call(api => api.policyToJson(text));
      return answer.type === 'success' ? [{ text, json: answer.json }] : [];
    });
  } catch {
    problems.push(`${file.name}: the evaluator cannot take this text; split long expressions`);
    return [];
  }
}

const idForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const annotationsKnown = new Set(['id', 'reason', 'approvals', 'from', 'ttl']);

function lintStatement(text: string, json: PolicyJson, directory?: Directory) {
  const faults: string[] = [];
  const annotations = json.annotations ?? {};
  const id = annotations.id ?? '';
  const reason = annotations.reason ?? '';
  if (!idForm.test(id)) faults.push('@id must be 1 to 63 of a-z, 0-9 and -');
  for (const name of Object.keys(annotations)) {
    if (!annotationsKnown.has(name)) faults.push(`@${name} is not known, and would be ignored`);
  }
  if (json.effect === 'forbid' && !reason) faults.push('a forbid needs a @reason, it is shown to people');

  const { approval, faults: approvalFaults } = approvalIn(json, directory);
  faults.push(...approvalFaults);
  const last = json.conditions.at(-1);
  const own = approval !== undefined && last !== undefined && isOwnClearance(last, id);
  if (approval && !own) faults.push(`its last clause must be: unless { context.cleared.contains("${id}") }`);
  const others = own ? json.conditions.slice(0, -1) : json.conditions;
  if (others.some(readsClearance)) faults.push('only that last clause may read context.cleared, or context as a whole');

  for (const group of directory ? groupsNamed(json) : []) {
    if (!directory?.groups.includes(group) && !isServiceName(group)) faults.push(`nobody is in the group ${group}`);
  }
  const statement: Statement = { id, effect: json.effect, reason, text, ...(approval && { approval }) };
  return { statement, faults };
}

/** Cedar says success although it lists errors; warnings count too, since an impossible policy protects nothing. */
function validate(source: PolicySource, cedar: Cedar): string[] {
  let answer: ValidationAnswer;
  try {
    answer = cedar.call(api =>
      api.validate({
        schema: source.schema,
        policies: { staticPolicies: source.policies },
        validationSettings: { mode: 'strict' },
      }),
    );
  } catch {
    return ['the evaluator cannot check these policies'];
  }
  if (answer.type === 'failure') return [...answer.errors, ...answer.warnings].map(error => error.message);
  const found = [...answer.validationErrors, ...answer.validationWarnings].map(({ error }) => error);
  return [...found, ...answer.otherWarnings].map(error => error.message);
}
