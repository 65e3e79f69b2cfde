/** What runs in a lab cluster from the start: namespaces, workloads of several kinds and their disruption budgets. */
import { createHash } from 'node:crypto';
import type { NodeObject, PodSpec } from './objects.ts';
import type { NewObject, Store } from './store.ts';

type Workload = {
  namespace: string;
  name: string;
  replicas?: number;
  podSpec?: Partial<PodSpec>;
};

/** Creates the seed; the controllers turn it into pods. */
export function seedWorkloads(store: Store): void {
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease', 'shop', 'media']) {
    store.create('namespaces', {
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    store.create('serviceaccounts', { metadata: { name: 'default', namespace: name } });
  }
  store.create('daemonsets', {
    ...workload({ namespace: 'kube-system', name: 'node-agent', podSpec: { tolerations: [{ operator: 'Exists' }] } }),
  });
  store.create('deployments', workload({ namespace: 'shop', name: 'web', replicas: 3 }));
  store.create('statefulsets', workload({ namespace: 'shop', name: 'orders', replicas: 2 }));
  const scratch = { volumes: [{ name: 'scratch', emptyDir: {} }] };
  store.create('deployments', workload({ namespace: 'media', name: 'encoder', replicas: 2, podSpec: scratch }));
  store.create('deployments', workload({ namespace: 'media', name: 'single', replicas: 1 }));
  store.create('poddisruptionbudgets', budget('web', { minAvailable: 2 }));
  store.create('poddisruptionbudgets', budget('orders', { maxUnavailable: 1 }));
}

function workload({ namespace, name, replicas, podSpec }: Workload): NewObject {
  const labels = { app: name };
  const containers = [{ name, image: `registry.lab.test/${name}:1.0.0` }];
  return {
    metadata: { name, namespace, labels },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers, terminationGracePeriodSeconds: 30, ...podSpec } },
    },
    status: {},
  };
}

function budget(name: string, spec: { minAvailable?: number; maxUnavailable?: number }): NewObject {
  return {
    metadata: { name, namespace: 'shop' },
    spec: { ...spec, selector: { matchLabels: { app: name } } },
    status: {},
  };
}

/** The API's picture of a control plane's static pods, which live in files on that node. */
export function mirrorPods(node: NodeObject): NewObject[] {
  const { name: nodeName, uid } = node.metadata;
  return ['etcd', 'kube-apiserver'].map(component => {
    const hash = createHash('sha256').update(`${component}/${nodeName}`).digest('hex').slice(0, 32);
    return {
      metadata: {
        name: `${component}-${nodeName}`,
        namespace: 'kube-system',
        labels: { component, tier: 'control-plane' },
        annotations: {
          'kubernetes.io/config.hash': hash,
          'kubernetes.io/config.mirror': hash,
          'kubernetes.io/config.source': 'file',
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid, controller: true }],
      },
      spec: {
        nodeName,
        containers: [{ name: component, image: `registry.k8s.io/${component}:lab` }],
        tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
        terminationGracePeriodSeconds: 30,
        restartPolicy: 'Always',
      },
      status: { phase: 'Pending' },
    };
  });
}
