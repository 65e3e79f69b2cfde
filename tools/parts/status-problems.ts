/** What of a cluster's status somebody should look at, worst first, in sentences of ours alone. */
import { staleLease } from './stale-lease.ts';
import type { NodeStatus, StatusOutput } from './status-output.ts';

export type Problem = StatusOutput['problems'][number];

type Seen = Omit<StatusOutput, 'level' | 'summary' | 'problems'>;

export function problemsOf(status: Seen): Problem[] {
  const problems = [
    ...status.nodes.flatMap(nodeProblems),
    ...leaseProblems(status.nodes),
    ...status.missing.map(node => critical(`${node} is in groundskeeper.yaml and not in the cluster`)),
    ...status.unlisted.map(node => warning(`${node} is in the cluster and not in groundskeeper.yaml`)),
    ...etcdProblems(status.etcd),
    ...status.budgets.map(({ says }) => warning(says)),
    ...pendingProblems(status.pending.length),
    ...status.daemonSets.map(({ daemonSet, desired, ready }) =>
      warning(`DaemonSet ${daemonSet} is ready on ${ready} of ${desired} nodes`),
    ),
    ...storageProblems(status.storage),
    ...unknowns(status),
  ];
  return problems.toSorted((a, b) => a.level.localeCompare(b.level));
}

export function levelOf(problems: Problem[]): StatusOutput['level'] {
  return problems[0]?.level ?? 'ok';
}

export function summaryOf({ nodes, disruption, pending, etcd, requested, cluster }: Seen, problems: Problem[]): string {
  const ready = nodes.filter(node => node.ready).length;
  const cordoned = nodes.filter(node => node.cordon).length;
  const share =
    requested.cpu.allocatable > 0 ? Math.round((requested.cpu.requested / requested.cpu.allocatable) * 100) : 0;
  return [
    `${cluster}: ${problems.length === 0 ? 'all well' : `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`}`,
    `${ready} of ${nodes.length} nodes Ready${cordoned > 0 ? `, ${cordoned} cordoned` : ''}`,
    `${disruption.moreMayGoDown} more may go down`,
    ...(pending.length > 0 ? [`${pending.length} pods pending`] : []),
    ...(typeof etcd === 'string' ? [] : [`etcd ${etcd.healthy} of ${etcd.members.length}`]),
    `${share} % of cpu requested`,
  ].join(' · ');
}

function critical(text: string): Problem {
  return { level: 'critical', text };
}

function warning(text: string): Problem {
  return { level: 'warning', text };
}

function nodeProblems({ node, ready, conditions, taints, cordon }: NodeStatus): Problem[] {
  const others = conditions.filter(({ type }) => type !== 'Ready');
  const left = cordon?.by === 'operation' && cordon.state !== 'running' && cordon.state !== 'queued';
  return [
    ...(ready ? [] : [critical(`${node} is not Ready`)]),
    ...(others.length > 0 && ready ? [warning(`${node}: ${others.map(({ type }) => type).join(', ')}`)] : []),
    ...(taints.length > 0 && ready ? [warning(`${node} is tainted: ${taints.join(', ')}`)] : []),
    ...(left ? [warning(`${node} was left cordoned by ${cordon.operation} (${cordon.state})`)] : []),
    ...(cordon && cordon.by !== 'operation' ? [warning(`${node} is cordoned by ${who(cordon.by)}`)] : []),
  ];
}

function who(by: string): string {
  return by === 'somebody else' ? by : 'an operation that is not on record here';
}

/** All of them at once is rather a clock than every kubelet. */
function leaseProblems(nodes: NodeStatus[]): Problem[] {
  const stale = nodes.filter(({ leaseStale }) => leaseStale);
  const ready = nodes.filter(node => node.ready);
  if (stale.length > 1 && stale.length === ready.length)
    return [
      critical(
        'the lease of every Ready node is old: no kubelet reaches the API server, or the clocks here and there differ',
      ),
    ];
  return stale.map(({ node, leaseAgeSeconds: age }) => {
    const { level, text } = staleLease(age);
    return { level, text: `${node} is Ready, but ${text}` };
  });
}

function etcdProblems(etcd: StatusOutput['etcd']): Problem[] {
  if (typeof etcd === 'string') return [warning(`etcd: ${etcd}`)];
  const { members, healthy, quorum, mayLose } = etcd;
  if (members.length === 0) return [warning('no etcd member can be found')];
  const counted = `etcd: ${healthy} of ${members.length} members are known to be healthy, ${quorum} are needed`;
  if (healthy < quorum) return [critical(counted)];
  if (healthy === members.length) return [];
  return [mayLose === 0 ? critical(`${counted}: none may fail`) : warning(counted)];
}

function pendingProblems(count: number): Problem[] {
  return count === 0 ? [] : [warning(count === 1 ? '1 pod is pending' : `${count} pods are pending`)];
}

function storageProblems(storage: StatusOutput['storage']): Problem[] {
  if (typeof storage === 'string') return [];
  return storage
    .filter(({ health }) => health !== 'ok')
    .map(({ storage: name, health }) => (health === 'critical' ? critical : warning)(`${name}: ${health}`));
}

function unknowns({ remediators, storage, version }: Seen): Problem[] {
  return [
    ...(typeof remediators === 'string' ? [warning(`what else repairs nodes: ${remediators}`)] : []),
    ...(typeof storage === 'string' ? [warning(`storage: ${storage}`)] : []),
    ...(version.startsWith('unknown') ? [warning(`version: ${version}`)] : []),
  ];
}
