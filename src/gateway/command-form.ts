/**
 * A tool as a command line: what the command is called, what it takes, and how
 * an input is written. The CLI and the reference page both follow it, so that
 * what is documented is what is parsed.
 */
import { z } from 'zod';
import type { Tool } from '../core/tool.ts';
import { inputOf } from './gateway.ts';

export type InputField = {
  /** Key of the tool's input. */
  name: string;
  /** `--kebab-case`, without a value. */
  flag: string;
  /** `json` is anything that has no simpler form on a command line. */
  kind: 'text' | 'number' | 'boolean' | 'json';
  /** Takes several values of its kind. */
  repeated: boolean;
  required: boolean;
  /** Place among the positional arguments, undefined for an option. */
  position: number | undefined;
  choices: string[];
  defaultValue: unknown;
  description: string;
};

type JsonSchema = {
  type?: unknown;
  enum?: unknown;
  const?: unknown;
  items?: unknown;
  default?: unknown;
  description?: unknown;
};

/** `get-node-health` of `getNodeHealth`. */
export function commandName(tool: Pick<Tool, 'name'>): string {
  return kebabCase(tool.name);
}

/** The fields of a tool's input, positional ones first and in order. */
export function inputFields(tool: Tool): InputField[] {
  const { properties = {}, required = [] } = z.toJSONSchema(inputOf(tool), { io: 'input', unrepresentable: 'any' });
  const positional: string[] = tool.positional ?? [];
  const fields = Object.entries(properties).map(([name, schema]) =>
    inputField(name, schemaOf(schema), {
      required: required.includes(name),
      position: positional.includes(name) ? positional.indexOf(name) : undefined,
    }),
  );
  const rank = (field: InputField) => field.position ?? positional.length;
  return fields.sort((a, b) => rank(a) - rank(b));
}

/** How a person would type this input, quoted for a POSIX shell. */
export function commandLine(tool: Tool, input: Record<string, unknown>): string {
  const words = inputFields(tool).flatMap(field => {
    const value = input[field.name];
    if (value === undefined || value === field.defaultValue) return [];
    if (field.position !== undefined) return (field.repeated ? asList(value) : [value]).map(wordOf);
    if (field.kind === 'boolean') return [value === true ? field.flag : `--no-${field.flag.slice(2)}`];
    return (field.repeated ? asList(value) : [value]).flatMap(each => [field.flag, wordOf(each)]);
  });
  return ['groundskeeper', commandName(tool), ...words].join(' ');
}

/** What a field takes, for people: `text`, `number, repeatable`, `one of a, b`. */
export function fieldType({ kind, choices, repeated }: InputField): string {
  const one = choices.length > 0 ? `one of ${choices.join(', ')}` : kind === 'json' ? 'JSON' : kind;
  return repeated ? `${one}, repeatable` : one;
}

function inputField(name: string, schema: JsonSchema, place: Pick<InputField, 'required' | 'position'>): InputField {
  const repeated = schema.type === 'array' && kindOf(schemaOf(schema.items)) !== 'json';
  const single = repeated ? schemaOf(schema.items) : schema;
  const values = Array.isArray(single.enum) ? single.enum : single.const !== undefined ? [single.const] : [];
  return {
    name,
    flag: `--${kebabCase(name)}`,
    kind: kindOf(single),
    repeated,
    ...place,
    choices: values.filter(value => typeof value === 'string'),
    defaultValue: schema.default,
    description: typeof schema.description === 'string' ? schema.description : '',
  };
}

function kindOf(schema: JsonSchema): InputField['kind'] {
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type]).filter(type => type !== 'null');
  const [type] = types;
  if (types.length !== 1) return 'json';
  if (type === 'string') return 'text';
  if (type === 'number' || type === 'integer') return 'number';
  return type === 'boolean' ? 'boolean' : 'json';
}

function schemaOf(schema: unknown): JsonSchema {
  return typeof schema === 'object' && schema !== null ? schema : {};
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function wordOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w@%+=:,./…-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]+/g, (capitals, at: number) => `${at > 0 ? '-' : ''}${capitals.toLowerCase()}`);
}
