import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';

let scene: KubernetesScene;
const speed = 50;
const merge = { 'content-type': 'application/merge-patch+json' };
const attachmentsPath = '/apis/storage.k8s.io/v1/volumeattachments';
const podPath = '/api/v1/namespaces/shop/pods/ledger-0';

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.32');
});
beforeEach(async () => {
  await settled(scene);
  await until('the volume is on the pod’s node alone', async () => {
    const node = (await pod())?.node;
    const found = await attachments();
    return found.length === 1 && found[0]?.node === node && found[0]?.attached && !found[0].detaching;
  });
});
afterAll(() => scene.close());

type Attachment = { node: string; volume: string; attached: boolean; detaching: boolean; error?: string | undefined };

async function attachments(): Promise<Attachment[]> {
  const { items = [] } = (await scene.raw(attachmentsPath)).body;
  return items.map(({ metadata, spec, status }) => ({
    node: String(spec?.nodeName),
    volume: String((spec?.source as { persistentVolumeName?: string } | undefined)?.persistentVolumeName),
    attached: status?.attached === true,
    detaching: metadata?.deletionTimestamp !== undefined,
    error: (status?.detachError as { message?: string } | undefined)?.message,
  }));
}

async function pod() {
  const { status, body } = await scene.raw(podPath);
  if (status !== 200) return undefined;
  return { uid: body.metadata?.uid, node: String(body.spec?.nodeName), phase: body.status?.phase };
}

async function volumesOf(node: string) {
  const { status } = (await scene.raw(`/api/v1/nodes/${node}`)).body;
  const attached = (status?.volumesAttached as { name: string }[] | undefined) ?? [];
  return { inUse: (status?.volumesInUse as string[] | undefined) ?? [], attached: attached.map(({ name }) => name) };
}

const cordon = (node: string, unschedulable: boolean) =>
  scene.raw(`/api/v1/nodes/${node}`, { method: 'PATCH', headers: merge, body: { spec: { unschedulable } } });
const remove = (query = '') => scene.raw(`${podPath}${query}`, { method: 'DELETE' });

async function movedFrom(uid: string | undefined) {
  return until('the pod runs again', async () => {
    const now = await pod();
    return now !== undefined && now.uid !== uid && now.phase === 'Running' && now;
  });
}

async function eventsOf(reason: string) {
  const { items = [] } = (await scene.raw(`/api/v1/namespaces/shop/events?fieldSelector=reason%3D${reason}`)).body;
  return items as { message?: string; involvedObject?: { name?: string } }[];
}

describe('the claim of a StatefulSet', () => {
  it('is bound to a volume that is attached to the pod’s node, and mounted there', async () => {
    const claim = (await scene.raw('/api/v1/namespaces/shop/persistentvolumeclaims/data-ledger-0')).body;
    const volume = (await scene.raw(`/api/v1/persistentvolumes/${claim.spec?.volumeName}`)).body;
    expect(volume).toMatchObject({
      spec: { claimRef: { name: 'data-ledger-0', uid: claim.metadata?.uid }, accessModes: ['ReadWriteOnce'] },
      status: { phase: 'Bound' },
    });
    const csi = volume.spec?.csi as { driver: string; volumeHandle: string };
    const { node = '' } = (await pod()) ?? {};
    const name = `kubernetes.io/csi/${csi.driver}^${csi.volumeHandle}`;
    expect(await volumesOf(node)).toEqual({ inUse: [name], attached: [name] });
    expect(await eventsOf('SuccessfulAttachVolume')).not.toHaveLength(0);
  });

  it('follows the pod: detached a while after it is unmounted, then attached elsewhere', async () => {
    const before = await pod();
    const watch = await scene.watch(`${attachmentsPath}?watch=true`);
    await cordon(before?.node ?? '', true);
    await remove();
    const after = await movedFrom(before?.uid);
    expect(after.node).not.toBe(before?.node);
    watch.stop();
    const steps = watch.events.map(({ type, object }) => `${type} ${object.spec?.nodeName}`);
    const gone = steps.indexOf(`DELETED ${before?.node}`);
    expect(gone).toBeGreaterThan(0);
    expect(steps.indexOf(`ADDED ${after.node}`)).toBeGreaterThan(gone);
    expect(await volumesOf(before?.node ?? '')).toEqual({ inUse: [], attached: [] });
    await cordon(before?.node ?? '', false);
  });

  it('stays where a detach fails, says why, and keeps the next pod waiting', async () => {
    const before = await pod();
    const [attachment] = await attachments();
    const { storage } = scene.lab.controlPlane;
    storage.failDetach(attachment?.volume ?? '', 'the array does not answer');
    await cordon(before?.node ?? '', true);
    await remove();
    const stuck = await until('the error shows', async () => (await attachments()).find(({ error }) => error));
    expect(stuck).toMatchObject({ node: before?.node, detaching: true, error: 'the array does not answer' });
    await until('the next pod is kept waiting', async () =>
      (await eventsOf('FailedAttachVolume')).some(({ message }) =>
        message?.startsWith('Multi-Attach error for volume'),
      ),
    );
    expect((await pod())?.phase).toBe('Pending');
    storage.allowDetach(attachment?.volume ?? '');
    await movedFrom(before?.uid);
    await cordon(before?.node ?? '', false);
  });
});

describe('a volume on a node that died', () => {
  const died = async () => {
    const before = await pod();
    const node = before?.node ?? '';
    scene.hosts[node]?.powerOff();
    await until('the node is lost', async () => !(await scene.cluster.node(node)).ready);
    return { before, node };
  };
  const back = async (node: string) => {
    scene.hosts[node]?.powerOn();
    await until('the node is back', async () => (await scene.cluster.node(node)).ready);
  };

  it('is detached only six minutes after its pod was taken away by force', async () => {
    const { before, node } = await died();
    await cordon(node, true);
    await remove('?gracePeriodSeconds=0');
    const forced = Date.now();
    await until(
      'the volume is being detached',
      async () => !(await attachments()).some(each => each.node === node && !each.detaching),
    );
    expect(Date.now() - forced).toBeGreaterThan((360_000 / speed) * 0.95);
    await movedFrom(before?.uid);
    await cordon(node, false);
    await back(node);
  });

  it('comes off at once when the node is declared out of service, and its pods go by themselves', async () => {
    const { before, node } = await died();
    const taints = [
      ...(((await scene.raw(`/api/v1/nodes/${node}`)).body.spec?.taints ?? []) as object[]),
      { key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' },
    ];
    const declared = Date.now();
    await scene.raw(`/api/v1/nodes/${node}`, { method: 'PATCH', headers: merge, body: { spec: { taints } } });
    const after = await movedFrom(before?.uid);
    expect(after.node).not.toBe(node);
    expect(Date.now() - declared).toBeLessThan((360_000 / speed) * 0.6);
    const rest = taints.filter(taint => !JSON.stringify(taint).includes('out-of-service'));
    await scene.raw(`/api/v1/nodes/${node}`, { method: 'PATCH', headers: merge, body: { spec: { taints: rest } } });
    await back(node);
  });
});

describe('an attachment that somebody else made', () => {
  it('is left alone', async () => {
    const metadata = { name: 'by-hand' };
    const spec = { attacher: 'other.example', nodeName: 'w-1', source: { persistentVolumeName: 'nothing' } };
    await scene.raw(attachmentsPath, { method: 'POST', body: { metadata, spec } });
    const before = await pod();
    await remove();
    await movedFrom(before?.uid);
    const { body } = await scene.raw(`${attachmentsPath}/by-hand`);
    expect(body.metadata).toMatchObject({ name: 'by-hand' });
    expect(body.metadata?.deletionTimestamp).toBeUndefined();
    expect((await scene.raw(`${attachmentsPath}/by-hand`, { method: 'DELETE' })).status).toBe(200);
  });
});

describe('a claim that is deleted', () => {
  it('stays while a pod uses it, and takes its volume with it', async () => {
    const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
    const pods = '/api/v1/namespaces/default/pods';
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    await scene.raw(claims, { method: 'POST', body: { metadata: { name: 'own' }, spec } });
    const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'own' } }];
    const containers = [{ name: 'c', image: 'registry.lab.test/c:1' }];
    await scene.raw(pods, { method: 'POST', body: { metadata: { name: 'user' }, spec: { containers, volumes } } });
    await until('it runs', async () => (await scene.raw(`${pods}/user`)).body.status?.phase === 'Running');
    const volume = (await scene.raw(`${claims}/own`)).body.spec?.volumeName;
    await scene.raw(`${claims}/own`, { method: 'DELETE' });
    expect((await scene.raw(`${claims}/own`)).body.metadata?.deletionTimestamp).toBeTruthy();
    await scene.raw(`${pods}/user?gracePeriodSeconds=1`, { method: 'DELETE' });
    await until('the claim is gone', async () => (await scene.raw(`${claims}/own`)).status === 404);
    await until(
      'the volume is gone',
      async () => (await scene.raw(`/api/v1/persistentvolumes/${volume}`)).status === 404,
    );
  });
});
