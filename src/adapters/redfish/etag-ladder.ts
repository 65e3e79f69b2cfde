/** What a write may carry as its ETag: which form a BMC wants, no two vendors agree on. */
import { parseBody } from './answer.ts';
import type { WireAnswer } from './transport.ts';

/** The ETag of the header, of the body, each as a strong one, and none; the first is sent first. */
export function etagLadder(answer: WireAnswer): (string | undefined)[] {
  const body: unknown = parseBody(answer, 'the resource');
  const inBody = typeof body === 'object' && body !== null && '@odata.etag' in body ? body['@odata.etag'] : undefined;
  const given = [answer.header('etag'), inBody].filter(etag => typeof etag === 'string' && etag !== '') as string[];
  return [...new Set([...given, ...given.map(etag => etag.replace(/^W\//, '')), undefined])];
}
