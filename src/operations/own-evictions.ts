/** Which pods Groundskeeper itself evicted: the surest that there is to know of a pod that is gone. */
import type { EffectRow, EffectState, EffectStore, Records } from '../core/records.ts';
import type { OwnEviction } from '../health/stated-end.ts';

type Wanted = { cluster: string; namespace: string; name: string; since: Date };
type Kept = Pick<Records, 'approvals' | 'operations'> & { effects: Pick<EffectStore, 'onCluster'> };

const mostRows = 20;
/** Whether it happened; what was certainly not sent, or was refused, is not among them. */
const sureness: Partial<Record<EffectState, boolean>> = {
  ok: true,
  happened: true,
  open: false,
  unknown: false,
  ambiguous: false,
};

/** Evictions of pods of this name, the newest first, one for each pod. */
export async function ownEvictions(records: Kept, { cluster, namespace, name, since }: Wanted): Promise<OwnEviction[]> {
  const part = `/evict/${namespace}/${name}/`;
  const rows = await records.effects.onCluster(cluster, { part, since, limit: mostRows });
  const sent = rows.filter(row => sureness[row.state] !== undefined && !wasStopped(row));
  const newest = new Map(sent.toReversed().map(row => [uidOf(row), row]));
  return Promise.all([...newest.values()].toReversed().map(row => evictionOf(records, row)));
}

/** The operation was stopped while a budget still said no. */
function wasStopped({ state, result }: EffectRow): boolean {
  return state === 'ok' && result === false;
}

async function evictionOf(records: Kept, row: EffectRow): Promise<OwnEviction> {
  const [operation, approval] = await Promise.all([
    records.operations.head(row.operation),
    records.approvals.forOperation(row.operation),
  ]);
  const approvals = approval?.votes.filter(({ vote }) => vote === 'approve') ?? [];
  return {
    uid: uidOf(row),
    node: row.step.slice(0, row.step.indexOf('/')),
    operation: operation.id,
    kind: operation.kind,
    at: row.startedAt,
    sure: sureness[row.state] ?? false,
    requester: operation.requester,
    approvers: approvals.map(({ person }) => person),
  };
}

function uidOf({ step }: EffectRow): string {
  return step.slice(step.lastIndexOf('/') + 1);
}
