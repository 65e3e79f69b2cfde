/** Loads a policy folder, and replaces a loaded one only by a folder without a fault. */
import { FleetError } from '../../core/errors.ts';
import type { Policy, Risk } from '../../core/policy.ts';
import { actionRisks } from './action-risks.ts';
import type { Directory } from './approval-annotations.ts';
import { type Cedar, sharedCedar } from './cedar.ts';
import { CedarPolicy } from './decide.ts';
import { readPolicyFolder, schemaFile } from './policy-files.ts';
import { lintPolicies, sourceOf } from './policy-lint.ts';

/**
 * The policy in `dir`. Throws `invalid_config` that names every problem found. With a directory, each group that a
 * policy names must exist in it.
 */
export function loadPolicy(dir: string, directory?: Directory): Policy {
  const read = readPolicyFolder(dir);
  if ('problems' in read) throw refused(read.problems);
  const { folder } = read;
  const { statements, problems } = lintPolicies(folder, sharedCedar, directory);
  const actions = risksOf(folder.schema.text, sharedCedar);
  const all = [...actions.problems.map(problem => `${schemaFile}: ${problem}`), ...problems];
  if (all.length > 0) throw refused(all);
  return new CedarPolicy({
    digest: folder.digest,
    statements,
    risks: actions.risks,
    source: sourceOf(folder, statements),
    cedar: sharedCedar,
  });
}

export type PolicyReload =
  | { outcome: 'unchanged'; policy: Policy }
  | { outcome: 'replaced'; policy: Policy }
  /** The folder has a fault: `policy` is still the old one, and `error` says why. */
  | { outcome: 'kept'; policy: Policy; error: FleetError };

/** The policy to go on with after `dir` may have changed. Never throws. */
export function reloadPolicy(current: Policy, dir: string, directory?: Directory): PolicyReload {
  try {
    const policy = loadPolicy(dir, directory);
    if (policy.digest === current.digest) return { outcome: 'unchanged', policy: current };
    return { outcome: 'replaced', policy };
  } catch (thrown) {
    return { outcome: 'kept', policy: current, error: FleetError.from(thrown) };
  }
}

function risksOf(schema: string, cedar: Cedar): { risks: Map<string, Risk>; problems: string[] } {
  try {
    return actionRisks(schema, cedar);
  } catch {
    return { risks: new Map(), problems: ['the evaluator cannot take this schema'] };
  }
}

function refused(problems: string[]): FleetError {
  return new FleetError({
    code: 'invalid_config',
    message: `the policy is not usable:\n${problems.map(problem => `- ${problem}`).join('\n')}`,
    hint: 'Correct the policy files; nothing changes until all of them are sound.',
  });
}
