/** A pod as facts: what a drain, a budget and a forecast of its next node need of it. */
import type {
  V1Affinity,
  V1Container,
  V1NodeSelectorRequirement,
  V1NodeSelectorTerm,
  V1Pod,
  V1PodSpec,
} from '@kubernetes/client-node';
import type { PodFacts } from '../../core/cluster-facts.ts';
import type { NodeTerm, Placement, Requirement, Resources } from '../../core/scheduling.ts';
import { selectorFacts, timeText } from './facts.ts';
import { combine, resourcesOf } from './quantity.ts';

const mirrorAnnotation = 'kubernetes.io/config.mirror';
const defaultGraceSeconds = 30;

export function podFacts({ metadata, spec, status }: V1Pod): PodFacts {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  const containers = status?.containerStatuses ?? [];
  const volumes = spec?.volumes ?? [];
  const waiting = containers.find(({ state }) => state?.waiting?.reason)?.state?.waiting?.reason;
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    ...(spec?.nodeName ? { node: spec.nodeName } : {}),
    phase: status?.phase ?? 'Unknown',
    ready: status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    terminating: metadata?.deletionTimestamp !== undefined,
    labels: metadata?.labels ?? {},
    ...(owner === undefined ? {} : { controller: { kind: owner.kind, name: owner.name } }),
    mirror: metadata?.annotations?.[mirrorAnnotation] !== undefined,
    emptyDirs: volumes.filter(({ emptyDir }) => emptyDir !== undefined).map(({ name }) => name),
    hostPaths: volumes.flatMap(({ hostPath }) => hostPath?.path ?? []),
    claims: volumes.flatMap(volume =>
      volume.ephemeral ? `${metadata?.name}-${volume.name}` : (volume.persistentVolumeClaim?.claimName ?? []),
    ),
    restarts: containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
    ...(waiting === undefined ? {} : { waiting }),
    ...failureOf(status),
    ...unschedulable(status),
    requests: requestsOf(spec),
    priority: spec?.priority ?? 0,
    ...(spec?.priorityClassName ? { priorityClass: spec.priorityClassName } : {}),
    graceSeconds: metadata?.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds,
    placement: placementOf(spec, metadata?.namespace ?? ''),
  };
}

/** Why the pod as a whole failed; else the newest end of a container that was not a success. */
function failureOf(status: V1Pod['status']): Pick<PodFacts, 'failure'> {
  const ends = (status?.containerStatuses ?? []).flatMap(({ name, state, lastState }) =>
    [state?.terminated, lastState?.terminated].flatMap(end => {
      if (!end || end.exitCode === 0) return [];
      const at = timeText(end.finishedAt);
      const reason = end.reason ?? 'Error';
      return [{ container: name, reason, exitCode: end.exitCode, ...(at === undefined ? {} : { at }) }];
    }),
  );
  const [newest] = ends.toSorted((a, b) => (b.at ?? '').localeCompare(a.at ?? ''));
  // The kubelet kills the containers of a pod that it evicts; how they ended says less.
  if (status?.phase === 'Failed' && status.reason)
    return { failure: { reason: status.reason, ...(newest?.at === undefined ? {} : { at: newest.at }) } };
  return newest ? { failure: newest } : {};
}

function unschedulable(status: V1Pod['status']): Pick<PodFacts, 'unschedulable'> {
  const condition = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (condition?.status !== 'False') return {};
  const since = timeText(condition.lastTransitionTime);
  return { unschedulable: { message: condition.message ?? '', ...(since === undefined ? {} : { since }) } };
}

const nothing: Resources = { cpu: 0, memory: 0, ephemeralStorage: 0, pods: 0 };
const sum = (a: number, b: number) => a + b;

/** As the scheduler counts: containers and sidecars in sum, or the largest init container with the sidecars before it. */
function requestsOf(spec: V1PodSpec | undefined): Resources {
  const asked = ({ resources }: V1Container) => resourcesOf(resources?.requests);
  let running = (spec?.containers ?? []).map(asked).reduce((a, b) => combine(a, b, sum), nothing);
  let starting = nothing;
  let sidecars = nothing;
  for (const container of spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      sidecars = combine(sidecars, asked(container), sum);
      starting = combine(starting, sidecars, Math.max);
    } else {
      starting = combine(starting, combine(sidecars, asked(container), sum), Math.max);
    }
  }
  running = combine(running, sidecars, sum);
  // What is asked for the pod as a whole stands for the sum of its containers.
  const level = spec?.resources?.requests;
  const own = resourcesOf(level);
  const asking = {
    ...combine(running, starting, Math.max),
    ...(level?.cpu ? { cpu: own.cpu } : {}),
    ...(level?.memory ? { memory: own.memory } : {}),
  };
  const needed = combine(asking, resourcesOf(spec?.overhead), sum);
  return { ...needed, pods: 1 };
}

function placementOf(spec: V1PodSpec | undefined, namespace: string): Placement {
  return {
    nodeSelector: spec?.nodeSelector ?? {},
    nodeTerms: nodeTerms(spec?.affinity),
    tolerations: (spec?.tolerations ?? []).map(({ key, operator, value, effect, tolerationSeconds }) => ({
      ...(key ? { key } : {}),
      ...(operator ? { operator } : {}),
      ...(value ? { value } : {}),
      ...(effect ? { effect } : {}),
      ...(tolerationSeconds === undefined ? {} : { seconds: tolerationSeconds }),
    })),
    hostPorts: (spec?.containers ?? []).flatMap(({ ports }) => (ports ?? []).flatMap(({ hostPort }) => hostPort ?? [])),
    antiAffinity: antiAffinityOf(spec, namespace),
    unjudged: unjudged(spec),
  };
}

/** A term without a selector matches no pod. */
function antiAffinityOf(spec: V1PodSpec | undefined, namespace: string): Placement['antiAffinity'] {
  const terms = spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.flatMap(({ topologyKey, labelSelector, namespaces = [namespace] }) =>
    labelSelector ? [{ topologyKey, selector: selectorFacts(labelSelector), namespaces }] : [],
  );
}

function nodeTerms(affinity: V1Affinity | undefined): NodeTerm[] {
  return termFacts(affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms);
}

/** The terms of which one must hold. */
export function termFacts(terms: V1NodeSelectorTerm[] = []): NodeTerm[] {
  return terms.map(({ matchExpressions = [], matchFields = [] }) => ({
    labels: matchExpressions.map(requirement),
    fields: matchFields.map(requirement),
  }));
}

function requirement({ key, operator, values }: V1NodeSelectorRequirement): Requirement {
  return { key, operator, values: values ?? [] };
}

function unjudged(spec: V1PodSpec | undefined): string[] {
  const spread = spec?.topologySpreadConstraints?.some(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  );
  const near = spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const away = spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const devices = (spec?.containers ?? []).some(({ resources }) =>
    Object.keys(resources?.requests ?? {}).some(name => name.includes('/') || name.startsWith('hugepages-')),
  );
  const claims = (spec?.resourceClaims ?? []).length > 0;
  return [
    ...(spread ? ['topologySpreadConstraints'] : []),
    ...(near.length > 0 ? ['podAffinity'] : []),
    ...(away.some(({ namespaceSelector }) => namespaceSelector !== undefined)
      ? ['podAntiAffinity.namespaceSelector']
      : []),
    ...(devices ? ['extended resources'] : []),
    ...(claims ? ['resourceClaims'] : []),
  ];
}
