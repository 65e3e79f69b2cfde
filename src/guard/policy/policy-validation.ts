/** Holds all statements together against the schema, as the evaluator sees them. */
import type { DetailedError, ValidationAnswer } from '@cedar-policy/cedar-wasm/nodejs';
import type { Cedar } from './cedar.ts';
import type { Statement } from './policy-lint.ts';
import { placed } from './source-lines.ts';

/** Cedar says success although it lists errors; warnings count too, since an impossible policy protects nothing. */
export function validationProblems(schema: string, statements: Statement[], cedar: Cedar): string[] {
  // By number, since an `@id` may be missing or used twice.
  const staticPolicies = Object.fromEntries(statements.map(({ text }, index) => [String(index), text]));
  let answer: ValidationAnswer;
  try {
    answer = cedar.call(api =>
      api.validate({ schema, policies: { staticPolicies }, validationSettings: { mode: 'strict' } }),
    );
  } catch {
    return ['the evaluator cannot check these policies'];
  }
  if (answer.type === 'failure') return [...answer.errors, ...answer.warnings].map(error => error.message);
  const byPlace = new Map<string, string[]>();
  for (const { policyId, error } of [...answer.validationErrors, ...answer.validationWarnings]) {
    const key = `${policyId}@${error.sourceLocations?.[0]?.start}`;
    byPlace.set(key, [...(byPlace.get(key) ?? []), describe(statements[Number(policyId)], error)]);
  }
  const found = [...byPlace.values()].map(([first = '', ...more]) => first + timesMore(more.length));
  return [...found, ...answer.otherWarnings.map(error => error.message)];
}

/** One fault is told for every action that it concerns; the first says it all. */
function timesMore(count: number): string {
  return count === 0 ? '' : ` (and ${count} more like it here)`;
}

function describe(statement: Statement | undefined, error: DetailedError): string {
  const message = error.message.replace(/^for policy `\d+`, /, '');
  if (!statement) return message;
  const { file, line, id, text } = statement;
  return placed({ ...error, message: `${id}: ${message}` }, { name: file, text, first: line });
}
