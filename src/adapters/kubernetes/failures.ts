/**
 * Turns what the client library and the network throw into FleetErrors. For a
 * write the question is whether it may have been carried out: only a clear
 * answer, or proof that nothing was sent, says no.
 */
import { ApiException } from '@kubernetes/client-node';
import { z } from 'zod';
import { FleetError } from '../../core/errors.ts';

export type CallContext = {
  /** Cluster as the fleet knows it. */
  cluster: string;
  /** Host and port of its API server. */
  host: string;
  /** What was asked for, such as `node w-1`: our words and escaped names only. */
  subject: string;
  access: 'read' | 'write';
};

const statusSchema = z.object({
  kind: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  reason: z.string().optional().catch(undefined),
  details: z
    .object({ causes: z.array(z.object({ reason: z.string(), message: z.string() }).partial()).optional() })
    .optional()
    .catch(undefined),
});

/** The API's own account of a refusal. All of its text was written by a machine. */
export type ApiRefusal = {
  status: number;
  reason?: string | undefined;
  message: string;
  causes: string[];
  retryAfterMs?: number;
  /** The body was a Kubernetes Status: the API server itself answered, not something in between. */
  fromApi: boolean;
};

/** An admission webhook denied the request, or could not be asked: either comes before anything is carried out. */
export const byAdmission =
  /^(?:Internal error occurred: )?(?:admission webhook "[^"]*" denied the request|failed calling webhook)/;
/** What an API server says whose authorizer has not read its roles yet, or lacks one. */
const rolesMissing = /RBAC: .*not found/;

/** What the API answered, when the thrown value is an HTTP answer at all. */
export function refusalOf(thrown: unknown): ApiRefusal | undefined {
  if (!(thrown instanceof ApiException)) return undefined;
  const parsed = statusSchema.safeParse(parseJson(thrown.body));
  const status = parsed.success ? parsed.data : {};
  const causes = status.details?.causes ?? [];
  const texts = [status.message, ...causes.map(cause => cause.message)].filter(text => text !== undefined);
  const headers: Record<string, string> = thrown.headers ?? {};
  const retryAfter = Number(headers['retry-after']);
  return {
    status: thrown.code,
    reason: status.reason,
    message: texts.join(' '),
    causes: causes.map(cause => cause.reason).filter(reason => reason !== undefined),
    ...(Number.isFinite(retryAfter) && retryAfter > 0 ? { retryAfterMs: retryAfter * 1000 } : {}),
    fromApi: status.kind === 'Status',
  };
}

function parseJson(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** The FleetError for anything that a call threw. */
export function translate(thrown: unknown, context: CallContext): FleetError {
  if (thrown instanceof FleetError) return thrown;
  const refusal = refusalOf(thrown);
  return refusal === undefined ? lost(thrown, context) : refused(refusal, thrown, context);
}

function refused(refusal: ApiRefusal, cause: unknown, context: CallContext): FleetError {
  const { cluster, host, subject, access } = context;
  const { status, fromApi, reason } = refusal;
  const untrusted = refusal.message === '' ? undefined : refusal.message;
  const common = { cause, ...(untrusted === undefined ? {} : { untrusted }) };
  if (status === 403 && rolesMissing.test(refusal.message)) return busy(common, context, status);
  if (status === 401 || status === 403) {
    return new FleetError({
      ...common,
      code: 'cluster_refused',
      message: `cluster ${cluster} (${host}) refuses our credentials for ${subject} (${status})`,
      hint:
        status === 401 ? 'Check the token or certificate in its kubeconfig.' : 'Check the RBAC role of our account.',
    });
  }
  if (status === 404) {
    return new FleetError({ ...common, code: 'not_found', message: `${subject} does not exist in cluster ${cluster}` });
  }
  if (status === 409) {
    const message = `${subject} in cluster ${cluster} changed since it was read`;
    return new FleetError({ ...common, code: 'conflict', retry: 'later', message });
  }
  // A Status 503 is given before a request is carried out (not ready, shutting down); a 504 may come after, and so may a
  // 503 of anything between us and the API server.
  const denied = byAdmission.test(refusal.message);
  const notProcessed = status === 429 || denied || (status === 503 && fromApi && reason === 'ServiceUnavailable');
  if (notProcessed || (status >= 500 && access === 'read')) return busy(common, context, status);
  if (status >= 500) return ambiguous(common, context);
  return new FleetError({
    ...common,
    code: 'cluster_refused',
    message: `cluster ${cluster} (${host}) refuses ${subject} (${status})`,
  });
}

/** Not carried out, and worth asking again. */
function busy(
  common: { cause: unknown; untrusted?: string },
  { cluster, host, subject }: CallContext,
  status: number,
): FleetError {
  return new FleetError({
    ...common,
    code: 'cluster_unreachable',
    retry: 'later',
    message: `the API server of cluster ${cluster} (${host}) cannot serve ${subject} now (${status})`,
    hint: 'Look at the health of its control plane.',
  });
}

function lost(cause: unknown, context: CallContext): FleetError {
  const { cluster, host, subject, access } = context;
  if (access === 'write' && !provesUnsent(cause)) return ambiguous({ cause }, context);
  if (cause instanceof Error && (cause.name === 'TimeoutError' || cause.name === 'AbortError')) {
    const message = `the API server of cluster ${cluster} (${host}) did not answer for ${subject} in time`;
    return new FleetError({ code: 'timeout', retry: 'later', message, cause });
  }
  if (isCertificateProblem(cause)) {
    return new FleetError({
      code: 'cluster_unreachable',
      retry: 'ask',
      message: `the API server of cluster ${cluster} (${host}) shows a certificate that its kubeconfig does not trust`,
      hint: 'Compare certificate-authority-data in the kubeconfig with the cluster before changing either.',
      cause,
    });
  }
  if (isNetworkFailure(cause)) {
    return new FleetError({
      code: 'cluster_unreachable',
      retry: 'later',
      message: `the API server of cluster ${cluster} cannot be reached at ${host}`,
      hint: `Check the network to ${host} and that its control plane is up.`,
      cause,
    });
  }
  return new FleetError({
    code: 'cluster_refused',
    message: `what answers at ${host} for ${subject} is not the Kubernetes API of cluster ${cluster}`,
    hint: 'Check the server address in the kubeconfig.',
    cause,
  });
}

function ambiguous(
  fields: { cause: unknown; untrusted?: string },
  { cluster, host, subject }: CallContext,
): FleetError {
  return new FleetError({
    ...fields,
    code: 'ambiguous',
    retry: 'ask',
    message: `the answer to our write to ${subject} in cluster ${cluster} (${host}) was lost: it may have happened`,
    hint: `Look at ${subject} before doing anything again.`,
  });
}

type Traced = { code?: unknown; syscall?: unknown; name?: unknown };

/** The error and everything that caused it, outermost first. */
function chain(thrown: unknown): Traced[] {
  const links: Traced[] = [];
  for (let link = thrown; link instanceof Error && links.length < 8; link = link.cause) {
    links.push(link);
    if (link instanceof AggregateError)
      links.push(...link.errors.filter((each): each is Error => each instanceof Error));
  }
  return links;
}

function isNetworkFailure(thrown: unknown): boolean {
  return chain(thrown).some(({ code }) => typeof code === 'string' && /^(E[A-Z]{3}|UND_ERR_)/.test(code));
}

function isCertificateProblem(thrown: unknown): boolean {
  return chain(thrown).some(
    ({ code }) =>
      typeof code === 'string' &&
      /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECODE))/.test(code),
  );
}

/** Failing to resolve, connect or trust comes before the first byte of a request. */
function provesUnsent(thrown: unknown): boolean {
  const unsent = chain(thrown).some(
    ({ code, syscall }) =>
      syscall === 'connect' ||
      syscall === 'getaddrinfo' ||
      code === 'UND_ERR_CONNECT_TIMEOUT' ||
      code === 'UND_ERR_PRX_CONN',
  );
  return unsent || isCertificateProblem(thrown);
}
