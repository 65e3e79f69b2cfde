/** What the API fills in for fields that a client left out. */
import type { NodeTaint, Toleration } from './objects.ts';
import { withPriority } from './priority.ts';
import type { ResourceKind } from './resources.ts';
import type { NewObject, Store } from './store.ts';

type Fields = Record<string, unknown>;

const notReadyTaint: NodeTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
const rolling = { type: 'RollingUpdate' };

/** A new object with its defaults, and a status of its own to begin with. */
export function withDefaults(store: Store, kind: ResourceKind, object: NewObject): NewObject {
  const spec = (object.spec ?? {}) as Fields;
  switch (kind.plural) {
    case 'pods':
      return {
        ...object,
        spec: withPriority(store, newPodSpec(spec), object.metadata.name),
        status: { phase: 'Pending' },
      };
    case 'nodes':
      return { ...object, spec: nodeDefaults(spec), status: object.status ?? {} };
    case 'namespaces':
      return { ...object, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } };
  }
  if (!kind.status) return object;
  return { ...object, spec: specDefaults(kind, spec), status: {} };
}

/** A spec, new or changed, with the defaults of its kind. */
export function specDefaults(kind: ResourceKind, spec: Fields): Fields {
  switch (kind.plural) {
    case 'deployments':
      return {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        ...spec,
        strategy: strategyDefaults(spec.strategy as Fields | undefined),
        template: templateDefaults(spec.template),
      };
    case 'replicasets':
      return { replicas: 1, ...spec, template: templateDefaults(spec.template) };
    case 'statefulsets':
      return {
        replicas: 1,
        podManagementPolicy: 'OrderedReady',
        revisionHistoryLimit: 10,
        updateStrategy: { ...rolling, rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        ...spec,
        template: templateDefaults(spec.template),
      };
    case 'daemonsets':
      return {
        revisionHistoryLimit: 10,
        updateStrategy: { ...rolling, rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
        ...spec,
        template: templateDefaults(spec.template),
      };
    default:
      return spec;
  }
}

function strategyDefaults(strategy: Fields = {}): Fields {
  if (strategy.type === 'Recreate') return strategy;
  const limits = { maxSurge: '25%', maxUnavailable: '25%', ...(strategy.rollingUpdate as Fields | undefined) };
  return { ...strategy, ...rolling, rollingUpdate: limits };
}

function templateDefaults(template: unknown): unknown {
  const { spec, ...rest } = (template ?? {}) as { spec?: Fields };
  return { ...rest, spec: podSpecDefaults(spec ?? {}) };
}

function podSpecDefaults(spec: Fields): Fields {
  const defaults = {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    securityContext: {},
    schedulerName: 'default-scheduler',
  };
  const lists = ['containers', 'initContainers'].filter(name => Array.isArray(spec[name]));
  const containers = Object.fromEntries(lists.map(name => [name, (spec[name] as Fields[]).map(containerDefaults)]));
  return { ...defaults, ...spec, ...containers };
}

function containerDefaults(container: Fields): Fields {
  const { ports, image = '' } = container;
  const latest = /(^[^:@]*|:latest)$/.test(String(image).split('/').at(-1) ?? '');
  return {
    imagePullPolicy: latest ? 'Always' : 'IfNotPresent',
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    resources: {},
    ...container,
    ...(Array.isArray(ports) ? { ports: ports.map(port => ({ protocol: 'TCP', ...port })) } : {}),
  };
}

/** Every pod stays five minutes on a node that fails, unless it says otherwise. */
function newPodSpec(spec: Fields): Fields {
  const tolerations = [...((spec.tolerations ?? []) as Toleration[])];
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const present = tolerations.some(
      toleration => toleration.effect !== 'NoSchedule' && (toleration.key === key || toleration.key === undefined),
    );
    if (!present) tolerations.push({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 });
  }
  return { serviceAccountName: 'default', enableServiceLinks: true, ...podSpecDefaults(spec), tolerations };
}

function nodeDefaults(spec: { taints?: NodeTaint[] }): object {
  const taints = spec.taints ?? [];
  const tainted = taints.some(taint => taint.key === notReadyTaint.key && taint.effect === notReadyTaint.effect);
  return { ...spec, taints: tainted ? taints : [...taints, notReadyTaint] };
}
