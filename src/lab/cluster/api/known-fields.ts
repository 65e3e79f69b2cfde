/**
 * Strict decoding: a field that no such kind has is refused when the client
 * asks for it. Known are the fields of workloads, their pods and disruption
 * budgets; whatever else a kind holds is taken as it comes.
 */
import { ApiFailure } from '../model/failure.ts';
import type { ResourceKind } from '../model/resources.ts';
import { isMap, type Json } from './field-paths.ts';

/** A name's fields below it, or true where everything goes. */
type Known = { [name: string]: Known | true };

const names = (text: string): Known => Object.fromEntries(text.split(' ').map(name => [name, true]));

const metadata = names(
  'name generateName namespace uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds labels annotations ownerReferences finalizers managedFields selfLink',
);
const container = names(
  'args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resizePolicy resources restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir',
);
const podSpec: Known = {
  ...names(
    'activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks ephemeralContainers hostAliases hostIPC hostNetwork hostPID hostUsers hostname hostnameOverride imagePullSecrets nodeName nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources restartPolicy runtimeClassName schedulerName schedulingGates securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations topologySpreadConstraints volumes',
  ),
  containers: container,
  initContainers: container,
};
const template: Known = { metadata, spec: podSpec };
const selector = names('matchLabels matchExpressions');
const workload = (more: string): Known => ({ ...names(`minReadySeconds ${more}`), selector, template });

const specs: Record<string, Known> = {
  pods: podSpec,
  deployments: workload('paused progressDeadlineSeconds replicas revisionHistoryLimit strategy'),
  replicasets: workload('replicas'),
  statefulsets: workload(
    'ordinals persistentVolumeClaimRetentionPolicy podManagementPolicy replicas revisionHistoryLimit serviceName updateStrategy volumeClaimTemplates',
  ),
  daemonsets: workload('revisionHistoryLimit updateStrategy'),
  poddisruptionbudgets: { ...names('maxUnavailable minAvailable unhealthyPodEvictionPolicy'), selector },
};

/** Throws 400 naming every unknown field, when `fieldValidation` is `Strict`. */
export function requireKnownFields(kind: ResourceKind, body: unknown, query: URLSearchParams): void {
  const spec = specs[kind.plural];
  if (query.get('fieldValidation') !== 'Strict' || spec === undefined || !isMap(body)) return;
  const unknown = unknownIn(body, { apiVersion: true, kind: true, status: true, metadata, spec }, '');
  if (unknown.length === 0) return;
  const list = unknown.map(field => `unknown field "${field}"`).join(', ');
  throw new ApiFailure(
    400,
    'BadRequest',
    `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: strict decoding error: ${list}`,
  );
}

function unknownIn(value: Json, known: Known, path: string): string[] {
  return Object.entries(value).flatMap(([name, field]) => {
    const below = known[name];
    const place = path === '' ? name : `${path}.${name}`;
    if (below === undefined) return name.startsWith('$') ? [] : [place];
    if (below === true) return [];
    if (Array.isArray(field)) {
      return field.flatMap((item, index) => (isMap(item) ? unknownIn(item, below, `${place}[${index}]`) : []));
    }
    return isMap(field) ? unknownIn(field, below, place) : [];
  });
}
