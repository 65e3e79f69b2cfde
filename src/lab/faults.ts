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
  /** The update ends as Completed, and the running version is as before. */
  z.strictObject({ kind: z.literal('update-completes-unchanged') }),
  /** The update stays in this stage until the fault is cleared. */
  z.strictObject({ kind: z.literal('update-stalls'), stage: untilStage }),
  /** The update ends in failure at the end of this stage; the running version stays. */
  z.strictObject({ kind: z.literal('update-fails'), stage: untilStage }),
  /** Update requests are answered with 400 and extended info. */
  z.strictObject({ kind: z.literal('reject-update') }),
  /** `refused`: nothing listens. `hang`: connections are taken and never answered. */
  z.strictObject({ kind: z.literal('bmc-down'), mode: z.enum(['refused', 'hang']).default('refused') }),
  /** Every answer comes this many wall-clock milliseconds late. */
  z.strictObject({ kind: z.literal('slow'), ms: z.int().min(0) }),
  /** Performs the next write outside SessionService, then drops its connection instead of answering; clears itself. */
  z.strictObject({ kind: z.literal('drop-after-post') }),
  /** Reads are answered with 200 and an HTML page, writes with 503 and HTML; no write is performed. */
  z.strictObject({ kind: z.literal('html') }),
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
