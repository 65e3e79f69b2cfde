/** How operations keep what they saw of a server: once for each step, however often the step is begun again. */
import type { EvidenceKind } from '../core/evidence.ts';
import type { Records } from '../core/records.ts';
import type { Authority } from './authority.ts';
import type { Evidence } from './custody/evidence.ts';

export type SeenOnNode = { operation: string; node: string; step: string; kind: EvidenceKind; content: unknown };

export type KeepEvidence = (seen: SeenOnNode) => Promise<void>;

export function evidenceKeeper(parts: {
  records: Pick<Records, 'transaction'>;
  evidence: Evidence;
  authority: Pick<Authority, 'stamp'>;
}): KeepEvidence {
  const { records, evidence, authority } = parts;
  return async ({ operation, node, step, kind, content }) => {
    const stamp = await authority.stamp({ operation, node });
    const name = `${operation}/${step}/${kind}`;
    const item = { subject: `server:${stamp.resource.uuid}`, kind, content } as const;
    await records.transaction(tx => evidence.keepOnce(tx, item, { ...stamp, operation, step, name }));
  };
}
