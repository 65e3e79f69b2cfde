/** Reads may be repeated: a few tries with growing, jittered pauses, and lists in pages that start over when they expire. */
import { setTimeout as delay } from 'node:timers/promises';
import { FleetError } from '../../core/errors.ts';
import { type CallContext, refusalOf, translate } from './failures.ts';

const tries = 3;
const firstPauseMs = 200;
const longestPauseMs = 5000;
const pageSize = 500;
const listTries = 3;

/**
 * The result of `call`, tried up to three times while the failure may pass; a 429 was waited for by the connection
 * before it comes here. Throws FleetError.
 */
export async function read<T>(context: Omit<CallContext, 'access'>, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (thrown) {
      const error = translate(thrown, { ...context, access: 'read' });
      if (attempt === tries || error.code !== 'cluster_unreachable' || error.retry !== 'later') throw error;
      const { status, retryAfterMs = 0 } = refusalOf(thrown) ?? {};
      if (status === 429) throw error;
      const asked = Math.min(retryAfterMs, longestPauseMs);
      const pause = firstPauseMs * 2 ** (attempt - 1) * (0.5 + Math.random());
      await delay(Math.max(asked, pause));
    }
  }
}

/** Undefined where it is not there. */
export async function foundOrNot<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (thrown) {
    if (thrown instanceof FleetError && thrown.code === 'not_found') return undefined;
    throw thrown;
  }
}

/** The object, once it says that it is of this kind; throws when something else answered with JSON of its own. */
export function ofKind<T extends { kind?: string }>(kind: string, object: T): T {
  if (object?.kind !== kind) throw new Error(`answered with something that is not a ${kind}`);
  return object;
}

type Page<T> = { kind?: string; items: T[]; metadata?: { _continue?: string } };
export type PageCall<T> = (page: { limit: number; _continue?: string }) => Promise<Page<T>>;
export type ListContext = Omit<CallContext, 'access'> & {
  /** Kind of the list, such as `NodeList`. */
  kind: string;
};

/**
 * All items of a list as facts, fetched in pages of 500 so that a big cluster never sits in memory in the client's own
 * types. A list that expires between pages starts over, up to three times.
 */
export async function readList<T, F>(context: ListContext, call: PageCall<T>, toFacts: (item: T) => F): Promise<F[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readPages(context, call, toFacts);
    } catch (thrown) {
      if (refusalOf(causeOf(thrown))?.status !== 410 || attempt === listTries) throw thrown;
    }
  }
}

async function readPages<T, F>(context: ListContext, call: PageCall<T>, toFacts: (item: T) => F): Promise<F[]> {
  const facts: F[] = [];
  let token: string | undefined;
  do {
    const from = token === undefined ? {} : { _continue: token };
    const page = await read(context, async () => ofKind(context.kind, await call({ limit: pageSize, ...from })));
    for (const item of page.items) facts.push(toFacts(item));
    token = page.metadata?._continue || undefined;
  } while (token !== undefined);
  return facts;
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof Error ? thrown.cause : undefined;
}
