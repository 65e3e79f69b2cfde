/** A plain HTTPS check: the status that was asked for, and where wanted one value in the JSON of the answer. */
import type { GateVerdict, HttpsQuestion } from '../../core/gate.ts';
import type { BoundedGet } from './bounded-get.ts';

export async function askHttps(
  get: BoundedGet,
  { url, expectStatus, json }: HttpsQuestion,
): Promise<Omit<GateVerdict, 'gate'>> {
  const at = new URL(url);
  const answer = await get(at);
  if ('missing' in answer) return { state: 'waits', saw: answer.missing };
  if (answer.status !== expectStatus)
    return { state: 'waits', saw: `${at.origin} answers ${answer.status}, not ${expectStatus}` };
  if (!json) return { state: 'passed', saw: `${at.origin} answers ${expectStatus}` };
  // What stands there instead is a stranger's text.
  const wanted = `${json.path} ${JSON.stringify(json.equals)}`;
  return valueAt(answer.text, json.path) === json.equals
    ? { state: 'passed', saw: `${at.origin} answers ${wanted}` }
    : { state: 'waits', saw: `${at.origin} does not answer ${wanted}` };
}

/** Undefined where there is nothing, and where the text is no JSON. */
function valueAt(text: string, path: string): unknown {
  try {
    return path.split('.').reduce<unknown>(step, JSON.parse(text));
  } catch {
    return undefined;
  }
}

function step(from: unknown, key: string): unknown {
  return typeof from === 'object' && from !== null && Object.hasOwn(from, key) ? Reflect.get(from, key) : undefined;
}
