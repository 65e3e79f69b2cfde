/**
 * What Cedar itself accepts but this product must not: a policy that looks
 * like a rule and silently is none, or one that reads votes in a way nobody
 * expects. Every problem is reported, so that an operator fixes a file once.
 */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isServiceName } from '../../core/fleet.ts';
import {
  type Approval,
  approvalAnnotations,
  approvalIn,
  type Directory,
  isOfSite,
  sitesWithoutVoters,
} from './approval-annotations.ts';
import type { Cedar, PolicySource } from './cedar.ts';
import { groupsNamed, isOwnClearance, readsClearance } from './policy-expression.ts';
import type { PolicyFile } from './policy-files.ts';
import { lineOf, placed } from './source-lines.ts';

export type Statement = {
  id: string;
  effect: 'permit' | 'forbid';
  reason: string;
  text: string;
  file: string;
  /** Where it begins, its annotations included. */
  line: number;
  /** Groups that it names, voters aside. */
  groups: string[];
  approval?: Approval;
};

/** `notices` are no faults: they deny more than whoever wrote the policies may think. */
export type Lint = { statements: Statement[]; problems: string[]; notices: string[] };

/** Reads all statements of the files and checks each. */
export function lintPolicies(files: PolicyFile[], cedar: Cedar, directory?: Directory): Lint {
  const problems: string[] = [];
  const notices: string[] = [];
  const statements: Statement[] = [];
  const byId = new Map<string, Statement>();
  for (const parsed of files.flatMap(file => parseFile(file, cedar, problems))) {
    const { statement, faults } = lintStatement(parsed, directory);
    const { id, file, line } = statement;
    const first = id === '' ? undefined : byId.get(id);
    if (first) faults.push(`another policy has the same @id: ${first.file}:${first.line}`);
    else byId.set(id, statement);
    problems.push(...faults.map(fault => `${file}:${line}: ${id || 'a policy without @id'}: ${fault}`));
    statements.push(statement);
    const notice = directory && statement.approval && sitesWithoutVoters(statement.approval, directory);
    if (notice && faults.length === 0) notices.push(`${file}:${line}: ${id}: ${notice}`);
  }
  return { statements, problems, notices };
}

export function sourceOf(schema: PolicyFile, statements: Statement[]): PolicySource {
  return { schema: schema.text, policies: Object.fromEntries(statements.map(({ id, text }) => [id, text])) };
}

type Parsed = { file: string; line: number; text: string; json: PolicyJson };

function parseFile(file: PolicyFile, cedar: Cedar, problems: string[]): Parsed[] {
  try {
    const parts = cedar.call(api => api.policySetTextToParts(file.text));
    if (parts.type === 'failure') {
      problems.push(...parts.errors.map(error => placed(error, file)));
      return [];
    }
    if (parts.policy_templates.length > 0) problems.push(`${file.name}: templates are not supported`);
    let end = 0;
    return parts.policies.map(text => {
      const start = Math.max(end, file.text.indexOf(text, end));
      end = start + text.length;
      const answer = cedar.call(api => api.policyToJson(text));
      if (answer.type === 'failure') throw new Error('a policy that is one no more, taken alone');
      return { file: file.name, line: lineOf(file.text, start), text, json: answer.json };
    });
  } catch {
    problems.push(`${file.name}: the evaluator cannot take this text; split long expressions`);
    return [];
  }
}

const idForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const annotationsKnown = new Set<string>(['id', 'reason', ...approvalAnnotations]);

function lintStatement({ file, line, text, json }: Parsed, directory?: Directory) {
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

  const groups = groupsNamed(json);
  for (const group of directory ? groups : []) {
    if (!directory?.groups.includes(group) && !isServiceName(group) && !isOfSite(group))
      faults.push(`nobody is in the group ${group}`);
  }
  const said = { id, effect: json.effect, reason, ...(approval && { approval }) };
  const statement: Statement = { ...said, text, file, line, groups };
  return { statement, faults };
}
