/**
 * One GET for a gate: short, small, to one place. No redirect is followed, a
 * pinned address is not looked up, and what goes wrong is told in our own
 * words, so that no header, query or text of a server gets into an error.
 */
import { isIP, type LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import type { Secret } from '../../core/secret.ts';

const timeoutMs = 10_000;
const largestAnswer = 1024 * 1024;

export type Door = { ca?: string; address?: string; bearer?: Secret };
export type Answer = { status: number; text: string } | { missing: string };

export type BoundedGet = (url: URL) => Promise<Answer>;

/** Connections are not kept: a gate is asked seldom, and one that is kept would hide that the server is gone. */
export function boundedGet({ ca, address, bearer }: Door): BoundedGet {
  const agent = new Agent({
    pipelining: 0,
    connect: { timeout: timeoutMs, ...(ca ? { ca } : {}), ...(address ? { lookup: pinnedLookup(address) } : {}) },
  });
  return async url => {
    try {
      const { statusCode, body } = await request(url, {
        dispatcher: agent,
        signal: AbortSignal.timeout(timeoutMs),
        headers: { accept: 'application/json', ...(bearer ? { authorization: `Bearer ${bearer.reveal()}` } : {}) },
      });
      const parts: Buffer[] = [];
      let size = 0;
      for await (const part of body) {
        size += part.byteLength;
        if (size > largestAnswer) {
          body.destroy();
          return { missing: `${url.origin} answers more than ${largestAnswer} bytes` };
        }
        parts.push(part);
      }
      return { status: statusCode, text: Buffer.concat(parts).toString('utf8') };
    } catch (thrown) {
      return { missing: `${url.origin} ${whyNot(thrown)}` };
    }
  };
}

function pinnedLookup(address: string): LookupFunction {
  return (_name, options, callback) => {
    const family = isIP(address);
    if (options.all) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };
}

function whyNot(thrown: unknown): string {
  for (let link = thrown; link instanceof Error; link = link.cause) {
    if (link.name === 'TimeoutError') return `gives no answer within ${timeoutMs / 1000} s`;
    const code: unknown = Reflect.get(link, 'code');
    if (code === 'ECONNREFUSED') return 'refuses connections';
    if (typeof code === 'string' && /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code))
      return 'shows a certificate that is not trusted';
  }
  return 'cannot be reached';
}
