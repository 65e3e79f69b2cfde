/** What people do to the custody log itself: each act needs the person's presence, and the right to start plans everywhere. */
import type { Continuity } from '../core/anchor.ts';
import type { CustodyRow } from '../core/custody.ts';
import { FleetError } from '../core/errors.ts';
import type { ReadEvidence } from '../core/evidence.ts';
import type { Fleet } from '../core/fleet.ts';
import type { Policy } from '../core/policy.ts';
import type { Records } from '../core/records.ts';
import type { Caller } from '../core/tool.ts';
import type { Anchoring } from '../guard/custody/anchoring.ts';
import type { Evidence } from '../guard/custody/evidence.ts';
import type { KeyFiles } from '../guard/custody/key-ring.ts';
import type { CustodyLog } from '../guard/custody/log.ts';
import type { Reconciled, Standstill } from '../guard/custody/standstill.ts';
import { objection, recordTools } from '../guard/record-reads.ts';

export type Presence = { passphrase: string };

export type CustodyDesk = {
  status(): { standstill: ReturnType<Continuity['standstill']>; anchors: ReturnType<Continuity['anchors']> };
  /** Puts a new key in force; both sign for a while. Answers the new verifier key. */
  rotateKey(act: Presence, caller: Caller): Promise<{ verifierKey: string }>;
  reconcile(act: Presence & { reason: string }, caller: Caller): Promise<Reconciled>;
  /**
   * Rows in order. The log tells of all plans, requests and operations, and is proved only as a whole: throws `forbidden`
   * unless policy lets the caller read those of every cluster, as `readEvidence` does.
   */
  entries(of: { from: number; limit: number }, caller: Caller): Promise<CustodyRow[]>;
  /** Throws `forbidden` to a model: what it holds is for people. */
  readEvidence(id: string, caller: Caller): Promise<ReadEvidence>;
  /** Deletes the subject's key for good. Answers how much evidence nobody can read any more. */
  erase(act: Presence & { subject: string; reason: string }, caller: Caller): Promise<{ pieces: number }>;
};

export type DeskParts = {
  fleet: Fleet;
  policy: Policy;
  custody: CustodyLog;
  evidence: Pick<Evidence, 'read' | 'erase'>;
  records: Pick<Records, 'transaction' | 'evidence' | 'custody'>;
  keyFiles: KeyFiles;
  standstill: Standstill;
  anchoring: Anchoring;
  provePresence(person: string, passphrase: string): Promise<void>;
};

export function createCustodyDesk(parts: DeskParts): CustodyDesk {
  const { fleet, policy, custody, evidence, records, keyFiles, standstill, anchoring, provePresence } = parts;
  async function prove(caller: Caller, { passphrase }: Presence): Promise<void> {
    if (caller.channel === 'mcp')
      throw new FleetError({ code: 'forbidden', message: 'this is done on the CLI, with your passphrase' });
    await provePresence(caller.person.name, passphrase);
    for (const cluster of fleet.sites.flatMap(site => site.clusters)) {
      const { verdict } = policy.decide({
        principal: caller.person,
        action: 'startPlan',
        risk: 'control',
        resource: { site: cluster.site, cluster: cluster.name },
        context: { via: caller.channel, cleared: [] },
      });
      if (verdict === 'allow') continue;
      throw new FleetError({
        code: 'forbidden',
        message: `the custody log is the whole fleet's, and policy does not let ${caller.person.name} start plans in ${cluster.name}`,
      });
    }
  }

  function checkReader(caller: Caller): void {
    for (const { site, name: cluster } of fleet.sites.flatMap(each => each.clusters))
      for (const action of recordTools) {
        const why = objection(policy, { action, risk: 'read', resource: { site, cluster }, caller });
        if (why === undefined) continue;
        throw new FleetError({
          code: 'forbidden',
          message: `the custody log is the whole fleet's, and policy does not allow ${action} in ${cluster}: ${why}`,
          hint: 'somebody who may read everything can verify it: groundskeeper custody verify',
        });
      }
  }

  return {
    status: () => ({ standstill: standstill.status(), anchors: anchoring.status() }),
    async rotateKey(presence, caller) {
      await prove(caller, presence);
      await keyFiles.rotate(keys => custody.follow(keys, by(caller), records));
      await standstill.look(() => anchoring.post());
      return { verifierKey: custody.verifierKey };
    },
    async reconcile({ reason, ...presence }, caller) {
      await prove(caller, presence);
      return standstill.reconcile(caller, reason);
    },
    async entries({ from, limit }, caller) {
      checkReader(caller);
      return records.custody.rows(from, limit);
    },
    async readEvidence(id, caller) {
      const { channel } = caller;
      if (channel === 'mcp' || channel === 'assistant')
        throw new FleetError({ code: 'forbidden', message: 'evidence is read on the CLI, by a person' });
      checkReader(caller);
      return evidence.read(records.evidence, id);
    },
    async erase({ subject, reason, ...presence }, caller) {
      await prove(caller, presence);
      const act = { subject, reason, ...by(caller) };
      return { pieces: await records.transaction(tx => evidence.erase(tx, act)) };
    },
  };
}

function by({ person, channel, client }: Caller) {
  return { actor: { sub: person.name, groups: person.groups }, via: { channel, client } };
}
