/**
 * The Kubernetes API past the product: plain requests and watches with a kubeconfig's own credentials, so that a
 * contract test sees the answer on the wire and not what a client library makes of it.
 */
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent, fetch } from 'undici';

/** What contract tests read of any API object, list or Status. */
export type Kube = {
  apiVersion?: string;
  kind?: string;
  code?: number;
  reason?: string;
  message?: string;
  status?: Record<string, unknown>;
  metadata: {
    name: string;
    namespace: string;
    uid: string;
    resourceVersion: string;
    generation?: number;
    continue?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
    creationTimestamp?: string;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
  };
  spec: Record<string, unknown>;
  data?: Record<string, string>;
  details?: {
    name?: string;
    uid?: string;
    kind?: string;
    causes?: { reason?: string; message?: string; field?: string }[];
    retryAfterSeconds?: number;
  };
  items: Kube[];
  groups?: { name: string }[];
  resources?: { name: string; kind: string; group?: string; version?: string; namespaced?: boolean }[];
};

export type Reply = { status: number; headers: Record<string, string>; text: string; body: Kube };
export type Call = { method?: string; body?: unknown; headers?: Record<string, string> };
export type WatchEvent = { type: string; object: Kube };
export type OpenWatch = {
  /** HTTP status of the answer to the watch itself. */
  status: number;
  events: WatchEvent[];
  ended(): boolean;
  stop(): void;
};

export type PatchForm = 'json-patch' | 'merge-patch' | 'strategic-merge-patch';

export type Access = { server: string; caData?: string; caller: Caller };
/** A bearer token, or a client certificate with its key. */
type Caller = { token: string } | { cert: string; key: string };

/** What a kubeconfig's current context says. Throws when it has no token and no client certificate. */
export async function readAccess(kubeconfigFile: string): Promise<Access> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigFile);
  const server = config.getCurrentCluster()?.server.replace(/\/$/, '');
  if (server === undefined) throw new Error(`${kubeconfigFile} has no current context`);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, headers } = options;
  const authorization = (headers as Record<string, string> | undefined)?.Authorization;
  const token = authorization?.replace(/^Bearer /, '');
  const common = { server, ...(ca ? { caData: String(ca) } : {}) };
  if (token !== undefined) return { ...common, caller: { token } };
  if (cert && key) return { ...common, caller: { cert: String(cert), key: String(key) } };
  throw new Error(`${kubeconfigFile} has neither a token nor a client certificate`);
}

export class ApiClient {
  readonly #access: Access;
  readonly #agent: Agent;

  constructor(access: Access) {
    this.#access = access;
    const { caData, caller } = access;
    this.#agent = new Agent({
      connect: { ...(caData ? { ca: caData } : {}), ...('cert' in caller ? caller : {}) },
      bodyTimeout: 0,
    });
  }

  /** One request, sent once. An answer that is not JSON has its text as the body's message. */
  async send(path: string, { method = 'GET', body, headers = {} }: Call = {}): Promise<Reply> {
    const response = await fetch(this.#access.server + path, {
      method,
      dispatcher: this.#agent,
      headers: {
        ...this.#headers(),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    const parsed = (isJson ? JSON.parse(text) : { message: text }) as Kube;
    return { status: response.status, headers: Object.fromEntries(response.headers), text, body: parsed };
  }

  post(path: string, body: unknown): Promise<Reply> {
    return this.send(path, { method: 'POST', body });
  }

  patch(path: string, form: PatchForm, body: unknown): Promise<Reply> {
    return this.send(path, { method: 'PATCH', body, headers: { 'content-type': `application/${form}+json` } });
  }

  remove(path: string, options?: object): Promise<Reply> {
    return this.send(path, { method: 'DELETE', ...(options === undefined ? {} : { body: options }) });
  }

  /** The object that this request answers; throws on anything but success, with what the server said. */
  async must(sending: Promise<Reply>): Promise<Kube> {
    const { status, body, text } = await sending;
    if (status >= 200 && status < 300) return body;
    throw new Error(`the API server answered ${status}: ${text.slice(0, 500)}`);
  }

  get(path: string): Promise<Kube> {
    return this.must(this.send(path));
  }

  create(path: string, body: unknown): Promise<Kube> {
    return this.must(this.post(path, body));
  }

  /** Opens a watch and collects its events until it ends or is stopped. */
  async watch(path: string): Promise<OpenWatch> {
    const aborter = new AbortController();
    const response = await fetch(this.#access.server + path, {
      dispatcher: this.#agent,
      headers: this.#headers(),
      signal: aborter.signal,
    });
    const events: WatchEvent[] = [];
    let ended = false;
    const collect = async () => {
      let rest = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line.trim() !== '') events.push(JSON.parse(line));
      }
    };
    void collect()
      .catch(() => undefined)
      .finally(() => {
        ended = true;
      });
    return { status: response.status, events, ended: () => ended, stop: () => aborter.abort() };
  }

  /** A client of the same server for another caller. */
  as(token: string): ApiClient {
    return new ApiClient({ ...this.#access, caller: { token } });
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #headers(): Record<string, string> {
    const { caller } = this.#access;
    return {
      'user-agent': 'contract-suite',
      ...('token' in caller ? { authorization: `Bearer ${caller.token}` } : {}),
    };
  }
}
