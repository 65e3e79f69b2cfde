/**
 * Signed requests from Slack's side, to the one address of an app: what is not
 * answered with 200 in time comes again, as the same event.
 */
import { createHmac } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Courier, Delivery, Envelope } from './socket.ts';

export type SignedRequest = { headers: Record<string, string>; body: string };

/** Slack sends again at once, after a minute, and after five. */
const retryAfterMs = [0, 1000, 5000];

export class SignedRequests implements Courier {
  readonly url: string;
  readonly secret = '8f742231b10e8888abcd99eee00085a5';
  readonly #ackMs: number;
  #withheld: SignedRequest | undefined;
  #holds = false;

  constructor(url: string, ackMs: number) {
    this.url = url;
    this.#ackMs = ackMs;
  }

  /** `at` in milliseconds; Slack's headers say seconds. */
  sign(body: string, { type = formType, at = Date.now(), secret = this.secret } = {}): SignedRequest {
    const timestamp = String(Math.floor(at / 1000));
    const hash = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
    return {
      headers: { 'content-type': type, 'x-slack-request-timestamp': timestamp, 'x-slack-signature': `v0=${hash}` },
      body,
    };
  }

  send({ headers, body }: SignedRequest, url = this.url): Promise<Response> {
    return fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(this.#ackMs) });
  }

  /** What Slack would send for this, taken away on its way. */
  withheld(act: () => void): SignedRequest {
    this.#withheld = undefined;
    this.#holds = true;
    act();
    this.#holds = false;
    if (this.#withheld === undefined) throw new Error('nothing was sent');
    return this.#withheld;
  }

  deliver(envelope: Envelope): Delivery {
    const [body, type] = written(envelope);
    if (this.#holds) this.#withheld = this.sign(body, { type });
    let sent = 0;
    const attempt = async (retried: Record<string, string>) => {
      sent += 1;
      const signed = this.sign(body, { type });
      return answered(await this.send({ ...signed, headers: { ...signed.headers, ...retried } }));
    };
    const deliver = async () => {
      const waits = envelope.type === 'events_api' ? retryAfterMs : [];
      let outcome = await attempt({}).catch(reasonOf);
      for (const [index, waitMs] of waits.entries()) {
        if (typeof outcome !== 'string') return outcome;
        await delay(waitMs);
        outcome = await attempt({ 'x-slack-retry-num': `${index + 1}`, 'x-slack-retry-reason': outcome }).catch(
          reasonOf,
        );
      }
      return typeof outcome === 'string' ? 'not in time' : outcome;
    };
    return { acknowledged: this.#holds ? Promise.resolve('not in time') : deliver(), sent: () => sent };
  }
}

const formType = 'application/x-www-form-urlencoded';

/** Events are JSON, commands forms, and interactions JSON in a form. */
function written({ type, payload }: Envelope): [body: string, type: string] {
  switch (type) {
    case 'events_api':
      return [JSON.stringify(payload), 'application/json'];
    case 'interactive':
      return [`${new URLSearchParams({ payload: JSON.stringify(payload) })}`, formType];
    case 'slash_commands':
      return [`${new URLSearchParams(payload as Record<string, string>)}`, formType];
  }
}

/** As Slack names it when it sends again. */
type Failure = 'http_error' | 'http_timeout' | 'connection_failed';

async function answered(response: Response): Promise<Record<string, unknown> | Failure> {
  const text = await response.text();
  if (response.status !== 200) return 'http_error';
  return text === '' ? {} : JSON.parse(text);
}

function reasonOf(thrown: unknown): Failure {
  return thrown instanceof DOMException ? 'http_timeout' : 'connection_failed';
}
