/**
 * What an answer says, whatever it looks like: JSON that is sniffed before it
 * is parsed, the machine's own explanation of a refusal, and paths that are
 * safe to print. Messages made here hold no text that a machine chose.
 */
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import { says } from './messages.ts';
import { list, nullish } from './schema.ts';
import type { WireAnswer } from './transport.ts';

/** An HTTP status that is not success, on a read. */
export class BmcStatus extends FleetError {
  readonly status: number;
  readonly messageIds: string[];

  constructor(where: string, answer: WireAnswer) {
    const { status } = answer;
    const { ids, text } = explanation(answer);
    const busy = status >= 500 || status === 429;
    const unlicensed = status === 403 && says(ids, 'unlicensed');
    const why = busy ? ': the BMC is busy or starting' : unlicensed ? ': the BMC has no licence for it' : '';
    super({
      code: status === 404 ? 'not_found' : busy ? 'bmc_unreachable' : 'bmc_refused',
      retry: busy ? 'later' : 'never',
      message: `${where} answered ${status}${why}`,
      hint: busy ? `Try again in ${Math.ceil(askedMs(answer) / 1000) || 60} s.` : undefined,
      untrusted: text,
    });
    this.status = status;
    this.messageIds = ids;
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

type Explanation = {
  ids: string[];
  /** The machine's own words: untrusted, at most 500 characters. */
  text: string;
  /** What it fills its words with. */
  args: string[];
};

/** What the machine says of a refusal. */
export function explanation(answer: WireAnswer): Explanation {
  const raw = answer.bytes.toString('utf8').trim();
  let body: unknown;
  try {
    body = JSON.parse(raw);
  } catch {
    return { ids: [], text: raw.startsWith('<') ? 'a web page' : raw.slice(0, 500), args: [] };
  }
  const parsed = errorBody.safeParse(body);
  if (!parsed.success) return { ids: [], text: raw.slice(0, 500), args: [] };
  const messages = parsed.data.error['@Message.ExtendedInfo'];
  const words = messages.map(each => each.Message ?? each.MessageId).filter(each => each != null);
  return {
    ids: messages.map(each => each.MessageId).filter(each => each != null),
    text: (words.length > 0 ? words.join(' ') : (parsed.data.error.message ?? '')).slice(0, 500),
    args: messages.flatMap(each => each.MessageArgs ?? []).map(String),
  };
}

/** Milliseconds that the BMC asks us to wait, in the header or, as Dell does, in a message or its arguments; 0 where it does not. */
export function askedMs(answer: WireAnswer): number {
  const header = Number(answer.header('retry-after'));
  if (Number.isFinite(header) && header > 0) return header * 1000;
  if (answer.status < 400) return 0;
  const { ids, text, args } = explanation(answer);
  if (!says(ids, 'not-now')) return 0;
  const seconds = [...args, text].map(each => /\b(\d{1,4})\b/.exec(each)?.[1]).find(each => each !== undefined);
  return Number(seconds ?? 0) * 1000;
}

/** True for the error document that some BMCs send with status 200. */
export function isErrorDocument(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'error' in body && !('@odata.id' in body);
}

/** A path for messages: links come from machines, so what could break out of a message is replaced. */
export function showPath(path: string): string {
  return path.replace(/[^A-Za-z0-9._~/:%()=$?&,+-]/g, '_').slice(0, 200);
}
