/** Nodes and pods as full as real ones come from a cluster, without managedFields. */
import { createHash } from 'node:crypto';
import type { NewObject } from '../../src/lab/cluster/model/store.ts';

const now = new Date(Date.now() - 86_400_000).toISOString();
const apps = ['web', 'api', 'cache', 'queue', 'worker', 'search', 'billing', 'mail', 'media', 'auth'];

export function nodeObject(index: number): NewObject {
  const name = `node-${index}`;
  const condition = (type: string, status: string) => ({
    type,
    status,
    reason: `Kubelet${type}`,
    message: `kubelet reports ${type} ${status}`,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  const quantities = { cpu: '64', memory: '263741972Ki', 'ephemeral-storage': '459Gi', pods: '110' };
  return {
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/zone': `zone-${index % 3}`,
      },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: { podCIDR: `10.244.${index}.0/24` },
    status: {
      capacity: quantities,
      allocatable: quantities,
      addresses: [
        { type: 'InternalIP', address: `10.0.0.${index}` },
        { type: 'Hostname', address: name },
      ],
      conditions: [
        condition('MemoryPressure', 'False'),
        condition('DiskPressure', 'False'),
        condition('PIDPressure', 'False'),
        condition('Ready', 'True'),
      ],
      nodeInfo: {
        systemUUID: uuidOf(name),
        bootID: uuidOf(`boot ${name}`),
        kubeletVersion: 'v1.34.2',
        osImage: 'Ubuntu 24.04.1 LTS',
        kernelVersion: '6.8.0-51-generic',
        containerRuntimeVersion: 'containerd://1.7.24',
      },
      images: Array.from({ length: 30 }, (_, image) => ({
        names: [`registry.example/app-${image}@sha256:${hashOf(`image ${image}`)}`],
        sizeBytes: 50_000_000 + image,
      })),
    },
  };
}

/** The pod with this number in its cluster; `life` tells one that came in its place. */
export function podObject(index: number, { node, life }: { node: string; life: number }): NewObject {
  const app = apps[index % apps.length] ?? 'web';
  const set = `${app}-${hashOf(app).slice(0, 9)}`;
  const name = `${set}-${hashOf(`${index} ${life}`).slice(0, 5)}-${index}`;
  const ready = (type: string) => ({ type, status: 'True', lastProbeTime: null, lastTransitionTime: now });
  return {
    metadata: {
      name,
      namespace: `team-${index % 7}`,
      labels: { app, 'pod-template-hash': set.slice(app.length + 1), 'app.kubernetes.io/part-of': 'shop' },
      annotations: { 'prometheus.io/scrape': 'true', 'checksum/config': hashOf(app) },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: set, uid: uuidOf(set), controller: true }],
    },
    spec: {
      nodeName: node,
      serviceAccountName: app,
      schedulerName: 'default-scheduler',
      priority: 0,
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      tolerations: ['not-ready', 'unreachable'].map(what => ({
        key: `node.kubernetes.io/${what}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
      containers: [appContainer(app), sidecar()],
      volumes: [
        { name: 'config', configMap: { name: `${app}-config`, defaultMode: 420 } },
        { name: 'tmp', emptyDir: {} },
        {
          name: 'kube-api-access',
          projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 'token' } }] },
        },
      ],
    },
    status: {
      phase: 'Running',
      qosClass: 'Burstable',
      hostIP: '10.0.0.1',
      podIP: `10.244.${index % 250}.${index % 200}`,
      startTime: now,
      conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(ready),
      containerStatuses: [app, 'proxy'].map(container => ({
        name: container,
        ready: true,
        started: true,
        restartCount: 0,
        image: `registry.example/${container}:1.0`,
        imageID: `registry.example/${container}@sha256:${hashOf(container)}`,
        containerID: `containerd://${hashOf(`${container} ${index} ${life}`)}`,
        state: { running: { startedAt: now } },
        lastState: {},
      })),
    },
  };
}

function appContainer(app: string) {
  const probe = (path: string) => ({
    httpGet: { path, port: 8080, scheme: 'HTTP' },
    periodSeconds: 10,
    timeoutSeconds: 1,
  });
  return {
    name: app,
    image: `registry.example/${app}:1.0`,
    imagePullPolicy: 'IfNotPresent',
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    env: Array.from({ length: 12 }, (_, index) => ({
      name: `${app.toUpperCase()}_SETTING_${index}`,
      value: `value-${index}-${hashOf(`${app} ${index}`).slice(0, 20)}`,
    })),
    resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '1Gi' } },
    livenessProbe: probe('/healthz'),
    readinessProbe: probe('/readyz'),
    volumeMounts: [
      { name: 'config', mountPath: '/etc/app', readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'kube-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    ],
    securityContext: { runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  };
}

function sidecar() {
  return {
    name: 'proxy',
    image: 'registry.example/proxy:1.0',
    args: ['proxy', 'sidecar', '--log_output_level=default:info'],
    resources: { requests: { cpu: '50m', memory: '64Mi' } },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  };
}

export function budgetObject(app: string, namespace: string): NewObject {
  return {
    metadata: { name: app, namespace, generation: 1 },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app } } },
    status: { observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 20, desiredHealthy: 19, expectedPods: 20 },
  };
}

export function daemonSetObject(name: string, nodes: number): NewObject {
  return {
    metadata: { name, namespace: 'kube-system' },
    spec: { selector: { matchLabels: { name } } },
    status: { desiredNumberScheduled: nodes, numberReady: nodes },
  };
}

export { apps };

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function uuidOf(text: string): string {
  return hashOf(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}
