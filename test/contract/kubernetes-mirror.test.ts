import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openClusters } from '../../src/adapters/kubernetes/open-clusters.ts';
import type { Cluster } from '../../src/core/cluster.ts';
import type { ClusterView } from '../../src/core/cluster-facts.ts';
import { type KubernetesScene, kubernetesScene, settled, until } from '../support/kubernetes-lab.ts';
import { sentRequests } from '../support/sent-requests.ts';

const watched = ['/api/v1/nodes', '/api/v1/pods', '/apis/apps/v1/daemonsets', '/apis/policy/v1/poddisruptionbudgets'];
const mirror = { silenceMs: 3000, lostMs: 10_000, longestPauseMs: 400 };

let scene: KubernetesScene;
let clusters: ReturnType<typeof openClusters>;
let cluster: Cluster;
const sent = sentRequests();

beforeAll(async () => {
  scene = await kubernetesScene('127.61.0.50');
  await settled(scene);
  clusters = open();
  cluster = clusters.of('lab');
});
afterEach(() => scene.lab.faults.clear());
afterAll(async () => {
  await clusters.close();
  await scene.close();
  sent.stop();
});

function open({ kubeconfigFile = scene.kubeconfigFile, timeoutMs = 5000, lostMs = mirror.lostMs } = {}) {
  return openClusters({ clusters: [{ name: 'lab', kubeconfigFile }], timeoutMs, mirror: { ...mirror, lostMs } });
}

type Contents = Omit<ClusterView, 'asOf'>;

function sorted({ nodes, pods, pdbs, daemonSets }: Contents): Contents {
  const byName = <T extends { namespace?: string; name: string }>(facts: readonly T[]) =>
    facts.toSorted((a, b) => `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`));
  return { nodes: byName(nodes), pods: byName(pods), pdbs: byName(pdbs), daemonSets: byName(daemonSets) };
}

async function lists(): Promise<Contents> {
  const { cluster: live } = scene;
  const [nodes, pods, pdbs, daemonSets] = await Promise.all([
    live.nodes(),
    live.pods(),
    live.pdbs(),
    live.daemonSets(),
  ]);
  return sorted({ nodes, pods, pdbs, daemonSets });
}

/** The view says what the lists say, all facts of all kinds, and there is one watch for each kind. */
async function agreed(): Promise<void> {
  const last: { seen?: Contents; live?: Contents } = {};
  await until('the view equals the lists', async () => {
    last.seen = sorted(await cluster.view());
    last.live = await lists();
    return JSON.stringify(last.seen) === JSON.stringify(last.live);
  }).catch(failed => {
    expect(last.seen).toEqual(last.live);
    throw failed;
  });
  expect(last.seen?.pods.length).toBeGreaterThan(10);
  await until('one watch for each kind', () => JSON.stringify(sent.openWatches()) === JSON.stringify(watched));
}

let made = 0;

/** A pod that no controller touches, until its node is named. */
function addPod(name = `loose-${made++}`): { namespace: string; name: string } {
  const metadata = { name, namespace: 'shop', labels: { app: 'loose' } };
  const spec = { containers: [{ name: 'c', image: 'i' }], schedulerName: 'nobody', nodeSelector: { none: 'such' } };
  scene.lab.store.create('pods', { metadata, spec, status: { phase: 'Pending' } });
  return { namespace: 'shop', name };
}

const holds = async (name: string) => (await cluster.view()).pods.some(pod => pod.name === name);

describe('the mirror of a cluster', () => {
  it('says what the lists say, and follows what is added, changed and deleted', async () => {
    await agreed();
    const added = addPod();
    scene.lab.store.update('nodes', { name: 'w-2' }, draft => {
      draft.metadata.labels = { ...draft.metadata.labels, changed: 'yes' };
    });
    await until('the new pod is seen', () => holds(added.name));
    await agreed();
    scene.lab.store.remove('pods', added);
    await until('the pod is gone', async () => !(await holds(added.name)));
    await agreed();
  });

  it('hands out the same facts until something changes, and asks nothing for it', async () => {
    const before = sent.all.length;
    const views = [await cluster.view(), await cluster.view()];
    expect(views[0]?.daemonSets).toBe(views[1]?.daemonSets);
    expect(views[0]?.pdbs).toBe(views[1]?.pdbs);
    expect(sent.all.slice(before).filter(({ path }) => !path.includes('watch=true'))).toEqual([]);
  });

  it('shares what many facts have in common, and lets nobody change it', async () => {
    const { pods } = await cluster.view();
    const [first, second] = pods.filter(pod => pod.name.startsWith('web-'));
    expect(first?.uid).not.toBe(second?.uid);
    expect(first?.placement).toBe(second?.placement);
    expect(Object.isFrozen(first?.placement.tolerations)).toBe(true);
  });

  it('tells until when it knows, and bookmarks carry it on while nothing happens', async () => {
    const { asOf } = await cluster.view();
    await until('the time advances', async () => (await cluster.view()).asOf > asOf);
    expect(Math.abs(Date.parse((await cluster.view()).asOf) - Date.now())).toBeLessThan(mirror.silenceMs + 2000);
  });

  it('goes on after its watches were cut, from where it was', async () => {
    const listed = listRequests();
    for (let i = 0; i < 5; i++) {
      scene.lab.cutWatches();
      const { name } = addPod();
      await until('what happened meanwhile is seen', () => holds(name));
    }
    expect(listRequests()).toBe(listed);
    await agreed();
  });

  it('goes on after connections were reset for a while', async () => {
    scene.lab.faults.set('reset');
    scene.lab.cutWatches();
    const { name } = addPod();
    await until('a few tries failed', () => sent.openWatches().length === 0);
    scene.lab.faults.clear();
    await until('what happened meanwhile is seen', () => holds(name));
    await agreed();
  });

  it('lists again when its version is forgotten, and lets go of what was deleted meanwhile', async () => {
    const gone = addPod();
    await until('the pod is seen', () => holds(gone.name));
    scene.lab.faults.set('reset');
    scene.lab.cutWatches();
    scene.lab.store.remove('pods', gone);
    const { name } = addPod();
    scene.lab.compact();
    const listed = listRequests();
    scene.lab.faults.clear();
    await until('the new pod is seen', () => holds(name));
    expect(await holds(gone.name)).toBe(false);
    expect(listRequests()).toBeGreaterThan(listed);
    await agreed();
  });

  it('lists again when a watch says 410 inside the stream', async () => {
    scene.lab.faults.set({ kind: 'watch-expired', times: 4 });
    scene.lab.cutWatches();
    const { name } = addPod();
    await until('the new pod is seen', () => holds(name));
    await agreed();
  });

  it('knows another pod under the same name after a list as the other one', async () => {
    const again = addPod('orders-again');
    await until('the pod is seen', () => holds(again.name));
    const uidOf = async () => (await cluster.view()).pods.filter(({ name }) => name === again.name).map(p => p.uid);
    const [before] = await uidOf();
    scene.lab.faults.set('reset');
    scene.lab.cutWatches();
    scene.lab.store.remove('pods', again);
    addPod('orders-again');
    scene.lab.compact();
    scene.lab.faults.clear();
    const now = scene.lab.store.get('pods', again)?.metadata.uid;
    await until('the new uid is seen', async () => (await uidOf())[0] === now);
    expect(now).not.toBe(before);
    expect(await uidOf()).toEqual([now]);
    await agreed();
  });

  it('notices a watch that went silent, and finds what it was not told', async () => {
    scene.lab.faults.set('watch-silence');
    const { name } = addPod();
    const listed = listRequests();
    await until('the new pod is seen', () => holds(name));
    expect(listRequests()).toBeGreaterThan(listed);
    scene.lab.faults.clear();
    await agreed();
  });

  it('survives a restart of the API server', async () => {
    const gone = addPod();
    await until('the pod is seen', () => holds(gone.name));
    const restarting = scene.lab.restart(50_000);
    scene.lab.store.remove('pods', gone);
    const { name } = addPod();
    await until('the loss is told', async () => (await cluster.view()).lostSince !== undefined);
    expect(await holds(gone.name)).toBe(true);
    await restarting;
    await until('what happened meanwhile is seen', async () => (await holds(name)) && !(await holds(gone.name)));
    await agreed();
    await until('no loss is told any more', async () => (await cluster.view()).lostSince === undefined);
  });

  it('waits as long as a busy API server asks', async () => {
    scene.lab.faults.set({ kind: 'answer', status: 429, retryAfterSeconds: 1, path: '/pods', times: 2 });
    const before = sent.all.length;
    scene.lab.cutWatches();
    const { name } = addPod();
    await until('what happened meanwhile is seen', () => holds(name));
    expect(sent.all.slice(before).filter(({ path }) => path.includes('/pods')).length).toBeLessThanOrEqual(4);
    await agreed();
  });

  it('holds on to what it knows while contact is lost for a moment, and says so when it is lost for long', async () => {
    const impatient = open({ lostMs: 1000 });
    const view = () => impatient.of('lab').view();
    await view();
    scene.lab.faults.set('partition');
    scene.lab.cutWatches();
    expect((await view()).nodes).toHaveLength(4);
    const failure = await until('the view fails', () =>
      view().then(
        () => undefined,
        fail => fail,
      ),
    );
    expect(failure).toMatchObject({ code: 'cluster_unreachable', retry: 'later' });
    scene.lab.faults.clear();
    await until('the view is back', () =>
      view().then(
        () => true,
        () => false,
      ),
    );
    await impatient.close();
    await agreed();
  });

  it('takes lists that are longer than a page', async () => {
    const names = Array.from({ length: 1001 }, (_, index) => `many-${index}`);
    for (const name of names) {
      scene.lab.store.create('poddisruptionbudgets', {
        metadata: { name, namespace: 'media' },
        spec: { selector: { matchLabels: { app: name } }, minAvailable: 0 },
        status: {},
      });
    }
    await agreed();
    scene.lab.faults.set({ kind: 'watch-expired', times: 4 });
    scene.lab.cutWatches();
    await until('all are listed', async () => (await cluster.view()).pdbs.length > names.length);
    await agreed();
    for (const name of names) scene.lab.store.remove('poddisruptionbudgets', { namespace: 'media', name });
    await agreed();
  });
});

describe('the first question to a mirror', () => {
  it('fails with the reason when the API server refuses us, and not only after a wait', async () => {
    const file = `${scene.folder}/stranger`;
    await writeFile(file, scene.lab.kubeconfig.replace(/token: .*/, 'token: nobody'));
    const stranger = open({ kubeconfigFile: file });
    await expect(stranger.of('lab').view()).rejects.toMatchObject({ code: 'cluster_refused' });
    await stranger.close();
  });

  it('fails after a few tries while the API server is away, and is answered once it is back', async () => {
    const late = open();
    const restarting = scene.lab.restart(150_000);
    await expect(late.of('lab').view()).rejects.toMatchObject({ code: 'cluster_unreachable', retry: 'later' });
    await restarting;
    await until('it is answered', () =>
      late
        .of('lab')
        .view()
        .then(
          () => true,
          () => false,
        ),
    );
    await late.close();
    await agreed();
  });

  it('fails in time when nothing answers at all', async () => {
    const waiting = open({ timeoutMs: 500 });
    scene.lab.faults.set('hang');
    const started = Date.now();
    await expect(waiting.of('lab').view()).rejects.toMatchObject({ code: 'timeout', retry: 'later' });
    expect(Date.now() - started).toBeLessThan(5000);
    await waiting.close();
    scene.lab.faults.clear();
  });

  it('begins the watches, and closing ends them all', async () => {
    await clusters.close();
    await until('no watch is open', () => sent.openWatches().length === 0);
    await agreed();
    const views = await Promise.all(Array.from({ length: 20 }, () => cluster.view()));
    expect(views).toHaveLength(20);
    expect(sent.openWatches()).toEqual(watched);
  });
});

/** Pages of pods asked for so far, by the mirror or by the lists that it is compared with. */
function listRequests(): number {
  return sent.all.filter(({ path }) => path.startsWith('/api/v1/pods?') && path.includes('limit=500')).length;
}
