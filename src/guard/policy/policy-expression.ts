/** Looks into parsed policies: who reads the votes, and which groups are named. */
import type { Clause, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

/** Whether the clause is exactly `unless { context.cleared.contains("<id>") }`. */
export function isOwnClearance(clause: Clause, id: string): boolean {
  const wanted = { contains: { left: { '.': { left: { Var: 'context' }, attr: 'cleared' } }, right: { Value: id } } };
  return clause.kind === 'unless' && sameJson(clause.body, wanted);
}

/** Whether the clause could learn anything of `context.cleared`: by name, or by taking `context` as a whole. */
export function readsClearance(clause: Clause): boolean {
  return reads(clause.body);
}

function reads(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(reads);
  if (!isRecord(node)) return false;
  if (node.Var === 'context') return true;
  return Object.entries(node).some(([key, value]) => {
    if ((key !== '.' && key !== 'has') || !isRecord(value)) return reads(value);
    const attributes = Array.isArray(value.attr) ? value.attr : [value.attr];
    if (attributes.includes('cleared')) return true;
    const ofContext = isRecord(value.left) && value.left.Var === 'context';
    return !ofContext && reads(value.left);
  });
}

/** Ids of all `Fleet::Group` entities that the policy mentions, in its scope or its clauses. */
export function groupsNamed(json: PolicyJson): string[] {
  return [...new Set(groupsIn([json.principal, json.resource, json.conditions]))];
}

function groupsIn(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(groupsIn);
  if (!isRecord(node)) return [];
  const own = node.type === 'Fleet::Group' && typeof node.id === 'string' ? [node.id] : [];
  return [...own, ...Object.values(node).flatMap(groupsIn)];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sameJson(a: unknown, b: unknown): boolean {
  if (!isRecord(a) || !isRecord(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key) && sameJson(a[key], b[key]));
}
