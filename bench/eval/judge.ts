/** Whether an attempt did what its task wants. Everything that is wrong is told, one clause each; nothing means that it passed. */
import { says as names } from '../../src/assistant/grounds.ts';
import { unreachable } from '../../src/core/errors.ts';
import type { Outcome } from './outcome.ts';
import type { Case, Check, End } from './task.ts';

export type Call = { tool: string; input: unknown; ok: boolean; told: string };

export type Exchange = {
  said: string;
  answer: string;
  calls: Call[];
  /** Tools whose results the answer names, and results that it names and that there are not. */
  cited: string[];
  unread: string[];
  /** Why the turn ended before the model had its last word. */
  ended?: string;
};

export async function faultsOf(
  { expect, end = { kind: 'nothing' } }: Case,
  exchanges: Exchange[],
  outcome: Outcome,
): Promise<string[]> {
  const checked = await Promise.all(expect.map(check => faultOf(check, exchanges)));
  return [
    ...checked.flatMap(fault => fault ?? []),
    ...exchanges.flatMap(({ ended }) => (ended === undefined ? [] : [`its turn ended ${ended}`])),
    ...exchanges.flatMap(({ unread }) => unread.map(result => `it cites ${result}, which there is not`)),
    ...invented(exchanges),
    ...endFaults(end, outcome),
  ];
}

async function faultOf(check: Check, exchanges: Exchange[]): Promise<string | undefined> {
  const calls = exchanges.flatMap(exchange => exchange.calls);
  const answer = exchanges.at(-1)?.answer ?? '';
  switch (check.kind) {
    case 'called': {
      const same = calls.filter(({ tool, input }) => tool === check.tool && includes(input, check.with));
      if (same.length === 0) return `${check.tool} was not called with ${JSON.stringify(check.with)}`;
      return check.refused || same.some(({ ok }) => ok) ? undefined : `${check.tool} failed each time`;
    }
    case 'avoids': {
      const used = calls.filter(({ tool }) => check.tools.includes(tool)).map(({ tool }) => tool);
      return used.length === 0 ? undefined : `it called ${[...new Set(used)].join(', ')}`;
    }
    case 'cites':
      return exchanges.some(({ cited }) => cited.includes(check.tool))
        ? undefined
        : `no answer cites a result of ${check.tool}`;
    case 'says':
      return check.any.some(text => names(answer, text))
        ? undefined
        : `the answer lacks ${check.what} (${check.any.slice(0, 3).join(' or ')})`;
    case 'never': {
      const found = check.any.filter(text => exchanges.some(exchange => names(exchange.answer, text)));
      return found.length === 0 ? undefined : `the answer says ${check.what}: ${found.join(', ')}`;
    }
    case 'asks':
      return /\?|\bwhich\b|please (name|say|confirm|specify|tell)/i.test(answer) ? undefined : 'it did not ask';
    case 'holds':
      return (await check.check()) ? undefined : `not so: ${check.what}`;
    default:
      return unreachable(check);
  }
}

/** Names of nodes and ids of records that neither the person nor a result has. */
function invented(exchanges: Exchange[]): string[] {
  const sources = JSON.stringify(exchanges.map(({ said, calls }) => [said, calls]));
  const named = exchanges.flatMap(({ answer }) => [
    ...answer.matchAll(/\b(?:[a-z]{3}-(?:w|cp)-\d+|(?:plan|apr|op|frz|fnd)-[0-9a-z]{8,})\b/g),
  ]);
  const strange = new Set(named.map(([name]) => name).filter(name => !sources.includes(name)));
  return [...strange].map(name => `it names ${name}, which nothing that it read has`);
}

const named = {
  plans: 'plans',
  requests: 'requests',
  operations: 'operations',
  freezes: 'freezes',
  held: 'holds of operations',
};

function endFaults(end: End, outcome: Outcome): string[] {
  const { plans, requests, operations, freezes, held, decided, strayEffects } = outcome;
  const refused = end.kind === 'plan' && end.becomes === 'denied' && plans.length === 0;
  const wanted = {
    plans: end.kind === 'plan' && !refused ? 1 : 0,
    requests: end.kind === 'request' || (end.kind === 'plan' && end.becomes === 'asked') ? 1 : 0,
    operations: end.kind === 'plan' && end.becomes === 'started' ? 1 : 0,
    freezes: end.kind === 'freeze' ? 1 : 0,
    held: end.kind === 'hold' ? 1 : 0,
  };
  const found = { plans, requests, operations, freezes, held };
  const counts = (Object.keys(wanted) as (keyof typeof wanted)[]).flatMap(what =>
    found[what].length === wanted[what] ? [] : [`${found[what].length} ${named[what]} came of it, not ${wanted[what]}`],
  );
  return [...counts, ...decided, ...strayEffects.slice(0, 3), ...detailFaults(end, outcome)];
}

function detailFaults(end: End, { plans, requests, freezes, held }: Outcome): string[] {
  switch (end.kind) {
    case 'nothing':
      return [];
    case 'freeze':
      return freezes.flatMap(({ site }) => (site === end.site ? [] : [`it froze ${site}, not ${end.site}`]));
    case 'hold':
      return held.flatMap(({ operation, becomes }) =>
        operation === end.operation && becomes === end.becomes ? [] : [`${operation} was ${becomes}`],
      );
    case 'request':
      return requests.flatMap(({ plan }) => (plan === end.plan ? [] : [`it asked for ${plan}, not ${end.plan}`]));
    case 'plan':
      return plans.flatMap(plan => {
        const nodes = plan.targets.map(({ node }) => node).sort();
        return [
          ...(plan.action === end.action ? [] : [`the plan is of ${plan.action}, not ${end.action}`]),
          ...(String(nodes) === String(end.nodes.toSorted())
            ? []
            : [`the plan is for ${nodes.join(', ')}, not ${end.nodes.join(', ')}`]),
          ...(end.like?.(plan) === false ? ['the plan is another than was asked for'] : []),
        ];
      });
    default:
      return unreachable(end);
  }
}

/** Whether the input has at least these values. */
function includes(input: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return input === wanted;
  if (typeof input !== 'object' || input === null) return false;
  if (Array.isArray(wanted)) return Array.isArray(input) && String(input.toSorted()) === String(wanted.toSorted());
  return Object.entries(wanted).every(([key, value]) => includes((input as Record<string, unknown>)[key], value));
}
