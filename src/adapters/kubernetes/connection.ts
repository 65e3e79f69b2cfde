/**
 * How we reach one API server: the kubeconfig's credentials, one pool of TLS
 * connections kept open, a time limit on every request, our name in the
 * User-Agent, and no redirects, so that a write goes to one place once.
 */
import type { RequestOptions } from 'node:https';
import {
  type Configuration,
  createConfiguration,
  KubeConfig,
  type RequestContext,
  ResponseContext,
  ServerConfiguration,
  setHeaderMiddleware,
  wrapHttpLibrary,
} from '@kubernetes/client-node';
import { Agent, type Dispatcher, fetch, ProxyAgent } from 'undici';
import packageJson from '../../../package.json' with { type: 'json' };
import { FleetError } from '../../core/errors.ts';

export type ConnectionOptions = {
  /** Name of the cluster as the fleet knows it. */
  cluster: string;
  kubeconfigFile: string;
  /** Context of the file; its current one where absent. */
  context?: string | undefined;
  timeoutMs: number;
};

export class Connection extends KubeConfig {
  readonly #cluster: string;
  readonly #timeoutMs: number;
  #dispatcher: Dispatcher | undefined;
  #dispatcherKey = '';

  constructor({ cluster, kubeconfigFile, context, timeoutMs }: ConnectionOptions) {
    super();
    this.#cluster = cluster;
    this.#timeoutMs = timeoutMs;
    try {
      this.loadFromFile(kubeconfigFile);
    } catch (cause) {
      throw this.#invalid(`cannot be read: ${kubeconfigFile}`, cause);
    }
    if (context !== undefined) this.setCurrentContext(context);
    if (this.getCurrentCluster() === null || this.getCurrentUser() === null) {
      throw this.#invalid(`has no usable context ${context ?? this.getCurrentContext()}: ${kubeconfigFile}`);
    }
  }

  /** `https://host:port` of the API server. */
  get server(): string {
    return this.getCurrentCluster()?.server ?? '';
  }

  /** What the client library's API classes are built from. */
  configuration(): Configuration {
    return createConfiguration({
      baseServer: new ServerConfiguration(this.server.replace(/\/$/, ''), {}),
      authMethods: { default: this },
      middleware: [setHeaderMiddleware('User-Agent', `groundskeeper/${packageJson.version}`)],
      httpApi: wrapHttpLibrary({ send: sendOnce }),
    });
  }

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    const options: RequestOptions = {};
    try {
      await this.applyToHTTPSOptions(options);
    } catch (cause) {
      throw this.#invalid('gives credentials that cannot be used', cause);
    }
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      if (value !== undefined) context.setHeaderParam(name, String(value));
    }
    if (typeof options.auth === 'string') {
      context.setHeaderParam('Authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`);
    }
    context.setDispatcher(await this.#shared(options));
    context.setSignal(AbortSignal.timeout(this.#timeoutMs));
  }

  /** Closes the kept connections; requests under way are cut. */
  async close(): Promise<void> {
    const dispatcher = this.#dispatcher;
    this.#dispatcher = undefined;
    await dispatcher?.destroy();
  }

  /** The one pool, made anew only when a rotated certificate or key asks for it. */
  async #shared(options: RequestOptions): Promise<Dispatcher> {
    const { ca, cert, key, passphrase, rejectUnauthorized, servername } = options;
    const tls = { ca, cert, key, passphrase, rejectUnauthorized, servername };
    const dispatcherKey = JSON.stringify(tls);
    if (this.#dispatcher !== undefined && this.#dispatcherKey === dispatcherKey) return this.#dispatcher;
    const outdated = this.#dispatcher;
    const connect = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
    this.#dispatcher = this.#pool(connect);
    this.#dispatcherKey = dispatcherKey;
    void outdated?.close();
    return this.#dispatcher;
  }

  #pool(connect: object): Dispatcher {
    const proxy = this.getCurrentCluster()?.proxyUrl;
    if (proxy?.startsWith('socks')) throw this.#invalid('asks for a SOCKS proxy, which is not supported');
    return proxy ? new ProxyAgent({ uri: proxy, requestTls: connect }) : new Agent({ connect });
  }

  #invalid(problem: string, cause?: unknown): FleetError {
    return new FleetError({
      code: 'invalid_config',
      message: `the kubeconfig of cluster ${this.#cluster} ${problem}`,
      hint: 'Check the kubeconfig path and context in the configuration, and that this user may read the file.',
      cause,
    });
  }
}

async function sendOnce(request: RequestContext): Promise<ResponseContext> {
  const body = request.getBody();
  const signal = request.getSignal();
  const dispatcher = request.getDispatcher();
  const response = await fetch(request.getUrl(), {
    method: request.getHttpMethod(),
    headers: request.getHeaders(),
    redirect: 'manual',
    ...(typeof body === 'string' ? { body } : {}),
    ...(signal === undefined ? {} : { signal }),
    ...(dispatcher === undefined ? {} : { dispatcher }),
  });
  const type = response.headers.get('content-type') ?? '';
  if (response.ok && !/[/+]json\b/.test(type)) {
    await response.body?.cancel();
    throw new Error('answered 2xx with something that is not JSON');
  }
  return new ResponseContext(response.status, Object.fromEntries(response.headers), {
    text: () => response.text(),
    binary: async () => Buffer.from(await response.arrayBuffer()),
    stream: () => null,
  });
}
