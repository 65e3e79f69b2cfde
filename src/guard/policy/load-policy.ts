/** Loads a policy folder: all of it, or nothing. */
import { FleetError } from '../../core/errors.ts';
import type { Risk } from '../../core/policy.ts';
import { actionRisks } from './action-risks.ts';
import type { Directory } from './approval-annotations.ts';
import { type Cedar, sharedCedar } from './cedar.ts';
import { CedarPolicy } from './decide.ts';
import { type PolicyFile, readPolicyFolder } from './policy-files.ts';
import { lintPolicies, sourceOf } from './policy-lint.ts';
import { validationProblems } from './policy-validation.ts';

/**
 * The policy in `dir`. Throws `invalid_config` that names every problem found, with file and line where they are known.
 * With a directory, each group that a policy names must exist in it; sites where too few could vote are its notices.
 */
export function loadPolicy(dir: string, directory?: Directory): CedarPolicy {
  const { schema, policies, digest, problems } = readPolicyFolder(dir);
  const lint = lintPolicies(policies, sharedCedar, directory);
  const actions = schema && risksOf(schema, sharedCedar);
  problems.push(...(actions?.problems ?? []), ...lint.problems);
  if (schema && actions?.problems.length === 0)
    problems.push(...validationProblems(schema.text, lint.statements, sharedCedar));
  if (!schema || !actions || problems.length > 0) throw refused(problems);
  const { statements, notices } = lint;
  return new CedarPolicy({
    digest,
    statements,
    notices,
    risks: actions.risks,
    source: sourceOf(schema, statements),
    cedar: sharedCedar,
  });
}

function risksOf(schema: PolicyFile, cedar: Cedar): { risks: Map<string, Risk>; problems: string[] } {
  try {
    return actionRisks(schema, cedar);
  } catch {
    return { risks: new Map(), problems: [`${schema.name}: the evaluator cannot take this schema`] };
  }
}

function refused(problems: string[]): FleetError {
  return new FleetError({
    code: 'invalid_config',
    message: `the policy is not usable:\n${problems.map(problem => `- ${problem}`).join('\n')}`,
    hint: 'Correct the policy files; nothing changes until all of them are sound.',
  });
}
