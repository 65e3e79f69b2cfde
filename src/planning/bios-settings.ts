/**
 * What may be set on a server's BIOS, judged by its own registry before
 * anything is sent. BMCs refuse wrong values with hardly a word, or drop them
 * in silence. Pure.
 */
import {
  type BiosAttribute,
  type BiosChange,
  type BiosCondition,
  type BiosRegistry,
  type BiosValue,
  showBios,
} from '../core/bios.ts';
import { FleetError } from '../core/errors.ts';
import { nearest } from './nearest.ts';

export type BiosRequest = {
  registry: BiosRegistry;
  active: Record<string, BiosValue>;
  /** `Name=value` each, as people write them. */
  settings: string[];
};

export type CheckedBios = {
  changes: BiosChange[];
  /** `Name = value` of what the registry says that the firmware sets by itself then. */
  follows: string[];
};

type Judged = { change: BiosChange } | { wrong: string };
type Parsed = { value: BiosValue } | { wrong: string };

/**
 * What is asked for and not so yet. Throws `invalid_input` that says of each setting what was expected, and
 * `precondition_failed` when all is so already.
 */
export function checkBios(request: BiosRequest): CheckedBios {
  const wanted = new Map<string, BiosChange>();
  const problems: string[] = [];
  for (const setting of request.settings) {
    const { name, text } = split(setting);
    const attribute = request.registry.attributes.find(each => each.name === name);
    const judged = attribute ? judge(attribute, request.active, text) : { wrong: noneOf(request, name) };
    if ('wrong' in judged) problems.push(judged.wrong);
    else if (wanted.has(name)) problems.push(`${name} is set twice`);
    else wanted.set(name, judged.change);
  }
  const changes = [...wanted.values()].filter(({ from, to }) => from !== to);
  const changed = changes.map(({ attribute }) => attribute);
  const after = { ...request.active };
  for (const { attribute, to } of changes) after[attribute] = to;
  for (const name of changed) problems.push(...obstacles(request.registry, name, after));
  if (problems.length > 0)
    throw new FleetError({
      code: 'invalid_input',
      message: `nothing was planned: ${problems.join('; ')}`,
      hint: 'names and values are those of the BIOS attribute registry that the server itself serves',
    });
  if (changes.length === 0)
    throw new FleetError({ code: 'precondition_failed', message: 'the BIOS has these settings already' });
  return { changes, follows: follows(request.registry, changed, after) };
}

function split(setting: string): { name: string; text: string } {
  const at = setting.indexOf('=');
  if (at > 0) return { name: setting.slice(0, at).trim(), text: setting.slice(at + 1) };
  throw new FleetError({
    code: 'invalid_input',
    message: `${JSON.stringify(setting.slice(0, 80))} is no setting`,
    hint: 'write each as Name=value',
  });
}

function noneOf({ registry, active }: BiosRequest, name: string): string {
  const names = registry.attributes.map(each => each.name).filter(each => each in active);
  const near = nearest(name, names);
  const known = near.length > 0 ? `did you mean ${near.slice(0, 5).join(', ')}?` : `it has ${names.length} others`;
  return `there is no BIOS attribute ${JSON.stringify(name.slice(0, 80))} on this server: ${known}`;
}

/** The change, or why it cannot be planned. */
function judge({ name, takes, fixed }: BiosAttribute, active: Record<string, BiosValue>, text: string): Judged {
  if (fixed !== undefined) return { wrong: `${name} is not set here: ${fixed}` };
  if (takes.type === 'password') return { wrong: `${name} is a password: a secret goes into no plan` };
  const from = active[name];
  if (from === undefined) return { wrong: `the server does not show ${name}, so that its change could not be proved` };
  const parsed = parse({ name, takes, now: from }, text);
  return 'wrong' in parsed ? parsed : { change: { attribute: name, from, to: parsed.value } };
}

type Shown = { name: string; takes: Exclude<BiosAttribute['takes'], { type: 'password' }>; now: BiosValue };

/** The value in the type that the BIOS wants, or what was expected instead. */
function parse({ name, takes, now }: Shown, text: string): Parsed {
  const told = JSON.stringify(text.slice(0, 80));
  switch (takes.type) {
    case 'enumeration': {
      const byLabel = !takes.values.includes(String(now)) && takes.labels.includes(String(now));
      const choices = byLabel ? takes.labels : takes.values;
      if (!choices.includes(text)) return { wrong: `${name} takes ${listed(choices)}, not ${told}` };
      // Some list numbers as text and show them as numbers.
      return { value: typeof now === 'number' ? Number(text) : text };
    }
    case 'integer':
      return parseInteger(name, takes, text);
    case 'string': {
      const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = takes;
      const fits = text.length >= minLength && text.length <= maxLength;
      return fits ? { value: text } : { wrong: `${name} takes ${minLength} to ${maxLength} characters, not ${told}` };
    }
    case 'boolean':
      return /^(true|false)$/.test(text)
        ? { value: text === 'true' }
        : { wrong: `${name} takes true or false, not ${told}` };
    case 'unknown':
      return { wrong: `the registry does not say what ${name} takes` };
  }
}

function listed(values: string[]): string {
  return `${values.slice(0, 20).map(showBios).join(', ')}${values.length > 20 ? ' …' : ''}`;
}

function parseInteger(
  name: string,
  { lower, upper, step }: Extract<BiosAttribute['takes'], { type: 'integer' }>,
  text: string,
): Parsed {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  const inside = value >= (lower ?? -Infinity) && value <= (upper ?? Infinity);
  const onStep = !step || (value - (lower ?? 0)) % step === 0;
  if (inside && onStep) return { value };
  const range = `${lower ?? 'any'} to ${upper ?? 'any'}${step && step > 1 ? ` in steps of ${step}` : ''}`;
  return { wrong: `${name} takes a whole number from ${range}, not ${JSON.stringify(text.slice(0, 80))}` };
}

const words = { readOnly: 'is read-only', grayedOut: 'cannot be set', hidden: 'has no effect' } as const;

/** Why an attribute cannot be set while all attributes are as they would be then. */
function obstacles(
  { attributes, dependencies }: BiosRegistry,
  name: string,
  after: Record<string, BiosValue>,
): string[] {
  const attribute = attributes.find(each => each.name === name);
  return (['readOnly', 'grayedOut', 'hidden'] as const).flatMap(state => {
    const ruling = dependencies.findLast(
      each => each.attribute === name && each.becomes === state && holds(each.when, after),
    );
    if (!(ruling ? ruling.so : attribute?.[state])) return [];
    return [`${name} ${words[state]}${ruling ? ` while ${ruling.when.map(told).join(' ')}` : ''}`];
  });
}

function follows({ dependencies }: BiosRegistry, changed: string[], after: Record<string, BiosValue>): string[] {
  const sets = dependencies.filter(
    each =>
      each.becomes === 'value' &&
      each.when.some(condition => changed.includes(condition.attribute)) &&
      each.attribute in after &&
      after[each.attribute] !== each.so &&
      holds(each.when, after),
  );
  return [...new Set(sets.map(each => `${each.attribute} = ${showBios(each.so)}`))];
}

function holds(when: BiosCondition[], values: Record<string, BiosValue>): boolean {
  return when.reduce((so, condition, index) => {
    const here = compare(condition, values[condition.attribute]);
    if (index === 0) return here;
    return condition.joined === 'and' ? so && here : so || here;
  }, false);
}

/** A condition on what the server does not show does not hold. */
function compare({ is, value }: BiosCondition, shown: BiosValue | undefined): boolean {
  if (shown === undefined) return false;
  switch (is) {
    case 'EQU':
      return String(shown) === String(value);
    case 'NEQ':
      return String(shown) !== String(value);
    case 'GTR':
      return Number(shown) > Number(value);
    case 'GEQ':
      return Number(shown) >= Number(value);
    case 'LSS':
      return Number(shown) < Number(value);
    case 'LEQ':
      return Number(shown) <= Number(value);
  }
}

const signs = { EQU: 'is', NEQ: 'is not', GTR: 'is above', GEQ: 'is at least', LSS: 'is below', LEQ: 'is at most' };

function told({ attribute, is, value, joined }: BiosCondition, index: number): string {
  return `${index > 0 ? `${joined} ` : ''}${attribute} ${signs[is]} ${showBios(value)}`;
}
