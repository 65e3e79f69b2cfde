/**
 * What can be made to go wrong between a cluster's API server and its clients,
 * as a closed list. Faults are set and cleared while the cluster runs.
 */
import { z } from 'zod';

/** Which requests a fault takes, and how many of them before it clears itself. */
const aimed = {
  times: z.int().min(1).default(1),
  /** Any method where absent. */
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  /** A regular expression somewhere in the URL path; any path where absent. */
  path: z.string().refine(isExpression, 'not a regular expression').optional(),
};

export const clusterFaultSchema = z.discriminatedUnion('kind', [
  /** Every connection is reset once it asks something. */
  z.strictObject({ kind: z.literal('reset') }),
  /** Requests are taken and never answered. */
  z.strictObject({ kind: z.literal('hang') }),
  /** Every request that brings a token is answered 503. */
  z.strictObject({ kind: z.literal('unavailable') }),
  /** Performs the next write, then drops its connection instead of answering; clears itself. */
  z.strictObject({ kind: z.literal('drop-after-write') }),
  /** The same for writes that match. */
  z.strictObject({ kind: z.literal('lost-answer'), ...aimed }),
  /** Drops the connection and performs nothing. */
  z.strictObject({ kind: z.literal('lost-request'), ...aimed }),
  /** Answers so and performs nothing. 429 comes as priority and fairness sends it, with or without Retry-After. */
  z.strictObject({
    kind: z.literal('answer'),
    status: z.union([z.literal(429), z.literal(500), z.literal(503), z.literal(504)]),
    retryAfterSeconds: z.int().min(0).optional(),
    ...aimed,
  }),
  /** Every answer comes this many wall-clock milliseconds late; the request is performed before. */
  z.strictObject({ kind: z.literal('slow'), ms: z.int().min(0) }),
  /** Nothing comes through: new connections get no handshake, old ones no answer, watches nothing. Cut once it is cleared. */
  z.strictObject({ kind: z.literal('partition') }),
  /** Watches, old and new, stay open and tell nothing. Cut once it is cleared. */
  z.strictObject({ kind: z.literal('watch-silence') }),
  /** Watches that begin are told 410 inside the stream. */
  z.strictObject({ kind: z.literal('watch-expired'), times: z.int().min(1).default(1) }),
  /** That machine's clock is so many wall-clock milliseconds ahead, or behind where negative: its kubelet stamps with it. */
  z.strictObject({ kind: z.literal('node-clock'), node: z.string(), skewMs: z.int() }),
  /** The same for the machine of API server and controllers. */
  z.strictObject({ kind: z.literal('api-clock'), skewMs: z.int() }),
]);

export type ClusterFault = z.infer<typeof clusterFaultSchema>;
export type ClusterFaultKind = ClusterFault['kind'];
type Of<K extends ClusterFaultKind> = Extract<ClusterFault, { kind: K }>;
type Aimed = Of<'lost-answer' | 'lost-request' | 'answer'>;
/** Kinds that say everything by their name. */
type PlainKind = 'reset' | 'hang' | 'unavailable' | 'drop-after-write' | 'partition' | 'watch-silence';

type Asked = { method: string; path: string };

export class ClusterFaults {
  #active: ClusterFault[] = [];
  readonly #onClear: ((kind: ClusterFaultKind) => void)[] = [];
  readonly #onChange: (() => void)[] = [];

  /** Activates a fault; those that aim at requests add up, the others replace their kind, or what is set of that node. Throws ZodError. */
  set(input: z.input<typeof clusterFaultSchema> | PlainKind): void {
    const fault = clusterFaultSchema.parse(typeof input === 'string' ? { kind: input } : input);
    if (!('times' in fault)) this.#active = this.#active.filter(each => !isReplaced(each, fault));
    this.#active.push(fault);
    for (const tell of this.#onChange) tell();
  }

  /** Ends one kind of fault, or all. */
  clear(kind?: ClusterFaultKind): void {
    const ended = new Set(this.#active.map(fault => fault.kind).filter(each => kind === undefined || each === kind));
    this.#active = this.#active.filter(fault => !ended.has(fault.kind));
    for (const each of ended) for (const tell of this.#onClear) tell(each);
    for (const tell of this.#onChange) tell();
  }

  has(kind: ClusterFaultKind): boolean {
    return this.#active.some(fault => fault.kind === kind);
  }

  get<K extends ClusterFaultKind>(kind: K): Of<K> | undefined {
    return this.#active.find(fault => fault.kind === kind) as Of<K> | undefined;
  }

  /** Uses up one time of a fault that aims at this request; undefined when none does. */
  take<K extends Aimed['kind']>(kind: K, asked: Asked): Of<K> | undefined {
    const fault = this.#active.find(each => each.kind === kind && aimsAt(each as Aimed, asked));
    if (fault !== undefined) this.#use(fault as Aimed);
    return fault as Of<K> | undefined;
  }

  /** Uses up one time of a fault that aims at nothing in particular. */
  takeOne(kind: 'drop-after-write' | 'watch-expired'): boolean {
    const fault = this.get(kind);
    if (fault === undefined) return false;
    if (fault.kind === 'watch-expired') this.#use(fault);
    else this.clear(kind);
    return true;
  }

  list(): ClusterFault[] {
    return [...this.#active];
  }

  /** Wall-clock milliseconds that a node's clock is ahead; without a name, the API server's. */
  skewMs(node?: string): number {
    const skewed = this.#active.find(fault =>
      node === undefined ? fault.kind === 'api-clock' : fault.kind === 'node-clock' && fault.node === node,
    ) as Of<'api-clock' | 'node-clock'> | undefined;
    return skewed?.skewMs ?? 0;
  }

  /** Calls back after anything was set or cleared. */
  onChange(listener: () => void): void {
    this.#onChange.push(listener);
  }

  /** Calls back after a kind was cleared. */
  onClear(listener: (kind: ClusterFaultKind) => void): void {
    this.#onClear.push(listener);
  }

  #use(fault: ClusterFault & { times: number }): void {
    fault.times -= 1;
    if (fault.times <= 0) this.#active = this.#active.filter(each => each !== fault);
  }
}

function isReplaced(old: ClusterFault, by: ClusterFault): boolean {
  if (old.kind === 'node-clock' && by.kind === 'node-clock') return old.node === by.node;
  return old.kind === by.kind;
}

function aimsAt({ method, path }: Aimed, asked: Asked): boolean {
  return (method ?? asked.method) === asked.method && new RegExp(path ?? '').test(asked.path);
}

function isExpression(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
