/**
 * A database that was restored or copied knows nothing of what was done since:
 * acting on it would flash again what is flashed. So where the log contradicts
 * an anchor, or cannot be held against one, nothing at all has an effect, not
 * even what settles, until the contradiction is looked into by a person.
 */
import type { Standstill as Status } from '../../core/anchor.ts';
import { FleetError } from '../../core/errors.ts';
import type { Records } from '../../core/records.ts';
import type { Caller } from '../../core/tool.ts';
import type { Authority } from '../authority.ts';
import type { Anchoring, Contradiction } from './anchoring.ts';
import { byService, type CustodyLog } from './log.ts';
import { endAmbiguous, openApprovals, voidApprovals } from './void-open.ts';

export type StandstillParts = {
  records: Pick<Records, 'transaction' | 'anchors' | 'approvals' | 'operations'>;
  custody: Pick<CustodyLog, 'append'>;
  anchoring: Anchoring;
  /** Milliseconds; where no anchor could be held against the log for longer, nothing new begins. */
  maxAnchorAgeMs?: number;
  /** Hears of every change. */
  onChange?(status: Status): void;
};

export type Reconciled = { found: string[]; voided: string[]; halted: string[]; ambiguous: number };

export class Standstill {
  readonly #parts: StandstillParts;
  #status: Status = { state: 'waiting', since: new Date().toISOString(), reason: 'nothing was compared yet' };
  #contradictions: Contradiction[] = [];
  readonly #cleared = Promise.withResolvers<void>();

  constructor(parts: StandstillParts) {
    this.#parts = parts;
  }

  status(): Status {
    return this.#status;
  }

  /** Runs it before this resolves where effects may happen, or else the first time that they may; `onError` hears of a failure then. */
  async onceClear(work: () => Promise<void>, onError: (error: FleetError) => void): Promise<void> {
    if (this.#status.state === 'none') return work();
    this.#cleared.promise.then(work).catch((thrown: unknown) => onError(FleetError.from(thrown)));
  }

  /** Holds the log against all anchors, as every life has to before its first effect; again while one cannot be read. */
  async begin(): Promise<void> {
    const { records, anchoring } = this.#parts;
    const before = await records.anchors.frozen();
    if (before) this.#turnTo({ state: 'frozen', ...before });
    try {
      const found = await anchoring.compare();
      if (found.length > 0) return await this.freeze(found);
      if (!before) this.#clear();
    } catch (thrown) {
      if (before) return;
      const reason = `an anchor of the custody log cannot be read: ${FleetError.from(thrown).message}`;
      this.#turnTo({ state: 'waiting', since: this.#since(), reason });
    }
  }

  /**
   * Posts when it is due, and stops everything when an anchor shows that the log is not the only one. What another worker
   * froze is frozen here, and what was reconciled there goes on here.
   */
  async look(post: () => Promise<Contradiction[]> = () => this.#parts.anchoring.postWhenDue()): Promise<void> {
    const recorded = (await this.#parts.records.anchors.frozen()) !== undefined;
    if (recorded !== (this.#status.state === 'frozen') || this.#status.state === 'waiting') await this.begin();
    if (this.#status.state !== 'none') return;
    const found = await post();
    if (found.length > 0) await this.freeze(found);
  }

  /** Shows the log outside right before what cannot be taken back, so that no restore can forget that it was announced. */
  async announce(limitMs = 5000): Promise<void> {
    this.check();
    const shown = this.look(() => this.#parts.anchoring.post());
    await Promise.race([shown.catch(() => undefined), new Promise(done => setTimeout(done, limitMs).unref())]);
    this.check();
  }

  /** Voids every approval; from here on nothing has an effect, in this life and the next ones. */
  async freeze(found: Contradiction[]): Promise<void> {
    const reason = found.map(each => each.text).join('; ');
    this.#contradictions = found;
    this.#turnTo({ state: 'frozen', since: this.#since(), reason });
    const { records, custody } = this.#parts;
    const open = await openApprovals(records);
    await records.transaction(async tx => {
      if (!(await tx.anchors.freeze(reason))) return;
      await custody.append({ type: 'custody', action: 'frozen', detail: reason, ...byService }, tx.custody);
      await voidApprovals(tx, custody, { open, reason });
    });
  }

  /** Throws `forbidden` unless effects may happen. */
  check(): void {
    const why = this.#why();
    if (why !== undefined)
      throw new FleetError({ code: 'forbidden', message: why, hint: 'groundskeeper custody status says more' });
  }

  /** The same authority, which says no to everything while everything stands still. */
  guard(authority: Authority): Authority {
    return {
      ...authority,
      decide: ask => {
        const why = this.#why();
        return why === undefined
          ? authority.decide(ask)
          : { verdict: 'deny', reasons: [{ policy: 'custody', reason: why }] };
      },
      allow: async effect => {
        this.check();
        if (!effect.settling) this.#checkAge();
        return authority.allow(effect);
      },
    };
  }

  /**
   * What a person does who has looked into it: what was under way counts as ambiguous and ends, the contradicting notes are
   * set aside, and effects may happen again. Throws `conflict` when nothing is frozen, `precondition_failed` while an anchor
   * cannot be read.
   */
  async reconcile(caller: Caller, reason: string): Promise<Reconciled> {
    if (this.#status.state !== 'frozen')
      throw new FleetError({
        code: 'conflict',
        message: 'the custody log is not frozen; there is nothing to reconcile',
      });
    const { records, custody, anchoring } = this.#parts;
    const found = await anchoring.compare();
    const open = await records.operations.list({ open: true, limit: 10_000 });
    const approvals = await openApprovals(records);
    const by = {
      actor: { sub: caller.person.name, groups: caller.person.groups },
      via: { channel: caller.channel, client: caller.client },
    };
    const texts = (found.length > 0 ? found : this.#contradictions).map(each => each.text);
    const why = `the database was restored or forked; ${caller.person.name}: ${reason}`;
    const done = await records.transaction(async tx => {
      const detail = `${reason}. Found: ${texts.join('; ') || 'no contradiction any more'}`;
      await custody.append({ type: 'custody', action: 'reconciled', detail, ...by }, tx.custody);
      const voided = await voidApprovals(tx, custody, { open: approvals, reason: why });
      let ambiguous = 0;
      for (const operation of open) ambiguous += await endAmbiguous(tx, custody, { id: operation.id, why, by });
      for (const { anchor, note } of found) {
        if (note === undefined) await tx.anchors.forget(anchor);
        else await tx.anchors.saw({ name: anchor, note, setAside: true });
      }
      await tx.anchors.lift(caller.person.name, reason);
      return { found: texts, voided, halted: open.map(each => each.id), ambiguous };
    });
    // Compared once more, as every life is before its first effect.
    await this.look(() => anchoring.post());
    return done;
  }

  #checkAge(): void {
    const { anchoring, maxAnchorAgeMs = Number.POSITIVE_INFINITY } = this.#parts;
    if (anchoring.ageMs() <= maxAnchorAgeMs) return;
    throw new FleetError({
      code: 'forbidden',
      retry: 'later',
      message: 'the custody log was not held against any anchor for longer than custody.maxAnchorAge allows',
      hint: 'groundskeeper custody status says which anchors fail',
    });
  }

  #clear(): void {
    this.#turnTo({ state: 'none' });
    this.#contradictions = [];
    this.#cleared.resolve();
  }

  #turnTo(status: Status): void {
    if (status.state !== 'none' || this.#status.state === 'frozen') this.#parts.onChange?.(status);
    this.#status = status;
  }

  #since(): string {
    return this.#status.state === 'none' ? new Date().toISOString() : this.#status.since;
  }

  #why(): string | undefined {
    if (this.#status.state === 'none') return undefined;
    return `everything stands still, as the custody log may not be the only one: ${this.#status.reason}`;
  }
}
