import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Kube } from '../../support/contract-api.ts';
import { contractCluster, given, holdFinalizer, until } from '../../support/contract-cluster.ts';
import { handPod, isReady, pod, podsOf, ready, workload } from '../../support/contract-workloads.ts';
import { testGrant } from '../../support/grant.ts';

const on = await contractCluster('deletion');
const { api, path } = on;
const finalizers = [holdFinalizer];
let node = '';

beforeAll(async () => {
  node = await on.ownNode('quiet');
});
afterAll(() => on.close());

const release = (name: string) => api.patch(path('pods', name), 'merge-patch', { metadata: { finalizers: null } });
const hold = (name: string) => api.must(api.patch(path('pods', name), 'merge-patch', { metadata: { finalizers } }));
const isGone = async (name: string) => (await api.send(path('pods', name))).status === 404;

describe('deleting a pod', () => {
  it('that is bound leaves it in place with the time and the grace that it has', async () => {
    const { metadata } = await handPod(on, { name: 'graceful', app: 'graceful', node, finalizers });
    const answer = await api.remove(path('pods', 'graceful'));
    expect(answer).toMatchObject({ status: 200, body: { kind: 'Pod', metadata: { uid: metadata.uid } } });
    expect(answer.body.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(answer.body.metadata.deletionTimestamp).toBeTruthy();
    const facts = (await on.cluster.pods(node)).find(({ uid }) => uid === metadata.uid);
    expect(facts?.terminating).toBe(true);
    expect(await on.cluster.podUid(on.namespace, 'graceful')).toBe(metadata.uid);
  });

  it('again may shorten its grace, and never prolong it', async () => {
    await handPod(on, { name: 'hurried', app: 'hurried', node, finalizers });
    const seconds = async (gracePeriodSeconds?: number) => {
      const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
      const { metadata } = await api.must(api.remove(path('pods', 'hurried'), options));
      return metadata.deletionGracePeriodSeconds;
    };
    expect(await seconds()).toBe(30);
    expect(await seconds(5)).toBeLessThanOrEqual(5);
    expect(await seconds(20)).toBeLessThanOrEqual(5);
  });

  it('without grace takes it away once no finalizer holds it', async () => {
    await handPod(on, { name: 'forced', app: 'forced', node, finalizers });
    const { metadata } = await api.must(api.remove(path('pods', 'forced'), { gracePeriodSeconds: 0 }));
    expect(metadata.deletionTimestamp).toBeTruthy();
    expect(await isGone('forced')).toBe(false);
    await release('forced');
    await until('the pod is gone', () => isGone('forced'));
    expect(await on.cluster.podUid(on.namespace, 'forced')).toBeUndefined();
  });

  it('that no node has takes it away at once', async () => {
    await api.create(path('pods'), pod(on, 'unbound', { onlyOn: `${on.namespace}-nowhere` }));
    const answer = await api.remove(path('pods', 'unbound'));
    expect(answer.status).toBe(200);
    expect(await isGone('unbound')).toBe(true);
  });

  it('that has finished takes it away at once', async () => {
    await handPod(on, { name: 'finished', app: 'finished', node, phase: 'Succeeded', isReady: false });
    await api.must(api.remove(path('pods', 'finished')));
    expect(await isGone('finished')).toBe(true);
  });

  it('of another uid is answered 409, and changes nothing', async () => {
    const { metadata } = await handPod(on, { name: 'insisted', app: 'insisted', node });
    const uid = '00000000-0000-4000-8000-000000000000';
    const answer = await api.remove(path('pods', 'insisted'), { preconditions: { uid } });
    expect(answer).toMatchObject({ status: 409, body: { kind: 'Status', reason: 'Conflict' } });
    expect((await api.get(path('pods', 'insisted'))).metadata.deletionTimestamp).toBeUndefined();
    const right = { preconditions: { uid: metadata.uid }, gracePeriodSeconds: 0 };
    expect((await api.remove(path('pods', 'insisted'), right)).status).toBe(200);
  });

  it('that is not there is answered 404', async () => {
    const answer = await api.remove(path('pods', 'nobody'));
    expect(answer).toMatchObject({ status: 404, body: { kind: 'Status', reason: 'NotFound' } });
  });
});

describe('deleting another object', () => {
  it('takes it away at once, and answers with a Status that names it', async () => {
    const { metadata } = await api.create(path('configmaps'), { metadata: { name: 'plain' } });
    const { status, body } = await api.remove(path('configmaps', 'plain'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'plain', uid: metadata.uid } });
    expect((await api.send(path('configmaps', 'plain'))).status).toBe(404);
  });

  it('with a finalizer marks it, until the last finalizer is taken off', async () => {
    await api.create(path('configmaps'), { metadata: { name: 'held', finalizers } });
    const at = path('configmaps', 'held');
    await api.must(api.remove(at));
    const held = await api.get(at);
    expect(held.metadata.deletionTimestamp).toBeTruthy();
    await api.must(api.patch(at, 'merge-patch', { metadata: { finalizers: null } }));
    expect((await api.send(at)).status).toBe(404);
  });
});

const workers = given(on.nodes.length > 0, 'no usable node');

describe('a pod that its controller replaces', () => {
  workers('of a ReplicaSet has a successor while it is still there, with another name and uid', async () => {
    await api.create(path('apps/v1 deployments'), workload(on, 'swift', { replicas: 1 }));
    const [first] = (await ready(on, 'swift', 1)) as [Kube];
    await hold(first.metadata.name);
    await api.must(api.remove(path('pods', first.metadata.name)));
    const next = await until('a successor is Ready', async () =>
      (await podsOf(on, 'swift')).find(each => each.metadata.uid !== first.metadata.uid && isReady(each)),
    );
    expect(next.metadata.name).not.toBe(first.metadata.name);
    const still = await api.get(path('pods', first.metadata.name));
    expect(still.metadata.uid).toBe(first.metadata.uid);
    expect(still.metadata.deletionTimestamp).toBeTruthy();
    await release(first.metadata.name);
    await until('the first is gone', () => isGone(first.metadata.name));
  });

  workers('of a StatefulSet has a successor of the same name and another uid, once it is gone', async () => {
    await api.create(path('apps/v1 statefulsets'), workload(on, 'steady', { replicas: 1 }));
    const [first] = (await ready(on, 'steady', 1)) as [Kube];
    expect(first.metadata.name).toBe('steady-0');
    await hold('steady-0');
    const { metadata } = await api.get(path('pods', 'steady-0'));
    const watch = await api.watch(
      `${path('pods')}?${new URLSearchParams({ watch: 'true', labelSelector: 'app=steady', resourceVersion: metadata.resourceVersion })}`,
    );
    await api.must(api.remove(path('pods', 'steady-0')));
    await until('it is on its way out', () => watch.events.some(({ object }) => object.metadata.deletionTimestamp));
    expect(await on.cluster.podUid(on.namespace, 'steady-0')).toBe(first.metadata.uid);
    await release('steady-0');
    await until('the name has another uid', async () => {
      const uid = await on.cluster.podUid(on.namespace, 'steady-0');
      return uid !== undefined && uid !== first.metadata.uid;
    });
    const gone = await on.cluster.evict(testGrant, first.metadata);
    expect(gone).toEqual({ outcome: 'gone' });
    await until('its beginning is told', () => watch.events.some(({ type }) => type === 'ADDED'));
    const told = watch.events.map(({ type }) => type).filter(type => type !== 'MODIFIED');
    expect(told.slice(0, 2)).toEqual(['DELETED', 'ADDED']);
    watch.stop();
  });

  workers('leaves with its Deployment', async () => {
    await api.create(path('apps/v1 deployments'), workload(on, 'owned', { replicas: 1 }));
    await ready(on, 'owned', 1);
    const options = { propagationPolicy: 'Background' };
    await api.must(api.remove(path('apps/v1 deployments', 'owned'), options));
    await until('ReplicaSet and pods are gone', async () => {
      const { items } = await api.get(`${path('apps/v1 replicasets')}?labelSelector=app%3Downed`);
      return items.length === 0 && (await podsOf(on, 'owned')).length === 0;
    });
  });
});
