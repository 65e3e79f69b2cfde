/** What runs in a lab cluster from the start: namespaces, workloads of several kinds and their disruption budgets. */
import type { PodSpec, StatefulSetObject } from '../model/objects.ts';
import { seedPriorityClasses } from '../model/priority.ts';
import type { NewObject, Store } from '../model/store.ts';
import { seedStorage } from './provisioner.ts';

type Workload = {
  namespace: string;
  name: string;
  replicas?: number;
  podSpec?: Partial<PodSpec>;
  spec?: object;
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
  seedPriorityClasses(store);
  seedStorage(store);
  const agent = { tolerations: [{ operator: 'Exists' }], priorityClassName: 'system-node-critical' };
  store.create('daemonsets', workload({ namespace: 'kube-system', name: 'node-agent', podSpec: agent }));
  store.create('deployments', workload({ namespace: 'shop', name: 'web', replicas: 3 }));
  store.create('statefulsets', workload({ namespace: 'shop', name: 'orders', replicas: 2 }));
  store.create('statefulsets', workload({ namespace: 'shop', name: 'ledger', replicas: 1, spec: withVolume }));
  const scratch = { volumes: [{ name: 'scratch', emptyDir: {} }] };
  store.create('deployments', workload({ namespace: 'media', name: 'encoder', replicas: 2, podSpec: scratch }));
  store.create('deployments', workload({ namespace: 'media', name: 'single', replicas: 1 }));
  store.create('poddisruptionbudgets', budget('web', { minAvailable: 2 }));
  store.create('poddisruptionbudgets', budget('orders', { maxUnavailable: 1 }));
}

const withVolume: Pick<StatefulSetObject['spec'], 'volumeClaimTemplates'> = {
  volumeClaimTemplates: [
    {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '8Gi' } } },
    },
  ],
};

function workload({ namespace, name, replicas, podSpec, spec }: Workload): NewObject {
  const labels = { app: name };
  const resources = { requests: { cpu: '250m', memory: '256Mi' } };
  const containers = [{ name, image: `registry.lab.test/${name}:1.0.0`, resources }];
  return {
    metadata: { name, namespace, labels },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      ...spec,
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
