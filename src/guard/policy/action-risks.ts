/**
 * Which risk the schema gives each action. A caller says what risk its tool
 * has; if the schema disagrees, the policies for that risk would not match and
 * the request must not pass.
 */
import type { Risk } from '../../core/policy.ts';
import type { Cedar } from './cedar.ts';
import type { PolicyFile } from './policy-files.ts';
import { placed } from './source-lines.ts';

const riskOfGroup: Record<string, Risk> = {
  Read: 'read',
  Control: 'control',
  Disruptive: 'disruptive',
  Destructive: 'destructive',
};

/** Risk by action name, or what is wrong with the schema. */
export function actionRisks(schema: PolicyFile, cedar: Cedar): { risks: Map<string, Risk>; problems: string[] } {
  const risks = new Map<string, Risk>();
  const answer = cedar.call(api => api.schemaToJson(schema.text));
  if (answer.type === 'failure') return { risks, problems: answer.errors.map(error => placed(error, schema)) };
  const actions = answer.json.Fleet?.actions ?? {};
  const problems = Object.keys(riskOfGroup)
    .filter(group => !actions[group])
    .map(group => `${schema.name}: the action group Fleet::Action::"${group}" is missing`);
  for (const [name, { memberOf = [] }] of Object.entries(actions)) {
    if (Object.hasOwn(riskOfGroup, name)) continue;
    const [risk, ...more] = memberOf.flatMap(({ id }) => riskOfGroup[id] ?? []);
    if (!risk || more.length > 0) problems.push(`${schema.name}: the action ${name} must be in exactly one risk group`);
    else risks.set(name, risk);
  }
  return { risks, problems };
}
