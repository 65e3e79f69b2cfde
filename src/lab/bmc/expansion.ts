/** `$expand`: resources in place of the links to them, as deep as was asked for and the vendor goes. */
import type { Body } from './reply.ts';
import type { Resources } from './resources/tree.ts';

/** Levels of a `$expand` value such as `.($levels=2)`; 0 without one. Never more than `most`. */
export function levelsOf(expand: string | null, most: number): number {
  if (expand === null) return 0;
  const asked = /\(\$levels=(\d+)\)$/.exec(expand)?.[1] ?? '1';
  return Math.min(Number(asked), most);
}

/** Replaces every link outside `Links`. What is linked but not there stays a link. */
export function expanded(tree: Resources, body: Body, levels: number): Body {
  if (levels === 0) return body;
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => [key, asides.has(key) ? value : opened(tree, value, levels)]),
  );
}

/** What names other resources without being their place in the tree. */
const asides = new Set(['Links', 'Oem', 'RelatedItem']);

function opened(tree: Resources, value: unknown, levels: number): unknown {
  if (Array.isArray(value)) return value.map(inner => opened(tree, inner, levels));
  if (!isBody(value)) return value;
  const { '@odata.id': uri } = value;
  if (Object.keys(value).length !== 1 || typeof uri !== 'string') return expanded(tree, value, levels);
  const render = tree[uri];
  return render === undefined ? value : expanded(tree, render(), levels - 1);
}

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null;
}
