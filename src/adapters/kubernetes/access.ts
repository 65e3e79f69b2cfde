/**
 * Address and credentials of one API server: from a kubeconfig, or from the
 * Pod that this program runs in. Credentials are looked up for each request,
 * and read anew when they are refused, because all of them may rotate.
 */
import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import { type Cluster as ConfiguredCluster, KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';
import {
  CredentialProblem,
  type CredentialSource,
  type ExecCluster,
  ExecPlugin,
  execPluginSchema,
  TokenFile,
} from './credentials.ts';
import type { Tls } from './pools.ts';

/** Where the address and the credentials of an API server come from. */
export type ClusterAccess =
  | {
      kubeconfigFile: string;
      /** Context of the file; its current one where absent. */
      context?: string | undefined;
    }
  | {
      /** The service account of the Pod that this program runs in. */
      inCluster: true;
      /** Folder that stands for `/` when the mounted service account is looked for. */
      root?: string | undefined;
    };

export type AccessOptions = ClusterAccess & {
  /** Name of the cluster as the fleet knows it. */
  cluster: string;
  timeoutMs: number;
};

export type Authentication = { headers: Record<string, string>; tls: Tls };

const kubeconfigUsers = z.object({
  users: z
    .array(z.object({ name: z.string(), user: z.object({ tokenFile: z.string().optional() }).nullish() }))
    .nullish()
    .transform(users => users ?? []),
});

export class Access {
  readonly #options: AccessOptions;
  readonly #config = new KubeConfig();
  /** Undefined where the kubeconfig itself holds the credentials. */
  #source: CredentialSource | undefined;

  /** Throws invalid_config. */
  #context: string | undefined;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#load();
    if (this.proxy?.startsWith('socks')) throw this.#invalid('asks for a SOCKS proxy, which is not supported');
  }

  /** `https://host:port` of the API server. */
  get server(): string {
    return this.#config.getCurrentCluster()?.server.replace(/\/$/, '') ?? '';
  }

  get proxy(): string | undefined {
    return this.#config.getCurrentCluster()?.proxyUrl;
  }

  /** What a request has to bring now. Throws invalid_config, or cluster_unreachable where it may pass. */
  async authentication(): Promise<Authentication> {
    const options: RequestOptions = {};
    try {
      const { token, cert, key } = (await this.#source?.current()) ?? {};
      await this.#config.applyToHTTPSOptions(options);
      if (token !== undefined) options.headers = { ...options.headers, Authorization: `Bearer ${token}` };
      if (cert !== undefined) Object.assign(options, { cert, key });
    } catch (cause) {
      throw this.#unusable(cause);
    }
    const given = Object.entries(options.headers ?? {}).filter(([, value]) => value !== undefined);
    const headers = Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
    if (typeof options.auth === 'string') {
      headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    }
    return { headers, tls: options };
  }

  /** After a 401 for this Authorization: whether there is another credential now, from its source or the kubeconfig. */
  async refresh(authorization: string | undefined): Promise<boolean> {
    const token = authorization?.replace(/^Bearer /, '');
    try {
      if (this.#source !== undefined) return await this.#source.refresh(token);
    } catch (cause) {
      throw this.#unusable(cause);
    }
    const before = JSON.stringify(this.#config.getCurrentUser());
    const server = this.server;
    this.#load();
    if (this.server !== server) throw this.#invalid('names another API server than when it was first read');
    const user = this.#config.getCurrentUser();
    return JSON.stringify(user) !== before || user?.token !== token;
  }

  #load(): void {
    if ('inCluster' in this.#options) this.#loadInCluster(this.#options.root ?? '');
    else this.#loadFile(this.#options);
  }

  #loadInCluster(root: string): void {
    this.#config.loadFromCluster(root);
    const file = this.#config.getCurrentUser()?.authProvider?.config?.tokenFile;
    if (typeof file !== 'string' || !URL.canParse(this.server) || new URL(this.server).hostname === 'undefined') {
      throw this.#invalid(
        'says inCluster, but this program does not run in a Pod: there is no KUBERNETES_SERVICE_HOST',
      );
    }
    this.#source = new TokenFile(file);
    this.#leaveOut('authProvider');
  }

  #loadFile({ kubeconfigFile: file, context }: { kubeconfigFile: string; context?: string | undefined }): void {
    const config = this.#config;
    let tokenFile: string | undefined;
    try {
      config.loadFromFile(file);
      // The context of the first load stays, whatever somebody makes the file's current one later.
      this.#context ??= context ?? config.getCurrentContext();
      config.setCurrentContext(this.#context);
      tokenFile = tokenFileOf(file, config.getCurrentUser()?.name);
    } catch (cause) {
      throw this.#invalid(`cannot be read: ${file}`, { cause });
    }
    const user = config.getCurrentUser();
    const cluster = config.getCurrentCluster();
    if (cluster === null || user === null) {
      throw this.#invalid(`has no usable context ${context ?? config.getCurrentContext()}: ${file}`);
    }
    if (user.exec) {
      const entry = execPluginSchema.safeParse(user.exec);
      if (!entry.success) throw this.#invalid(`has an exec plugin that cannot be run: ${file}`);
      const { timeoutMs } = this.#options;
      this.#source = new ExecPlugin(entry.data, { kubeconfigFile: file, timeoutMs, cluster: execCluster(cluster) });
      this.#leaveOut('exec');
    } else if (tokenFile !== undefined) {
      this.#source = new TokenFile(tokenFile);
    }
  }

  /** Keeps the library from using what we use ourselves. */
  #leaveOut(part: 'exec' | 'authProvider'): void {
    const { name } = this.#config.getCurrentUser() ?? {};
    this.#config.users = this.#config.users.map(user => (user.name === name ? { ...user, [part]: undefined } : user));
  }

  #unusable(cause: unknown): FleetError {
    if (!(cause instanceof CredentialProblem)) return this.#invalid('gives credentials that cannot be used', { cause });
    const { message, hint } = cause;
    return this.#invalid(message, { hint, passing: true });
  }

  #invalid(problem: string, more: { cause?: unknown; hint?: string; passing?: boolean } = {}): FleetError {
    const usual = 'Check the kubeconfig path and context in the configuration, and that this user may read the file.';
    return new FleetError({
      // What may pass was met before anything was sent.
      code: more.passing ? 'cluster_unreachable' : 'invalid_config',
      message: `the kubeconfig of cluster ${this.#options.cluster} ${problem}`,
      hint: more.hint ?? usual,
      ...(more.passing ? { retry: 'later' } : {}),
      ...(more.cause === undefined ? {} : { cause: more.cause }),
    });
  }
}

/** The library knows no `tokenFile`; a relative one starts at the kubeconfig's folder. */
function tokenFileOf(file: string, user: string | undefined): string | undefined {
  const { users } = kubeconfigUsers.parse(parse(readFileSync(file, 'utf8')));
  const found = users.find(({ name }) => name === user)?.user?.tokenFile;
  return found === undefined ? undefined : resolve(dirname(file), found);
}

function execCluster({
  server,
  caData,
  caFile,
  skipTLSVerify,
  tlsServerName,
  proxyUrl,
}: ConfiguredCluster): ExecCluster {
  return {
    server,
    'certificate-authority-data': caData ?? (caFile === undefined ? undefined : readFileSync(caFile, 'base64')),
    'insecure-skip-tls-verify': skipTLSVerify ? true : undefined,
    'tls-server-name': tlsServerName,
    'proxy-url': proxyUrl,
  };
}
