/**
 * Where the values of a change may come from. A node's name in a BMC's log is
 * no wish of anybody: what a change is asked for with was said by the person,
 * or stands in an answer of ours. What a machine or a stranger wrote as well
 * may be why the model chose it, so that the person has to say it. A number, and a
 * switch that widens or sharpens what is done, has its ground in the person's words alone.
 */
import { z } from 'zod';
import type { ModelMessage } from '../core/model.ts';
import { inputNeeds, type Need } from '../core/switches.ts';
import type { Phrases, Tool } from '../core/tool.ts';
import { inputOf } from '../gateway/gateway.ts';
import { hasPhrase } from './asked.ts';
import { type ToolResult, unfenced } from './result-text.ts';

/** By whom texts of a conversation are: the person, us, and machines or strangers whom we quote. */
export type Grounds = { said: string[]; told: string[]; quoted: string[] };

export function groundsOf(messages: ModelMessage[]): Grounds {
  const results = messages.flatMap(message =>
    message.role === 'result' ? [JSON.parse(message.text) as ToolResult] : [],
  );
  return {
    said: messages.flatMap(message => (message.role === 'person' ? [message.text] : [])),
    told: results.flatMap(({ answer, failed }) => (failed ? [] : [unfenced(answer).own])),
    quoted: results.flatMap(({ answer, quoted = [] }) => [
      ...unfenced(answer).foreign,
      ...quoted.flatMap(({ data }) => data),
    ]),
  };
}

/** `asked`: the phrases of which the person has to say one, of a switch or choice that needs them; none where nothing lets a model set it. */
type Value = { path: string; value: string | number | boolean; asked?: Phrases };

/** Every value of the input that has no ground, with the place where it stands; choices that the tool itself offers are ours, as are defaults. */
export function groundless(tool: Tool, input: unknown, grounds: Grounds): Value[] {
  const schema = z.toJSONSchema(inputOf(tool), { io: 'input', metadata: inputNeeds });
  return valuesIn(input, '', schema as Shape).filter(value => !hasGround(value, grounds));
}

function hasGround({ value, asked }: Value, { said, told, quoted }: Grounds): boolean {
  if (asked) return said.some(text => asked.some(phrase => hasPhrase(text, phrase)));
  const stands = (texts: string[]) => texts.some(text => says(text, String(value)));
  return stands(said) || (typeof value === 'string' && stands(told) && !stands(quoted));
}

/** Whether the text has this value as a word of its own, not as a part of a longer name. */
export function says(text: string, value: string): boolean {
  const wanted = folded(value);
  if (wanted === '') return true;
  const within = folded(text);
  for (let at = within.indexOf(wanted); at !== -1; at = within.indexOf(wanted, at + 1)) {
    const before = within.slice(0, at);
    const after = within.slice(at + wanted.length);
    if (!/[\p{L}\p{N}_-]$|[\p{L}\p{N}_-][./:]$/u.test(before) && !/^[\p{L}\p{N}_-]|^[./:][\p{L}\p{N}_-]/u.test(after))
      return true;
  }
  return false;
}

type Shape = Need & {
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Shape[];
  items?: Shape;
  properties?: Record<string, Shape>;
  additionalProperties?: Shape | boolean;
};

function valuesIn(value: unknown, path: string, shape: Shape | undefined): Value[] {
  if (typeof value === 'string' && choicesOf(shape).includes(value)) {
    const asked = shape?.choices?.[value];
    return asked ? [{ path, value, asked }] : [];
  }
  if (typeof value === 'boolean' || typeof value === 'number') {
    if (value === shape?.default || shape?.needs === 'nothing') return [];
    const asked = shape?.needs ?? (typeof value === 'boolean' ? [] : undefined);
    return [{ path: path || 'input', value, ...(asked && { asked }) }];
  }
  if (typeof value === 'string') return [{ path: path || 'input', value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => valuesIn(item, `${path}[${index}]`, shape?.items));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const known = shape?.properties?.[key];
    const rest = typeof shape?.additionalProperties === 'object' ? shape.additionalProperties : undefined;
    const named = known === undefined ? [{ path: path || 'input', value: key }] : [];
    return [...named, ...valuesIn(item, path === '' ? key : `${path}.${key}`, known ?? rest)];
  });
}

function choicesOf(shape: Shape | undefined): unknown[] {
  if (shape === undefined) return [];
  return [...(shape.enum ?? []), ...('const' in shape ? [shape.const] : []), ...(shape.anyOf ?? []).flatMap(choicesOf)];
}

function folded(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim();
}
