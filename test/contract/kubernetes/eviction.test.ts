import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvictionOutcome } from '../../../src/core/cluster.ts';
import type { Kube, Reply } from '../../support/contract-api.ts';
import { contractCluster, given, holdFinalizer, until } from '../../support/contract-cluster.ts';
import { budget, budgets, counted, handPod, pod } from '../../support/contract-workloads.ts';
import { testGrant } from '../../support/grant.ts';

const on = await contractCluster('eviction');
const { api, account, path, cluster } = on;
const finalizers = [holdFinalizer];
const nobody = '00000000-0000-4000-8000-000000000000';
let node = '';

beforeAll(async () => {
  node = await on.ownNode('host');
});
afterAll(() => on.close());

/** As the product's account: evictions are what it may do to pods. */
const evict = (name: string, eviction: object = {}): Promise<Reply> =>
  account.post(`${path('pods', name)}/eviction`, { metadata: { name, namespace: on.namespace }, ...eviction });
const read = (name: string) => api.get(path('pods', name));
const protect = (app: string, spec: Record<string, unknown>) => api.create(path(budgets), budget(app, spec));
const readyPods = (app: string, count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => handPod(on, { name: `${app}-${i}`, app, node })));
const adapterEvicts = ({ metadata }: Kube): Promise<EvictionOutcome> => cluster.evict(testGrant, metadata);

describe('an eviction that asks for nothing sensible', () => {
  it('is answered 400 when its name is not the one in the path', async () => {
    await handPod(on, { name: 'misnamed', app: 'misnamed', node });
    const answer = await evict('misnamed', { metadata: { name: 'another' } });
    expect(answer).toMatchObject({ status: 400, body: { kind: 'Status', reason: 'BadRequest' } });
    expect((await read('misnamed')).metadata.deletionTimestamp).toBeUndefined();
  });

  it('is answered 404 when there is no such pod, which the adapter calls gone', async () => {
    expect(await evict('nobody')).toMatchObject({ status: 404, body: { kind: 'Status', reason: 'NotFound' } });
    const outcome = await cluster.evict(testGrant, { namespace: on.namespace, name: 'nobody', uid: nobody });
    expect(outcome).toEqual({ outcome: 'gone' });
  });

  it('is answered 409 for another uid, which the adapter calls gone', async () => {
    const { metadata } = await handPod(on, { name: 'reborn', app: 'reborn', node });
    const answer = await evict('reborn', { deleteOptions: { preconditions: { uid: nobody } } });
    expect(answer).toMatchObject({ status: 409, body: { kind: 'Status', reason: 'Conflict' } });
    const outcome = await cluster.evict(testGrant, { namespace: on.namespace, name: 'reborn', uid: nobody });
    expect(outcome).toEqual({ outcome: 'gone' });
    const after = await read('reborn');
    expect(after.metadata).toMatchObject({ uid: metadata.uid });
    expect(after.metadata.deletionTimestamp).toBeUndefined();
  });

  it('is answered 409 for a version that the pod no longer has', async () => {
    const { metadata } = await handPod(on, { name: 'changed', app: 'changed', node });
    await api.must(api.patch(path('pods', 'changed'), 'merge-patch', { metadata: { labels: { changed: 'yes' } } }));
    const preconditions = { resourceVersion: metadata.resourceVersion };
    expect((await evict('changed', { deleteOptions: { preconditions } })).status).toBe(409);
    expect((await read('changed')).metadata.deletionTimestamp).toBeUndefined();
  });
});

describe('an eviction that no budget is asked about', () => {
  it('marks the pod as disrupted and deletes it with its grace', async () => {
    const made = await handPod(on, { name: 'plain', app: 'plain', node, finalizers });
    expect(await adapterEvicts(made)).toEqual({ outcome: 'accepted' });
    const { metadata, status } = await read('plain');
    expect(metadata.deletionTimestamp).toBeTruthy();
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' }),
    );
  });

  it('answers 201 with a Status of success', async () => {
    await handPod(on, { name: 'created', app: 'created', node });
    const answer = await evict('created');
    expect(answer).toMatchObject({ status: 201, body: { kind: 'Status', status: 'Success' } });
  });

  it('takes a Pending pod, whatever the budget says', async () => {
    await protect('pending', { minAvailable: 1 });
    await api.create(
      path('pods'),
      pod(on, 'pending-0', { labels: { app: 'pending' }, onlyOn: `${on.namespace}-nowhere` }),
    );
    await counted(on, 'pending', { expectedPods: 1, disruptionsAllowed: 0 });
    expect((await evict('pending-0')).status).toBe(201);
    expect((await api.send(path('pods', 'pending-0'))).status).toBe(404);
  });

  it.each(['Succeeded', 'Failed'])('takes a %s pod, whatever the budget says', async phase => {
    const app = phase.toLowerCase();
    await protect(app, { minAvailable: 1 });
    const [healthy, done] = (await readyPods(app, 1)).concat(
      await handPod(on, { name: `${app}-done`, app, node, phase, isReady: false }),
    ) as [Kube, Kube];
    await counted(on, app, { currentHealthy: 1, disruptionsAllowed: 0 });
    expect(await adapterEvicts(done)).toEqual({ outcome: 'accepted' });
    expect(await adapterEvicts(healthy)).toMatchObject({ outcome: 'blocked' });
  });

  it('takes a pod that is terminating already, whatever the budget says', async () => {
    await protect('ending', { minAvailable: 1 });
    const made = await handPod(on, { name: 'ending-0', app: 'ending', node, finalizers });
    await counted(on, 'ending', { currentHealthy: 1, disruptionsAllowed: 0 });
    expect((await evict('ending-0')).status).toBe(429);
    await api.must(api.remove(path('pods', 'ending-0')));
    expect(await adapterEvicts(made)).toEqual({ outcome: 'accepted' });
  });
});

describe('an eviction under a budget', () => {
  it('that allows nothing is answered 429 with its cause and no Retry-After', async () => {
    await protect('full', { minAvailable: 2 });
    const [made] = (await readyPods('full', 2)) as [Kube];
    await counted(on, 'full', { currentHealthy: 2, disruptionsAllowed: 0 });
    const answer = await evict('full-0');
    expect(answer).toMatchObject({ status: 429, body: { kind: 'Status', reason: 'TooManyRequests', code: 429 } });
    expect(answer.body.details?.causes).toEqual([
      {
        reason: 'DisruptionBudget',
        message: 'The disruption budget full needs 2 healthy pods and has 2 currently',
      },
    ]);
    expect(answer.headers['retry-after']).toBeUndefined();
    const outcome = await adapterEvicts(made);
    expect(outcome).toEqual({ outcome: 'blocked', message: expect.stringContaining('full needs 2 healthy pods') });
    expect((await read('full-0')).metadata.deletionTimestamp).toBeUndefined();
  });

  it('that allows one takes one, and remembers which, before anybody else looks', async () => {
    await protect('one', { minAvailable: 1 });
    await readyPods('one', 2);
    const { metadata } = await counted(on, 'one', { currentHealthy: 2, disruptionsAllowed: 1 });
    const query = { watch: 'true', fieldSelector: 'metadata.name=one', resourceVersion: metadata.resourceVersion };
    const watch = await api.watch(`${path(budgets)}?${new URLSearchParams(query)}`);
    const answers = [await evict('one-0'), await evict('one-1')];
    expect(answers.map(({ status }) => status)).toEqual([201, 429]);
    const told = await until('the budget tells of it', () => watch.events[0]?.object);
    expect(told.status).toMatchObject({
      disruptionsAllowed: 0,
      disruptedPods: { 'one-0': expect.stringMatching(/^\d{4}-/) },
    });
    watch.stop();
  });

  it('is tried out without taking anything on a dry run', async () => {
    await protect('tried', { minAvailable: 1 });
    await readyPods('tried', 2);
    const before = await counted(on, 'tried', { disruptionsAllowed: 1 });
    expect((await evict('tried-0', { deleteOptions: { dryRun: ['All'] } })).status).toBe(201);
    expect(
      (await account.post(`${path('pods', 'tried-1')}/eviction?dryRun=All`, { metadata: { name: 'tried-1' } })).status,
    ).toBe(201);
    for (const name of ['tried-0', 'tried-1']) {
      expect((await read(name)).metadata.deletionTimestamp).toBeUndefined();
    }
    const after = await api.get(path(budgets, 'tried'));
    expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  });

  it('takes an unready pod while enough others are healthy, and nothing from the budget for it', async () => {
    await protect('spare', { minAvailable: 2 });
    await readyPods('spare', 2);
    const sick = await handPod(on, { name: 'spare-sick', app: 'spare', node, isReady: false });
    await counted(on, 'spare', { expectedPods: 3, currentHealthy: 2, disruptionsAllowed: 0 });
    expect(await adapterEvicts(sick)).toEqual({ outcome: 'accepted' });
    expect((await evict('spare-0')).status).toBe(429);
  });

  it('keeps an unready pod while too few are healthy', async () => {
    await protect('scarce', { minAvailable: 2 });
    await readyPods('scarce', 1);
    const sick = await handPod(on, { name: 'scarce-sick', app: 'scarce', node, isReady: false });
    await counted(on, 'scarce', { expectedPods: 2, currentHealthy: 1, disruptionsAllowed: 0 });
    expect(await adapterEvicts(sick)).toMatchObject({ outcome: 'blocked' });
  });

  it('takes every unready pod and no other under AlwaysAllow', async () => {
    await protect('loose', { minAvailable: 3, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    await readyPods('loose', 1);
    const sick = await handPod(on, { name: 'loose-sick', app: 'loose', node, isReady: false });
    await counted(on, 'loose', { expectedPods: 2, currentHealthy: 1, disruptionsAllowed: 0 });
    expect((await evict('loose-0')).status).toBe(429);
    expect(await adapterEvicts(sick)).toEqual({ outcome: 'accepted' });
  });

  it('is answered 500 without a reason when several protect the pod, which the adapter calls refused', async () => {
    const [made] = (await readyPods('twice', 1)) as [Kube];
    await protect('twice', { minAvailable: 0 });
    const { spec } = budget('twice', { minAvailable: 0 }) as { spec: object };
    await api.create(path(budgets), { metadata: { name: 'twice-too' }, spec });
    await counted(on, 'twice', { currentHealthy: 1 });
    await counted(on, 'twice-too', { currentHealthy: 1 });
    const { status, body } = await evict('twice-0');
    expect(status).toBe(500);
    expect(body).toMatchObject({ kind: 'Status', status: 'Failure', code: 500 });
    expect(body.message).toContain('more than one PodDisruptionBudget');
    expect(body.reason).toBeUndefined();
    expect(await adapterEvicts(made)).toMatchObject({
      outcome: 'refused',
      status: 500,
      message: expect.stringContaining('more than one PodDisruptionBudget'),
    });
    expect((await read('twice-0')).metadata.deletionTimestamp).toBeUndefined();
  });

  const { lab } = on;
  given(lab !== undefined, 'a real controller cannot be held still')(
    'that is newer than its status is answered 429 with Retry-After',
    async () => {
      await protect('behind', { minAvailable: 1 });
      const [made] = (await readyPods('behind', 2)) as [Kube];
      await counted(on, 'behind', { disruptionsAllowed: 1 });
      lab?.controllers.pause();
      await api.must(api.patch(path(budgets, 'behind'), 'merge-patch', { spec: { minAvailable: 0 } }));
      const answer = await evict('behind-0');
      const outcome = await adapterEvicts(made);
      lab?.controllers.resume();
      expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
      expect(outcome).toMatchObject({ outcome: 'blocked', retryAfterMs: 10_000 });
      await counted(on, 'behind', { disruptionsAllowed: 2 });
    },
  );
});

describe('an eviction in a namespace that is being deleted', () => {
  it('is answered 403 with its cause, which the adapter calls blocked', async () => {
    const { metadata } = await on.ownObject('/api/v1/namespaces', { metadata: { name: 'ending' } });
    const namespace = metadata.name;
    const inside = `/api/v1/namespaces/${namespace}`;
    const { status } = await api.post(`${inside}/serviceaccounts`, { metadata: { name: 'default' } });
    expect([201, 409]).toContain(status);
    const made = await api.create(`${inside}/pods`, pod(on, 'last', { node, finalizers }));
    await api.must(api.remove(inside));
    const eviction = { metadata: { name: 'last', namespace } };
    const answer = await account.post(`${inside}/pods/last/eviction`, eviction);
    const outcome = await adapterEvicts(made);
    await api.patch(`${inside}/pods/last`, 'merge-patch', { metadata: { finalizers: null } });
    await api.remove(`${inside}/pods/last`, { gracePeriodSeconds: 0 });
    expect(answer).toMatchObject({ status: 403, body: { kind: 'Status', reason: 'Forbidden' } });
    expect(answer.body.details?.causes?.map(({ reason }) => reason)).toContain('NamespaceTerminating');
    expect(outcome).toMatchObject({ outcome: 'blocked', message: expect.stringContaining('being terminated') });
    await until('the namespace is gone', async () => (await api.send(inside)).status === 404);
  });
});
