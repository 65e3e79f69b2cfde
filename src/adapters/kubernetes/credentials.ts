/**
 * Credentials that change while we run: a token in a file that somebody
 * rotates, and what an exec plugin hands out. What a plugin prints never
 * reaches a message: it may hold the credential.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';

export type Credential = { token?: string | undefined; cert?: string | undefined; key?: string | undefined };

export type CredentialSource = {
  /** Throws CredentialProblem. */
  current(): Promise<Credential>;
  /** After a 401 for `token`: whether asking again can give another credential. */
  refresh(token: string | undefined): Promise<boolean>;
};

/** Says in our own words why there is no credential. */
export class CredentialProblem extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

const rereadMs = 10_000;

/** A token in a file, read again every ten seconds and after a 401, as kubelets rotate the tokens of pods. */
export class TokenFile implements CredentialSource {
  readonly #file: string;
  #token: string | undefined;
  #readAt = 0;

  constructor(file: string) {
    this.#file = file;
  }

  async current(): Promise<Credential> {
    if (this.#token === undefined || Date.now() - this.#readAt > rereadMs) await this.#read();
    return { token: this.#token };
  }

  async refresh(token: string | undefined): Promise<boolean> {
    await this.#read();
    return this.#token !== token;
  }

  async #read(): Promise<void> {
    const hint = 'Mount a service account token, or check the path, and that this user may read it.';
    try {
      this.#token = (await readFile(this.#file, 'utf8')).trim();
    } catch {
      throw new CredentialProblem(`names a token file that cannot be read: ${this.#file}`, hint);
    }
    if (this.#token === '') throw new CredentialProblem(`names an empty token file: ${this.#file}`, hint);
    this.#readAt = Date.now();
  }
}

/** The `exec` entry of a kubeconfig user. */
export const execPluginSchema = z.object({
  apiVersion: z.string().default('client.authentication.k8s.io/v1'),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  /** The plugin wants to know for which API server it is asked. */
  provideClusterInfo: z.boolean().nullish(),
});
export type ExecPluginEntry = z.output<typeof execPluginSchema>;

/** The API server that a plugin is asked for, in the words of the ExecCredential. */
export type ExecCluster = {
  server: string;
  'certificate-authority-data'?: string | undefined;
  'insecure-skip-tls-verify'?: boolean | undefined;
  'tls-server-name'?: string | undefined;
  'proxy-url'?: string | undefined;
};

const execCredential = z.object({
  kind: z.literal('ExecCredential'),
  status: z.object({
    token: z.string().optional(),
    clientCertificateData: z.string().optional(),
    clientKeyData: z.string().optional(),
    expirationTimestamp: z.string().optional(),
  }),
});

const largestOutput = 1024 * 1024;
const refreshEveryMs = 30_000;

type Held = Credential & { expiresAt: number };

/**
 * Runs a kubeconfig's exec plugin without a terminal, one run at a time, and keeps what it gave until it expires. The
 * library's own runner has no time limit, runs once for each request that waits, and puts the plugin's stderr in errors.
 */
export class ExecPlugin implements CredentialSource {
  readonly #entry: ExecPluginEntry;
  readonly #command: string;
  readonly #timeoutMs: number;
  readonly #cluster: ExecCluster;
  #held: Held | undefined;
  #running: Promise<Held> | undefined;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  /** A relative command with a slash starts at the kubeconfig's folder, as kubectl does it. */
  constructor(entry: ExecPluginEntry, options: { kubeconfigFile: string; timeoutMs: number; cluster: ExecCluster }) {
    const { command } = entry;
    this.#entry = entry;
    const path = command.includes('/') && !isAbsolute(command);
    this.#command = path ? resolve(dirname(options.kubeconfigFile), command) : command;
    this.#timeoutMs = options.timeoutMs;
    this.#cluster = options.cluster;
  }

  async current(): Promise<Credential> {
    if (this.#held !== undefined && this.#held.expiresAt > Date.now()) return this.#held;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    this.#held = await this.#running;
    return this.#held;
  }

  async refresh(token: string | undefined): Promise<boolean> {
    if (this.#held?.token !== token) return true;
    if (Date.now() - this.#refreshedAt < refreshEveryMs) return false;
    this.#refreshedAt = Date.now();
    this.#held = undefined;
    return true;
  }

  async #run(): Promise<Held> {
    const printed = await this.#output();
    const parsed = execCredential.safeParse(parseJson(printed));
    if (!parsed.success) throw this.#problem('did not print an ExecCredential');
    const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = parsed.data.status;
    if (token === undefined && (cert === undefined || key === undefined)) throw this.#problem('gave no credential');
    const expires = Date.parse(expirationTimestamp ?? '');
    return { token, cert, key, expiresAt: Number.isNaN(expires) ? Number.POSITIVE_INFINITY : expires };
  }

  #output(): Promise<string> {
    const { apiVersion, args, env, provideClusterInfo } = this.#entry;
    const cluster = provideClusterInfo ? { cluster: this.#cluster } : {};
    const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false, ...cluster } };
    const own = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
    const options = {
      env: { ...process.env, KUBERNETES_EXEC_INFO: JSON.stringify(info), ...own },
      timeout: this.#timeoutMs,
      killSignal: 'SIGKILL' as const,
      maxBuffer: largestOutput,
    };
    return new Promise((resolved, rejected) => {
      const child = execFile(this.#command, args ?? [], options, (error, stdout) => {
        if (error === null) resolved(stdout);
        else rejected(this.#problem(howItFailed(error)));
      });
      child.stdin?.end();
    });
  }

  #problem(what: string): CredentialProblem {
    const hint = 'Run the command by hand, as the user of this service, to see what it says.';
    return new CredentialProblem(`names the exec plugin ${basename(this.#command)}, which ${what}`, hint);
  }
}

type ProcessFailure = { code?: unknown; killed?: boolean | undefined };

function howItFailed({ code, killed }: ProcessFailure): string {
  if (code === 'ENOENT') return 'is not installed';
  if (code === 'EACCES') return 'cannot be executed';
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'printed too much';
  if (killed) return 'did not end in time';
  return typeof code === 'number' ? `failed with exit code ${code}` : 'failed';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
