/** Objects of a cluster that whoever may create them named and described. */
import type { NodeObject, PodObject } from '../../src/lab/cluster/model/objects.ts';
import { namespace, node, type Place } from './injected-place.ts';
import { siteOf } from './rollout.ts';
import type { Stack } from './stack.ts';

/** Nobody but us writes of what stands there. */
function storeOf(stack: Stack) {
  const { controllers, store } = siteOf(stack, node).cluster;
  controllers.pause();
  return store;
}

type Draft = Pick<PodObject, 'spec' | 'status'> & {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
};

/** A pod of that node which runs, as far as anybody can tell. */
function runningPod(stack: Stack, name: string, change: (draft: Draft) => void): void {
  const pod: Draft = {
    metadata: { namespace, name, labels: { app: name } },
    spec: { nodeName: node, containers: [{ name: 'c', image: 'i' }] },
    status: { phase: 'Running' },
  };
  change(pod);
  storeOf(stack).create('pods', pod);
}

function pod(place: string, change: (draft: Draft, entry: string) => void, more: Partial<Place> = {}): Place {
  return {
    place,
    reaches: true,
    about: 'cluster',
    put({ stack }, entry) {
      runningPod(stack, `of-${place.replaceAll(/\W+/g, '-')}`, draft => change(draft, entry));
      return [];
    },
    ...more,
  };
}

export const objectPlaces: Place[] = [
  pod('priority class of a pod', ({ spec }, entry) => Object.assign(spec, { priorityClassName: entry, priority: 1 }), {
    word: true,
  }),
  pod('path of the node that a pod uses', ({ spec }, path) => {
    spec.volumes = [{ name: 'v', hostPath: { path } } as { name: string }];
  }),
  pod(
    'name of the claim of a pod',
    ({ spec }, claimName) => {
      spec.volumes = [{ name: 'v', persistentVolumeClaim: { claimName } }];
    },
    { word: true },
  ),
  pod(
    'why a container waits',
    ({ spec, status }, reason) => {
      // Where no kubelet tells otherwise.
      spec.nodeName = 'of-others';
      status.phase = 'Pending';
      status.containerStatuses = [
        { name: 'c', image: 'i', ready: false, restartCount: 0, state: { waiting: { reason, message: reason } } },
      ];
    },
    { word: true },
  ),
  pod('image of a container', ({ spec }, image) => Object.assign(spec, { containers: [{ name: 'c', image }] }), {
    reaches: false,
  }),
  pod('annotation of a pod', ({ metadata }, note) => Object.assign(metadata, { annotations: { note } }), {
    reaches: false,
  }),
  {
    place: 'words of the scheduler',
    reaches: true,
    about: 'cluster',
    put({ stack }, message) {
      storeOf(stack).create('pods', {
        metadata: { namespace, name: 'unplaced' },
        spec: { containers: [{ name: 'c', image: 'i' }], nodeSelector: { 'groundskeeper.test/nowhere': 'yes' } },
        status: {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
        },
      });
      return [];
    },
  },
  {
    place: 'name of a PodDisruptionBudget',
    word: true,
    reaches: true,
    about: 'cluster',
    put({ stack }, name) {
      runningPod(stack, 'budgeted', () => undefined);
      storeOf(stack).create('poddisruptionbudgets', {
        metadata: { namespace, name, annotations: { 'meta.helm.sh/release-name': name } },
        spec: { minAvailable: 5, selector: { matchLabels: { app: 'budgeted' } } },
        status: { observedGeneration: 1, expectedPods: 1, currentHealthy: 1, desiredHealthy: 5, disruptionsAllowed: 0 },
      });
      return [];
    },
  },
  {
    place: 'name of a DaemonSet',
    word: true,
    reaches: true,
    about: 'cluster',
    put({ stack }, name) {
      storeOf(stack).create('daemonsets', {
        metadata: { namespace, name },
        spec: {
          selector: { matchLabels: { app: name } },
          template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
        },
        status: { desiredNumberScheduled: 3, numberReady: 0 },
      });
      return [];
    },
  },
  {
    place: 'error of a storage driver',
    reaches: true,
    about: 'cluster',
    put({ stack }, message) {
      storeOf(stack).create('volumeattachments', {
        metadata: { name: 'not-attached' },
        spec: { attacher: 'csi.example', nodeName: node, source: { persistentVolumeName: 'pv-7' } },
        status: { attached: false, attachError: { message } },
      });
      return [];
    },
  },
  {
    place: 'name of a Node that the inventory does not have',
    word: true,
    reaches: true,
    about: 'cluster',
    put({ stack }, name) {
      const { metadata, spec, status } = storeOf(stack).get('nodes', { name: node }) as NodeObject;
      const labels = { ...metadata.labels, 'kubernetes.io/hostname': name };
      storeOf(stack).create('nodes', { metadata: { name, labels }, spec, status });
      return [];
    },
  },
];
