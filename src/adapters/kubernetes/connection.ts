/**
 * How we reach one API server: two bounded pools of TLS connections kept open,
 * a time limit on every request, our name in the User-Agent, and no redirects,
 * so that a write goes to one place once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  ApiException,
  type Configuration,
  createConfiguration,
  HttpMethod,
  RequestContext,
  ResponseContext,
  ServerConfiguration,
  setHeaderMiddleware,
  wrapHttpLibrary,
} from '@kubernetes/client-node';
import { fetch, type Response } from 'undici';
import packageJson from '../../../package.json' with { type: 'json' };
import { redactor } from '../../core/redact.ts';
import { Secret } from '../../core/secret.ts';
import { Access, type AccessOptions, type Authentication } from './access.ts';
import { refusalOf } from './failures.ts';
import { type PoolName, Pools } from './pools.ts';
import { isThrottled, throttledPauseMs, throttledTries } from './throttling.ts';

export type ConnectionOptions = AccessOptions;

type Sending = { pool: PoolName; signal: AbortSignal };

const userAgent = `groundskeeper/${packageJson.version}`;

export class Connection {
  /** Time limit of a request in milliseconds. */
  readonly timeoutMs: number;
  readonly #access: Access;
  readonly #pools: Pools;

  /** Throws invalid_config. */
  constructor(options: ConnectionOptions) {
    this.timeoutMs = options.timeoutMs;
    this.#access = new Access(options);
    this.#pools = new Pools(this.#access.proxy);
  }

  /** `https://host:port` of the API server. */
  get server(): string {
    return this.#access.server;
  }

  get proxy(): string | undefined {
    return this.#access.proxy;
  }

  /** What a request of one's own has to bring. Throws invalid_config. */
  authentication(): Promise<Authentication> {
    return this.#access.authentication();
  }

  /** What the client library's API classes are built from. */
  configuration(): Configuration {
    return createConfiguration({
      baseServer: new ServerConfiguration(this.server, {}),
      middleware: [setHeaderMiddleware('User-Agent', userAgent)],
      httpApi: wrapHttpLibrary({ send: request => this.#send(request) }),
    });
  }

  /**
   * A GET past the library's types, for answers that are read as they come. Anything but 200 with JSON throws: an
   * ApiException for what the server said, FleetError or the network's error for the rest. Not repeated after a 429.
   */
  async open(path: string, sending: Sending): Promise<Response> {
    const request = new RequestContext(this.server + path, HttpMethod.GET);
    request.setHeaderParam('User-Agent', userAgent);
    request.setHeaderParam('Accept', 'application/json');
    const response = await this.#exchange(request, sending);
    if (response.status === 200) return response;
    const text = await textOf(response, request);
    throw new ApiException(response.status, 'refused', text, Object.fromEntries(response.headers));
  }

  /** Closes the kept connections; requests and watches under way are cut. */
  async close(): Promise<void> {
    await this.#pools.close();
  }

  /** One request of the library's, tried again while the API server turns it away for being busy. */
  async #send(request: RequestContext): Promise<ResponseContext> {
    for (let attempt = 1; ; attempt++) {
      const signal = AbortSignal.timeout(this.timeoutMs);
      const response = await this.#exchange(request, { pool: 'requests', signal });
      if (response.status !== 429) return answerOf(response, () => textOf(response, request));
      const text = await textOf(response, request);
      const refusal = refusalOf(new ApiException(429, 'refused', text, Object.fromEntries(response.headers)));
      if (attempt === throttledTries || refusal === undefined || !isThrottled(refusal)) {
        return answerOf(response, async () => text);
      }
      await delay(throttledPauseMs(attempt, refusal.retryAfterMs));
    }
  }

  /** Sends once; once more after a 401 when there are newer credentials, since nothing was carried out then. */
  async #exchange(request: RequestContext, sending: Sending): Promise<Response> {
    await this.#authenticate(request, sending.pool);
    const response = await sendOnce(request, sending.signal);
    const refused = response.status === 401;
    if (!refused || !(await this.#access.refresh(request.getHeaders().Authorization))) return response;
    await response.body?.cancel();
    await this.#authenticate(request, sending.pool);
    return sendOnce(request, sending.signal);
  }

  async #authenticate(request: RequestContext, pool: PoolName): Promise<void> {
    const { headers, tls } = await this.#access.authentication();
    for (const [name, value] of Object.entries(headers)) request.setHeaderParam(name, value);
    request.setDispatcher(this.#pools.of(pool, tls));
  }
}

async function sendOnce(request: RequestContext, signal: AbortSignal): Promise<Response> {
  const body = request.getBody();
  const dispatcher = request.getDispatcher();
  const response = await fetch(request.getUrl(), {
    method: request.getHttpMethod(),
    headers: request.getHeaders(),
    redirect: 'manual',
    signal,
    ...(typeof body === 'string' ? { body } : {}),
    ...(dispatcher === undefined ? {} : { dispatcher }),
  });
  const type = response.headers.get('content-type') ?? '';
  if (response.ok && !/[/+]json\b/.test(type)) {
    await response.body?.cancel();
    throw new Error('answered 2xx with something that is not JSON');
  }
  return response;
}

/** A refusal, of whoever stands there, without the credential that it may repeat. */
async function textOf(response: Response, request: RequestContext): Promise<string> {
  const text = await response.text();
  if (response.ok) return text;
  const credential = request.getHeaders().Authorization?.replace(/^\w+ /, '');
  return redactor(credential === undefined ? [] : [new Secret(credential)])(text);
}

function answerOf(response: Response, text: () => Promise<string>): ResponseContext {
  return new ResponseContext(response.status, Object.fromEntries(response.headers), {
    text,
    binary: async () => Buffer.from(await text()),
    stream: () => null,
  });
}
