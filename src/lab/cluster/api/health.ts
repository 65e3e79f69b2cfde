/** `/livez`, `/readyz` and `/healthz`: the API server's checks of itself, each readable by its own name. */
import type { Answer } from './request.ts';

/** What is wrong, or undefined when all is well. */
type Check = () => string | undefined;

export type HealthOptions = { etcd: Check };

const endpoints: Record<string, string[]> = {
  livez: ['ping', 'log', 'etcd'],
  readyz: ['ping', 'log', 'etcd', 'etcd-readiness', 'informer-sync', 'shutdown'],
  healthz: ['ping', 'log', 'etcd'],
};

/** The answer to a health path, or undefined when the path is none. */
export function healthAnswer(path: string, query: URLSearchParams, { etcd }: HealthOptions): Answer | undefined {
  const [, endpoint = '', wanted] = /^\/(livez|readyz|healthz)(?:\/([a-z-]+))?$/.exec(path) ?? [];
  const names = endpoints[endpoint];
  if (names === undefined) return undefined;
  const problemOf = (name: string) => (name.startsWith('etcd') ? etcd() : undefined);
  if (wanted !== undefined) {
    if (!names.includes(wanted)) return { status: 404, body: '404 page not found\n' };
    const problem = problemOf(wanted);
    return problem === undefined
      ? { status: 200, body: 'ok' }
      : { status: 500, body: `internal server error: ${problem}\n` };
  }
  const excluded = query.getAll('exclude');
  const checked = names.map(name => ({ name, out: excluded.includes(name), bad: problemOf(name) !== undefined }));
  const failed = checked.some(({ out, bad }) => bad && !out);
  if (!failed && !query.has('verbose')) return { status: 200, body: 'ok' };
  const lines = checked.map(({ name, out, bad }) => {
    if (out) return `[+]${name} excluded: ok`;
    return bad ? `[-]${name} failed: reason withheld` : `[+]${name} ok`;
  });
  const verdict = `${endpoint} check ${failed ? 'failed' : 'passed'}`;
  return { status: failed ? 500 : 200, body: `${lines.join('\n')}\n${verdict}\n` };
}
