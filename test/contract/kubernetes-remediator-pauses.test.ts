/** Pausing others that repair nodes, over the wire: for several of us at once, and never over the pause of somebody else. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { RemediatorFacts } from '../../src/core/cluster-facts.ts';
import { FleetError } from '../../src/core/errors.ts';
import { createObject, declareKind, mergePatch } from '../support/custom-kinds.ts';
import { testGrant } from '../support/grant.ts';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

const more = new URL('../../deploy/kubernetes/pause-remediators.yaml', import.meta.url);
const [first, second] = ['op-1/w-1', 'op-2/w-2'];
const lock = 'weave.works/kured-node-lock';

type Row = {
  group: string;
  version: string;
  plural: string;
  kind: string;
  spec: object;
  theirs: { metadata: object } | { spec: object };
};

/** Each with the pause of somebody else, as a merge patch. */
const rows: Record<string, Row> = {
  'MachineHealthCheck of Cluster API': {
    ...{ group: 'cluster.x-k8s.io', version: 'v1beta2', plural: 'machinehealthchecks', kind: 'MachineHealthCheck' },
    ...{ spec: { selector: {} }, theirs: annotated({ 'cluster.x-k8s.io/paused': 'true' }) },
  },
  'MachineHealthCheck of OpenShift': {
    ...{ group: 'machine.openshift.io', version: 'v1beta1', plural: 'machinehealthchecks', kind: 'MachineHealthCheck' },
    ...{ spec: { selector: {} }, theirs: annotated({ 'cluster.x-k8s.io/paused': '' }) },
  },
  NodeHealthCheck: {
    ...{ group: 'remediation.medik8s.io', version: 'v1alpha1', plural: 'nodehealthchecks', kind: 'NodeHealthCheck' },
    ...{
      spec: { selector: {} },
      theirs: { spec: { pauseRequests: ['cluster upgrade', `groundskeeper works on a node: ${first}`] } },
    },
  },
  BareMetalHost: {
    ...{ group: 'metal3.io', version: 'v1alpha1', plural: 'baremetalhosts', kind: 'BareMetalHost' },
    spec: { online: true, bmc: { address: 'redfish://10.1.0.11/redfish/v1/Systems/1' } },
    theirs: annotated({ 'baremetalhost.metal3.io/paused': 'metal3.io/capm3' }),
  },
  kured: {
    ...{ group: 'apps', version: 'v1', plural: 'daemonsets', kind: 'kured' },
    spec: {
      selector: { matchLabels: { name: 'kured' } },
      template: {
        metadata: { labels: { name: 'kured' } },
        spec: {
          containers: [{ name: 'kured', image: 'kured:1.20.0', args: ['--concurrency=2', '--lock-ttl=30m'] }],
        },
      },
    },
    theirs: annotated({
      [lock]: JSON.stringify({
        maxOwners: 2,
        locks: Array.from({ length: 2 }, () => ({ nodeID: 'manual', created: '2100-01-01T00:00:00Z' })),
      }),
    }),
  },
};

function annotated(annotations: Record<string, string>): { metadata: object } {
  return { metadata: { annotations } };
}

let scene: KubernetesScene;

beforeAll(async () => {
  scene = await kubernetesScene('127.182.0.64');
  await settled(scene);
});
afterAll(() => scene?.close());

async function made(name: string): Promise<Row> {
  const row = rows[name];
  if (!row) throw new Error(`there is no row ${name}`);
  const { group, version, plural, kind, spec } = row;
  const whole = kind === 'NodeHealthCheck';
  if (kind !== 'kured')
    await declareKind(scene, { group, versions: [version], plural, kind, scope: whole ? 'Cluster' : 'Namespaced' });
  const metadata = { name: kind.toLowerCase(), ...(whole ? {} : { namespace: 'kube-system' }) };
  await createObject(scene, { path: `/apis/${group}/${version}`, plural, object: { metadata, spec } });
  await until(`${name} is seen`, async () => (await found(row)) !== undefined);
  return row;
}

async function found({ kind, group }: Row): Promise<RemediatorFacts | undefined> {
  return (await scene.cluster.remediators()).find(
    one => one.kind === kind && one.object?.startsWith(`/apis/${group}/`),
  );
}

async function facts(row: Row): Promise<RemediatorFacts & { object: string }> {
  const one = await found(row);
  if (!one?.object) throw new Error(`${row.kind} is not there`);
  return { ...one, object: one.object };
}

async function bare(path: string): Promise<unknown> {
  const { metadata, spec } = (await scene.raw(path)).body;
  return { annotations: metadata?.annotations ?? {}, spec: { pauseRequests: [], ...spec } };
}

/** As an effect does: a controller may write the object between the read and the write. */
async function onceMore(act: () => Promise<void>, left = 20): Promise<void> {
  try {
    await act();
  } catch (thrown) {
    if (left === 0 || FleetError.from(thrown).code !== 'conflict') throw thrown;
    await onceMore(act, left - 1);
  }
}
const hold = (row: Row, holder: string) =>
  onceMore(async () => scene.cluster.holdRemediator(testGrant, { remediator: await facts(row), holder }));
const release = (row: Row, holder: string) =>
  onceMore(async () => scene.cluster.releaseRemediator(testGrant, { remediator: await facts(row), holder }));

it('the account of rbac.yaml may pause nothing: that is another manifest', async () => {
  const row = await made('NodeHealthCheck');
  const { object } = await facts(row);
  await expect(hold(row, first)).rejects.toMatchObject({ code: 'cluster_refused' });
  expect(await bare(object)).toEqual({ annotations: {}, spec: { selector: {}, pauseRequests: [] } });
  for (const document of parseAllDocuments(readFileSync(more, 'utf8'))) {
    const { kind, ...rest } = document.toJS() as { kind: string; metadata: { name: string } };
    const path = '/apis/rbac.authorization.k8s.io/v1';
    await createObject(scene, { path, plural: `${kind.toLowerCase()}s`, object: { kind, ...rest } });
  }
  await until('it may', async () =>
    hold(row, first).then(
      () => true,
      () => false,
    ),
  );
  await release(row, first);
});

describe.each(Object.keys(rows))('%s', name => {
  let row: Row;
  let path: string;
  let before: unknown;
  beforeAll(async () => {
    row = (await found(rows[name] as Row)) ? (rows[name] as Row) : await made(name);
    ({ object: path } = await facts(row));
    before = await bare(path);
  });

  it('is paused for each of us, and until the last of us is done', async () => {
    expect((await facts(row)).pausedBy).toBeUndefined();
    await hold(row, first);
    await hold(row, second);
    await hold(row, second);
    expect(await facts(row)).toMatchObject({ pausedBy: expect.any(String), holders: [first, second] });
    await release(row, first);
    expect(await facts(row)).toMatchObject({ pausedBy: expect.any(String), holders: [second] });
    await release(row, first);
    await release(row, second);
    expect((await facts(row)).pausedBy).toBeUndefined();
    expect(await bare(path)).toEqual(before);
  });

  it('that somebody else paused is left to them, also where they do it after us', async () => {
    await hold(row, first);
    await mergePatch(scene, path, row.theirs);
    await release(row, first);
    const theirs = await bare(path);
    expect(await facts(row)).toMatchObject({ pausedBy: expect.any(String), holders: [] });
    const left = 'spec' in row.theirs ? { spec: { pauseRequests: ['cluster upgrade'] } } : row.theirs.metadata;
    expect(theirs).toMatchObject(left);
    if ('metadata' in row.theirs) {
      await hold(row, second);
      expect(await bare(path)).toEqual(theirs);
    }
    await release(row, second);
    expect(await bare(path)).toEqual(theirs);
  });
});
