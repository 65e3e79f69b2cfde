/**
 * What ails the cluster's storage, before a node that carries data goes down:
 * volumes that do not attach or detach, lost claims, and what Longhorn and
 * Rook say of themselves. What may not be read is said, not left out.
 */
import { z } from 'zod';
import { type Fact, type HealthLevel, known, unknown } from '../../core/bmc.ts';
import type { AttachmentFacts, StorageFacts } from '../../core/cluster-facts.ts';
import { volumeOf } from '../../core/cluster-facts.ts';
import { FleetError } from '../../core/errors.ts';
import { type CustomObject, isForbidden, listCustomObjects, servedGroups } from './custom-objects.ts';
import type { Reach } from './reach.ts';
import { readList } from './reading.ts';

/** A detach usually takes seconds. */
const stuckMs = 120_000;

/** `attachments`: those of all nodes. Throws FleetError for anything but a missing permission. */
export async function readStorage(
  reach: Reach,
  attachments: () => Promise<AttachmentFacts[]>,
): Promise<StorageFacts[]> {
  const served = await servedGroups(reach);
  const longhorn = { group: 'longhorn.io', versions: ['v1beta2', 'v1beta1'], plural: 'volumes', kind: 'Volume' };
  const rook = { group: 'ceph.rook.io', versions: ['v1'], plural: 'cephclusters', kind: 'CephCluster' };
  const found = await Promise.all([
    orForbidden('VolumeAttachment', async () => (await attachments()).flatMap(attachmentTrouble)),
    orForbidden('PersistentVolumeClaim', () => lostClaims(reach)),
    orForbidden('Longhorn volume', async () =>
      (await listCustomObjects(reach, served, longhorn)).flatMap(longhornTrouble),
    ),
    orForbidden('CephCluster', async () => (await listCustomObjects(reach, served, rook)).map(cephHealth)),
  ]);
  return found.flat();
}

async function orForbidden(kind: string, list: () => Promise<StorageFacts[]>): Promise<StorageFacts[]> {
  try {
    return await list();
  } catch (thrown) {
    const error = FleetError.from(thrown);
    if (!isForbidden(error)) throw error;
    return [{ kind, namespace: '', name: '', health: unknown(error.message), message: '' }];
  }
}

function attachmentTrouble(attachment: AttachmentFacts): StorageFacts[] {
  const { name, node, attached, error, detachingSince } = attachment;
  const volume = volumeOf(attachment);
  const trouble = (level: HealthLevel, message: string) => [
    { kind: 'VolumeAttachment', namespace: '', name, health: known(level), message },
  ];
  if (error !== undefined) {
    const act = detachingSince === undefined ? 'attach to' : 'detach from';
    return trouble('critical', `${volume} does not ${act} ${node}: ${error}`);
  }
  const stuck = detachingSince !== undefined && Date.now() - Date.parse(detachingSince) > stuckMs;
  return stuck && attached ? trouble('warning', `${volume} is detaching from ${node} since ${detachingSince}`) : [];
}

async function lostClaims({ core, context }: Reach): Promise<StorageFacts[]> {
  const claims = await readList(
    { ...context('the PersistentVolumeClaims'), kind: 'PersistentVolumeClaimList' },
    page => core.listPersistentVolumeClaimForAllNamespaces(page),
    ({ metadata, spec, status }) => ({
      namespace: metadata?.namespace ?? '',
      name: metadata?.name ?? '',
      volume: spec?.volumeName,
      phase: status?.phase,
    }),
  );
  return claims
    .filter(({ phase }) => phase === 'Lost')
    .map(({ namespace, name, volume }) => ({
      kind: 'PersistentVolumeClaim',
      namespace,
      name,
      health: known('critical'),
      message: `its PersistentVolume ${volume ?? ''} is gone`,
    }));
}

const longhornStatus = z
  .object({ robustness: z.string().catch(''), state: z.string().catch('') })
  .catch({ robustness: '', state: '' });

/** A detached volume does not tell how well it is, and that is ordinary. */
function longhornTrouble({ namespace, name, status }: CustomObject): StorageFacts[] {
  const { robustness, state } = longhornStatus.parse(status);
  if (robustness === 'healthy' || (robustness === 'unknown' && state === 'detached')) return [];
  const levels: Record<string, Fact<HealthLevel>> = { degraded: known('warning'), faulted: known('critical') };
  const health = levels[robustness] ?? unknown(`Longhorn says ${robustness || 'nothing'}`);
  return [
    {
      kind: 'Longhorn volume',
      namespace,
      name,
      health,
      message: `${state || 'no state'}, ${robustness || 'no robustness'}`,
    },
  ];
}

const cephStatus = z
  .object({
    ceph: z.object({
      health: z.string().catch(''),
      details: z.record(z.string(), z.object({ message: z.string().catch('') })).catch({}),
    }),
  })
  .catch({ ceph: { health: '', details: {} } });

function cephHealth({ namespace, name, status }: CustomObject): StorageFacts {
  const { health, details } = cephStatus.parse(status).ceph;
  const levels: Record<string, HealthLevel> = { HEALTH_OK: 'ok', HEALTH_WARN: 'warning', HEALTH_ERR: 'critical' };
  const level = levels[health];
  const messages = Object.entries(details).map(([check, { message }]) => `${check}: ${message}`);
  return {
    kind: 'CephCluster',
    namespace,
    name,
    health: level === undefined ? unknown(`Ceph says ${health || 'nothing'}`) : known(level),
    message: messages.join('; '),
  };
}
