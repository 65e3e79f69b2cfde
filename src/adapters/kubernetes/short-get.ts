/** One GET that answers soon or not at all, for evidence that is asked of many places at once. */
import { type Dispatcher, fetch } from 'undici';

const timeoutMs = 3000;
const largestAnswer = 8 * 1024 * 1024;

export type ShortAnswer = { status: number; text: string };
export type ShortGet = { headers?: Record<string, string>; dispatcher?: Dispatcher | undefined };

/** The answer as text, whatever its status; follows no redirect. Throws the network's own error, or one of ours. */
export async function shortGet(url: string, { headers, dispatcher }: ShortGet = {}): Promise<ShortAnswer> {
  const response = await fetch(url, {
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
    ...(headers === undefined ? {} : { headers }),
    ...(dispatcher === undefined ? {} : { dispatcher }),
  });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.byteLength;
    if (size > largestAnswer) throw new Error('answered too much');
    parts.push(part);
  }
  return { status: response.status, text: Buffer.concat(parts).toString('utf8') };
}

/** Why there was no answer, in our own words. */
export function whyNoAnswer(thrown: unknown): string {
  for (let link = thrown; link instanceof Error; link = link.cause) {
    if (link.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s`;
    const code: unknown = Reflect.get(link, 'code');
    if (code === 'ECONNREFUSED') return 'refuses connections';
    if (typeof code === 'string' && /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code)) {
      return 'shows a certificate that is not trusted';
    }
  }
  return 'cannot be reached';
}
