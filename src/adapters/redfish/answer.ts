/**
 * What an answer says, whatever it looks like: JSON that is sniffed before it
 * is parsed, the machine's own explanation of a refusal, and paths that are
 * safe to print. Messages made here hold no text that a machine chose.
 */
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import { list, nullish } from './schema.ts';
import type { WireAnswer } from './transport.ts';

/** An HTTP status that is not success, on a read. */
export class BmcStatus extends FleetError {
  readonly status: number;

  constructor(where: string, status: number, untrusted?: string) {
    const busy = status >= 500 || status === 429;
    super({
      code: status === 404 ? 'not_found' : busy ? 'bmc_unreachable' : 'bmc_refused',
      retry: busy ? 'later' : 'never',
      message: `${where} answered ${status}${busy ? ': the BMC is busy or starting' : ''}`,
      hint: busy ? 'Try again in a minute.' : undefined,
      untrusted,
    });
    this.status = status;
  }
}

/** The parsed body. Throws bmc_protocol when it is a web page, empty, or not JSON. */
export function parseBody(answer: WireAnswer, where: string): unknown {
  const text = answer.bytes.toString('utf8').trim();
  if (text === '') throw protocolError(`${where} answered ${answer.status} with an empty body`);
  if (text.startsWith('<')) {
    throw protocolError(
      `${where} answered ${answer.status} with a web page instead of JSON`,
      'Check that the URL names the BMC itself and that Redfish is enabled on it.',
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const untrusted = cause instanceof Error ? cause.message.slice(0, 300) : undefined;
    throw new FleetError({
      code: 'bmc_protocol',
      message: `${where} answered with invalid JSON`,
      hint: 'A newer BMC firmware may answer correctly.',
      untrusted,
      cause,
    });
  }
}

export function protocolError(message: string, hint?: string): FleetError {
  return new FleetError({ code: 'bmc_protocol', message, hint });
}

const extended = z.object({
  MessageId: nullish(z.string()),
  Message: nullish(z.string()),
  MessageArgs: nullish(z.array(z.union([z.string(), z.number(), z.null()]))),
});
const errorBody = z.object({
  error: z.object({
    message: nullish(z.string()),
    '@Message.ExtendedInfo': list(extended),
  }),
});

/** What the machine says of a refusal: its message ids, and its own words (untrusted, at most 500 characters). */
export function explanation(answer: WireAnswer): { ids: string[]; text: string } {
  const raw = answer.bytes.toString('utf8').trim();
  let body: unknown;
  try {
    body = JSON.parse(raw);
  } catch {
    return { ids: [], text: raw.startsWith('<') ? 'a web page' : raw.slice(0, 500) };
  }
  const parsed = errorBody.safeParse(body);
  if (!parsed.success) return { ids: [], text: raw.slice(0, 500) };
  const messages = parsed.data.error['@Message.ExtendedInfo'];
  const words = messages.map(each => each.Message ?? each.MessageId).filter(each => each != null);
  return {
    ids: messages.map(each => each.MessageId).filter(each => each != null),
    text: (words.length > 0 ? words.join(' ') : (parsed.data.error.message ?? '')).slice(0, 500),
  };
}

/** True for the error document that some BMCs send with status 200. */
export function isErrorDocument(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'error' in body && !('@odata.id' in body);
}

/** A path for messages: links come from machines, so what could break out of a message is replaced. */
export function showPath(path: string): string {
  return path.replace(/[^A-Za-z0-9._~/:%()=$?&,+-]/g, '_').slice(0, 200);
}
