/**
 * An instant query over Prometheus' HTTP API. Only a whole answer of numbers
 * says anything: no series, a NaN, an error or a warning that parts are missing
 * leave the gate shut.
 */
import { z } from 'zod';
import { unreachable } from '../../core/errors.ts';
import type { GateSubject, GateVerdict, PromqlQuestion } from '../../core/gate.ts';
import type { BoundedGet } from './bounded-get.ts';

type Said = Omit<GateVerdict, 'gate'>;

const sample = z.tuple([z.number(), z.string()]);
const answerSchema = z.object({
  status: z.string(),
  errorType: z.string().optional().catch(undefined),
  warnings: z.array(z.unknown()).nullish(),
  data: z
    .discriminatedUnion('resultType', [
      z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: sample })) }),
      z.object({ resultType: z.literal('scalar'), result: sample }),
    ])
    .optional()
    .catch(undefined),
});

/** Prometheus' own names of errors; another word is a stranger's. */
const errorTypes = [
  'timeout',
  'canceled',
  'execution',
  'bad_data',
  'internal',
  'unavailable',
  'not_found',
  'not_acceptable',
];

export async function askPrometheus(
  get: BoundedGet,
  { url, query, expect }: PromqlQuestion,
  subject: GateSubject,
): Promise<Said> {
  const at = new URL(`${url.replace(/\/$/, '')}/api/v1/query`);
  at.searchParams.set('query', queryFor(query, subject));
  const answer = await get(at);
  if ('missing' in answer) return waits(answer.missing);
  const values = valuesOf(answer.text);
  if (typeof values === 'string') return waits(`${at.origin} ${values} (HTTP ${answer.status})`);
  if (answer.status !== 200) return waits(`${at.origin} answers ${answer.status}`);
  const wanted = `${expect.op} ${expect.value}`;
  const off = values.filter(value => !compare(value, expect));
  if (off.length === 0) return { state: 'passed', saw: `${count(values.length, 'value')} ${wanted}: ${list(values)}` };
  return waits(`${off.length} of ${count(values.length, 'value')} not ${wanted}: ${list(off)}`);
}

/** Names of the fleet hold no character that ends a string or a matcher of PromQL. */
function queryFor(query: string, { site, cluster, node = '' }: GateSubject): string {
  const names: Record<string, string> = { $site: site, $cluster: cluster, $node: node };
  return query.replace(/\$(?:site|cluster|node)\b/g, name => names[name] ?? '');
}

/** Not `NaN`, not `+Inf`, and not the empty text, which JavaScript takes for zero. */
const numberForm = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;

/** The numbers, or why there are none. */
function valuesOf(text: string): number[] | string {
  const parsed = answerSchema.safeParse(parseJson(text));
  if (!parsed.success) return 'answers something that is no answer of Prometheus';
  const { status, errorType, warnings, data } = parsed.data;
  if (status !== 'success')
    return `answers an error${errorTypes.includes(errorType ?? '') ? ` of type ${errorType}` : ''}`;
  if (warnings && warnings.length > 0) return 'answers with warnings, so that parts may be missing';
  if (data === undefined) return 'answers neither a vector nor a scalar of numbers';
  const samples = data.resultType === 'scalar' ? [data.result] : data.result.map(({ value }) => value);
  if (samples.length === 0) return 'knows no series of it';
  if (!samples.every(([, value]) => numberForm.test(value))) return 'answers a value that is no number';
  return samples.map(([, value]) => Number(value));
}

function compare(value: number, { op, value: wanted }: PromqlQuestion['expect']): boolean {
  switch (op) {
    case '==':
      return value === wanted;
    case '!=':
      return value !== wanted;
    case '<':
      return value < wanted;
    case '<=':
      return value <= wanted;
    case '>':
      return value > wanted;
    case '>=':
      return value >= wanted;
    default:
      return unreachable(op);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const mostTold = 5;

function list(values: number[]): string {
  const more = values.length > mostTold ? ', …' : '';
  return `${values.slice(0, mostTold).join(', ')}${more}`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

function waits(saw: string): Said {
  return { state: 'waits', saw };
}
