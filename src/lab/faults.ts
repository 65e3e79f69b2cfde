/**
 * What can be made to go wrong on one server, as a closed list. Faults are set
 * and cleared while the lab runs; each kind is active at most once per server.
 */
import { z } from 'zod';

const untilStage = z.enum(['download', 'flash']).default('download');

export const faultSchema = z.discriminatedUnion('kind', [
  /** A fan (counted from 1) runs down to a stop; temperatures follow. */
  z.strictObject({ kind: z.literal('fan-failing'), fan: z.int().min(1).default(1) }),
  /** Corrected ECC errors of one DIMM (counted from 1) rise, per real minute. */
  z.strictObject({
    kind: z.literal('ecc-rising'),
    dimm: z.int().min(1).default(1),
    perMinute: z.number().positive().default(60),
  }),
  /** One DIMM (counted from 1) has an uncorrectable error each time that this is set. The count and the verdict stay after. */
  z.strictObject({ kind: z.literal('ecc-uncorrectable'), dimm: z.int().min(1).default(1) }),
  /** A drive (counted from 1) says that it will fail. */
  z.strictObject({ kind: z.literal('drive-predictive'), drive: z.int().min(1).default(1) }),
  /** A drive (counted from 1) failed. */
  z.strictObject({ kind: z.literal('drive-failed'), drive: z.int().min(1).default(1) }),
  /** A drive (counted from 1) runs its old version on when its update ends as Completed. */
  z.strictObject({ kind: z.literal('drive-keeps-firmware'), drive: z.int().min(1).default(1) }),
  /** The volume over the drives lost its redundancy, and is put together again. */
  z.strictObject({ kind: z.literal('array-rebuilding') }),
  /** A power supply (counted from 1) delivers nothing; the others take its share. */
  z.strictObject({ kind: z.literal('psu-failed'), psu: z.int().min(1).default(1) }),
  /** The air that comes in gets warmer by this; everything behind it follows. */
  z.strictObject({ kind: z.literal('inlet-rising'), celsius: z.number().positive().default(12) }),
  /** The sensor of this id jitters by up to `amplitude` of its unit around what it measures. Nothing is wrong with the machine. */
  z.strictObject({
    kind: z.literal('sensor-noisy'),
    sensor: z.string().min(1),
    amplitude: z.number().positive().default(4),
  }),
  /** The sensor of this id reads `NaN`, as text, because JSON has no such number. */
  z.strictObject({ kind: z.literal('sensor-nan'), sensor: z.string().min(1) }),
  /** The sensor of this id gives no reading. */
  z.strictObject({ kind: z.literal('sensor-absent'), sensor: z.string().min(1) }),
  /** The update ends as Completed, and the running version is as before. */
  z.strictObject({ kind: z.literal('update-completes-unchanged') }),
  /** The update stays in this stage until the fault is cleared; a restart of the BMC clears it where `until` says so. */
  z.strictObject({
    kind: z.literal('update-stalls'),
    stage: untilStage,
    until: z.enum(['cleared', 'bmc-reset']).default('cleared'),
    /** The BMC gives each update up that has stood still for so many real milliseconds. */
    giveUpMs: z.number().positive().optional(),
  }),
  /** The update ends in failure at the end of this stage; the running version stays. */
  z.strictObject({ kind: z.literal('update-fails'), stage: untilStage }),
  /** The flash damages what it writes, and its task ends as Completed: a host never starts again, a BMC never answers again. */
  z.strictObject({ kind: z.literal('brick') }),
  /** A restart of the BMC is answered as usual, and nothing comes of it; the one after its own update waits until this ends. */
  z.strictObject({ kind: z.literal('bmc-reset-ignored') }),
  /** POST ends without the BIOS settings that waited for it, and nothing says so: the job, where there is one, ends as Completed. */
  z.strictObject({ kind: z.literal('bios-drops-settings') }),
  /** Update requests are answered with 400 and extended info. */
  z.strictObject({ kind: z.literal('reject-update') }),
  /** What has to be paid for is refused with 403 and the vendor's own id: updates, and images in virtual drives. */
  z.strictObject({ kind: z.literal('unlicensed') }),
  /**
   * A build that knows no form: it offers to take an image as bare bytes alone, and takes a form for a bad image. `only`: the
   * parts that somebody left it set to give these bytes to.
   */
  z.strictObject({ kind: z.literal('push-bytes-only'), only: z.array(z.string()).default([]) }),
  /** `refused`: nothing listens. `hang`: connections are taken and never answered. `lost`: as where packets vanish, no handshake ends either. */
  z.strictObject({ kind: z.literal('bmc-down'), mode: z.enum(['refused', 'hang', 'lost']).default('refused') }),
  /** Every answer comes this many wall-clock milliseconds late. */
  z.strictObject({ kind: z.literal('slow'), ms: z.int().min(0) }),
  /** Performs the next write outside SessionService, then drops its connection instead of answering; clears itself. */
  z.strictObject({ kind: z.literal('drop-after-post') }),
  /** Performs the next log-in, then drops its connection instead of answering; clears itself. */
  z.strictObject({ kind: z.literal('drop-after-log-in') }),
  /** Log-ins are refused with 400, in words that repeat the password. */
  z.strictObject({ kind: z.literal('log-in-repeated') }),
  /** Reads are answered with 200 and an HTML page, writes with 503 and HTML; no write is performed. */
  z.strictObject({ kind: z.literal('html') }),
  /** Answers take real milliseconds, log-normal by seed; a firmware inventory takes three times as long. */
  z.strictObject({
    kind: z.literal('latency'),
    p50Ms: z.number().positive().default(350),
    p95Ms: z.number().positive().default(2000),
  }),
  /** Each request in flight makes the others 15 wall-clock milliseconds later; above `parallel` of them it is 503 with Retry-After. */
  z.strictObject({ kind: z.literal('overload'), parallel: z.int().min(1).default(4) }),
  /** Every n-th request that comes on a used connection finds it reset, and is not performed. */
  z.strictObject({ kind: z.literal('connection-reset'), every: z.int().min(1).default(3) }),
  /** Reads break off in the middle of their JSON. */
  z.strictObject({ kind: z.literal('truncated-json') }),
  /** Reads have a comma before their last brace. */
  z.strictObject({ kind: z.literal('trailing-comma') }),
  /** Reads have an error document before their body. */
  z.strictObject({ kind: z.literal('error-before-body') }),
  /** Requests to resources whose path ends so are never answered. */
  z.strictObject({ kind: z.literal('resource-hangs'), path: z.string().min(1) }),
  /** Every n-th read with good credentials is 503, and only its message says in how many wall-clock seconds to ask again. */
  z.strictObject({
    kind: z.literal('busy-sometimes'),
    every: z.int().min(1).default(3),
    seconds: z.int().min(1).default(1),
  }),
  /** Every n-th read of a resource whose path ends so is a general error, or 404 as while its BMC starts; all that it links answers well. */
  z.strictObject({
    kind: z.literal('resource-fails'),
    path: z.string().min(1),
    every: z.int().min(1).default(2),
    missing: z.boolean().default(false),
  }),
  /**
   * `none`: no ETag anywhere. `weak-only`: weak ones are given and only their strong form is taken. `wrong-412`: no
   * If-Match is ever right but `*`. `required-428`: a write without If-Match is refused.
   */
  z.strictObject({ kind: z.literal('etag'), mode: z.enum(['none', 'weak-only', 'wrong-412', 'required-428']) }),
  /** Task resources are gone, whatever they stand at; a vendor's job queue keeps its jobs. */
  z.strictObject({ kind: z.literal('task-purge') }),
  /** An update is answered with 200 and no word of its task, which is listed all the same. */
  z.strictObject({ kind: z.literal('task-unnamed') }),
  /** The power state is shown as it was this many real milliseconds ago. */
  z.strictObject({ kind: z.literal('stale-power'), ms: z.int().min(1).default(30_000) }),
  /** Collections of parts, log entries and firmware name one member more than there is. */
  z.strictObject({ kind: z.literal('dangling-links') }),
  /** A further page of the log begins with the last three entries of the page before. */
  z.strictObject({ kind: z.literal('page-overlap') }),
  /** The BMC's own clock is ahead by this many wall-clock milliseconds; behind where negative. */
  z.strictObject({ kind: z.literal('clock-skew'), ms: z.int() }),
  /** Another certificate with another key, for the same address; the old one is back once cleared. */
  z.strictObject({ kind: z.literal('certificate-change') }),
  /** Every n-th request with good credentials is answered with 401. */
  z.strictObject({ kind: z.literal('unauthorized-sometimes'), every: z.int().min(1).default(5) }),
  /** The certificate, of the same key, ends in so many days; the old one is back once cleared. */
  z.strictObject({ kind: z.literal('certificate-expiring'), days: z.number().positive().default(5) }),
  /** This many entries are written to the log at once, each time that this is set; a log that is full wraps or stops. */
  z.strictObject({ kind: z.literal('event-storm'), count: z.int().min(1).max(10_000).default(200) }),
]);

export type Fault = z.infer<typeof faultSchema>;
export type FaultInput = z.input<typeof faultSchema>;
export type FaultKind = Fault['kind'];

export class FaultSet {
  readonly #active = new Map<FaultKind, Fault>();
  readonly #listeners: ((kind: FaultKind) => void)[] = [];

  /** Activates a fault, in place of one of the same kind. Throws ZodError when it is none of the list. */
  set(input: FaultInput): void {
    const fault = faultSchema.parse(input);
    this.#active.set(fault.kind, fault);
    this.#changed(fault.kind);
  }

  /** Ends one kind of fault, or all. */
  clear(kind?: FaultKind): void {
    const kinds = kind === undefined ? [...this.#active.keys()] : [kind];
    for (const each of kinds) if (this.#active.delete(each)) this.#changed(each);
  }

  get<K extends FaultKind>(kind: K): Extract<Fault, { kind: K }> | undefined {
    return this.#active.get(kind) as Extract<Fault, { kind: K }> | undefined;
  }

  list(): Fault[] {
    return [...this.#active.values()];
  }

  /** Calls back after a kind was set, replaced or cleared. */
  onChange(listener: (kind: FaultKind) => void): void {
    this.#listeners.push(listener);
  }

  #changed(kind: FaultKind): void {
    for (const listener of this.#listeners) listener(kind);
  }
}
