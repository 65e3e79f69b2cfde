/**
 * Slack's Web API as we use it. Bolt's own clients send again what may have
 * been done, and post it twice; here each call is sent once, waits as long as
 * Slack says before it is let through, and ends as known, refused, not sent, or
 * ambiguous. What is posted carries a key, by which it is found again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { webApi } from '@slack/bolt';
import { FleetError } from '../../core/errors.ts';
import { silentLogger } from './silent-logger.ts';

export type Message = { text: string; blocks: readonly object[] };
export type Place = { channel: string; thread?: string };

export type SlackClient = {
  /** Throws SlackRefusal, `service_unreachable` where it was not sent, and `ambiguous` where it may have been done. */
  call(method: string, args: object): Promise<Record<string, unknown>>;
  /** Answers the message's timestamp, which is its name in the channel; throws as `call` does. */
  post(place: Place, message: Message, key: string): Promise<string>;
  update(channel: string, at: string, message: Message): Promise<void>;
  /** The app's own user; a message of another app may carry the same words. */
  self(): Promise<string>;
  /** Messages there with what was posted along with them: in a channel the newest first, in a thread the oldest. At most 1,000. */
  messages(place: Place): AsyncGenerator<Posted>;
  /** Of those the one of ours that was posted with this key: another app may post the same. */
  find(place: Place, key: string): Promise<string | undefined>;
  /** Posts it and does not give up while Slack is away; what may stand there already is looked for first. */
  postSurely(place: Place, message: Message, key: string): Promise<string>;
};

export type Posted = {
  ts: string;
  user?: string;
  files?: { name?: string }[];
  metadata?: { event_type?: string; event_payload?: Record<string, unknown> };
};

/** Slack understood, and did nothing. `error` is its word for why. */
export class SlackRefusal extends FleetError {
  readonly error: string;

  constructor(method: string, error: string) {
    super({ code: 'precondition_failed', message: `Slack refused ${method}: ${error}` });
    this.error = error;
  }
}

export type SlackClientOptions = {
  token: string;
  apiUrl: string;
  signal: AbortSignal;
  /** Milliseconds between looks for a message: Slack may show one some seconds after it took it. */
  lookMs?: number;
};

const timeoutMs = 15_000;
/** After so long the words are old, and whoever waited has asked again. */
const patienceMs = 15 * 60_000;
const looks = 5;
const [pageSize, mostPages] = [100, 10];
const event_type = 'groundskeeper_post';
const notSent = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/;

export function slackClient({ token, apiUrl, signal, lookMs = 2_000 }: SlackClientOptions): SlackClient {
  const web = new webApi.WebClient(token, {
    slackApiUrl: apiUrl,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: timeoutMs,
    logger: silentLogger,
  });
  /** When Slack lets the next call of a kind through. */
  const closedUntil = new Map<string, number>();

  let self: Promise<string> | undefined;

  const client: SlackClient = {
    async call(method, args) {
      const kind = 'channel' in args ? `${method} ${args.channel}` : method;
      const giveUp = Date.now() + patienceMs;
      for (;;) {
        await delay(Math.max(0, (closedUntil.get(kind) ?? 0) - Date.now()), undefined, { signal });
        try {
          return { ...(await web.apiCall(method, { ...args })) };
        } catch (thrown) {
          if (!(thrown instanceof webApi.WebAPIRateLimitedError) || Date.now() > giveUp)
            throw failureOf(method, thrown);
          closedUntil.set(kind, Date.now() + thrown.retryAfter * 1000);
        }
      }
    },
    async post({ channel, thread }, message, key) {
      const { ts } = await client.call('chat.postMessage', {
        channel,
        ...message,
        ...(thread !== undefined && { thread_ts: thread }),
        metadata: { event_type, event_payload: { key } },
        unfurl_links: false,
        unfurl_media: false,
      });
      return String(ts);
    },
    async update(channel, at, message) {
      await client.call('chat.update', { channel, ts: at, ...message });
    },
    self() {
      self ??= client.call('auth.test', {}).then(({ user_id }) => String(user_id));
      self.catch(() => {
        self = undefined;
      });
      return self;
    },
    async *messages({ channel, thread }) {
      const wanted = { channel, limit: pageSize, include_all_metadata: true, ...(thread && { ts: thread }) };
      let cursor = '';
      for (let page = 0; page < mostPages; page += 1) {
        const method = thread === undefined ? 'conversations.history' : 'conversations.replies';
        const answer = await client.call(method, { ...wanted, ...(cursor && { cursor }) });
        yield* answer.messages as Posted[];
        cursor = (answer.response_metadata as { next_cursor?: string } | undefined)?.next_cursor ?? '';
        if (!answer.has_more || cursor === '') return;
      }
    },
    async find(place, key) {
      const ours = await client.self();
      for await (const { ts, user, metadata } of client.messages(place))
        if (user === ours && metadata?.event_payload?.key === key) return ts;
      return undefined;
    },
    async postSurely(place, message, key) {
      let mayStand = false;
      return surely(signal, async () => {
        for (let look = 0; mayStand && look < looks; look += 1) {
          if (look > 0) await delay(lookMs, undefined, { signal });
          const standing = await client.find(place, key);
          if (standing !== undefined) return standing;
        }
        return client.post(place, message, key).catch((thrown: unknown) => {
          mayStand = thrown instanceof FleetError && thrown.code === 'ambiguous';
          throw thrown;
        });
      });
    },
  };
  return client;
}

/** Tries what may be done twice until Slack takes or refuses it; throws the last failure after `forMs`, a quarter of an hour unless given. */
export async function surely<T>(signal: AbortSignal, attempt: () => Promise<T>, forMs = patienceMs): Promise<T> {
  const giveUp = Date.now() + forMs;
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 30_000)) {
    try {
      return await attempt();
    } catch (thrown) {
      if (!mayPass(thrown) || Date.now() + waitMs > giveUp) throw thrown;
      await delay(waitMs, undefined, { signal });
    }
  }
}

/** Slack was away, and may not be the next time. */
export function mayPass(thrown: unknown): boolean {
  return thrown instanceof FleetError && (thrown.code === 'service_unreachable' || thrown.code === 'ambiguous');
}

function failureOf(method: string, thrown: unknown): FleetError {
  if (thrown instanceof webApi.WebAPIPlatformError) return new SlackRefusal(method, thrown.data.error);
  const sent = !(thrown instanceof webApi.WebAPIRequestError && notSent.test(codeOf(thrown.original)));
  return new FleetError({
    code: sent ? 'ambiguous' : 'service_unreachable',
    retry: sent ? 'ask' : 'later',
    message: sent ? `Slack gave no answer to ${method}` : `Slack cannot be reached for ${method}`,
    cause: thrown,
  });
}

function codeOf(error: Error): string {
  const { cause } = error;
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
}
