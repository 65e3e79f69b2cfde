/** The API's picture of a control plane's static pods, which live in files on that node. */
import { createHash } from 'node:crypto';
import type { NodeObject } from '../model/objects.ts';
import type { NewObject } from '../model/store.ts';

const advertisedEndpoint = 'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint';

/** By component: its image, and the CPU that kubeadm requests for it. */
const components = {
  etcd: { image: 'registry.k8s.io/etcd:3.6.4-0', requests: { cpu: '100m', memory: '100Mi' } },
  'kube-apiserver': { image: 'registry.k8s.io/kube-apiserver:v1.34.2', requests: { cpu: '250m' } },
  'kube-controller-manager': { image: 'registry.k8s.io/kube-controller-manager:v1.34.2', requests: { cpu: '200m' } },
  'kube-scheduler': { image: 'registry.k8s.io/kube-scheduler:v1.34.2', requests: { cpu: '100m' } },
};

/** `advertised`: `host:port` of the API server, which kubeadm writes on its pod. */
export function mirrorPods(node: NodeObject, advertised: string): NewObject[] {
  const { name: nodeName, uid } = node.metadata;
  return Object.entries(components).map(([component, { image, requests }]) => {
    const hash = createHash('sha256').update(`${component}/${nodeName}`).digest('hex').slice(0, 32);
    return {
      metadata: {
        name: `${component}-${nodeName}`,
        namespace: 'kube-system',
        labels: { component, tier: 'control-plane' },
        annotations: {
          'kubernetes.io/config.hash': hash,
          'kubernetes.io/config.mirror': hash,
          'kubernetes.io/config.seen': node.metadata.creationTimestamp,
          'kubernetes.io/config.source': 'file',
          ...(component === 'kube-apiserver' ? { [advertisedEndpoint]: advertised } : {}),
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid, controller: true }],
      },
      spec: {
        nodeName,
        hostNetwork: true,
        containers: [{ name: component, image, resources: { requests } }],
        tolerations: [{ operator: 'Exists', effect: 'NoExecute' }],
        terminationGracePeriodSeconds: 30,
        restartPolicy: 'Always',
        priorityClassName: 'system-node-critical',
        priority: 2_000_001_000,
        preemptionPolicy: 'PreemptLowerPriority',
        schedulerName: 'default-scheduler',
        dnsPolicy: 'ClusterFirst',
        enableServiceLinks: true,
      },
      status: { phase: 'Pending' },
    };
  });
}
