/** A simulated drain in sentences: what blocks it, what it costs, and the one line that says it all. */
import type { SimulatedPod, Simulation } from '../../src/planning/drain-simulation.ts';
import { qualifiedName } from '../../src/planning/pdb-groups.ts';
import { describeRefusals } from '../../src/planning/placement.ts';

/** `Would finish: 12 pods move, 1 waits for shop/web`. */
export function drainSentence({ verdict, pods }: Simulation): string {
  const all = (goes: SimulatedPod['goes']) => pods.filter(each => each.goes === goes);
  const moving = all('now').length + all('in-turn').length;
  const parts = [
    ...told(all('blocked').length, 'pod blocks it', 'pods block it'),
    ...(verdict === 'blocked' ? told(moving, 'could move', 'could move') : told(moving, 'pod moves', 'pods move')),
    ...told(all('in-turn').length, 'of them in turn', 'of them in turn'),
    ...told(all('waits').length, 'waits', 'wait', budgetsOf(all('waits'))),
    ...told(all('stuck').length, 'never gets its turn', 'never get their turn', budgetsOf(all('stuck'))),
    ...told(homeless(pods).length, 'fits nowhere', 'fit nowhere'),
    ...told(all('stays').length, 'stays', 'stay'),
  ];
  return `${openings[verdict]}: ${parts.join(', ') || 'no pod runs here'}`;
}

const openings: Record<Simulation['verdict'], string> = {
  blocked: 'Would not begin',
  stalls: 'Would begin and never finish',
  waits: 'Would begin, and finish only once a budget recovers',
  finishes: 'Would finish',
};

function told(count: number, one: string, many: string, of = ''): string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? one : many}${of ? ` for ${of}` : ''}`];
}

function budgetsOf(pods: SimulatedPod[]): string {
  return [...new Set(pods.flatMap(({ budgets }) => budgets.map(({ name }) => name)))].join(', ');
}

/** Pods that something wants to start again and no node takes. */
function homeless(pods: SimulatedPod[]): SimulatedPod[] {
  return pods.filter(({ placement }) => placement !== undefined && placement.node === undefined);
}

/** What keeps the drain from beginning or from ending, each pod or budget once. */
export function drainBlockers(pods: SimulatedPod[]): string[] {
  const blocked = pods.filter(({ goes }) => goes === 'blocked');
  const held = pods.filter(({ goes }) => goes === 'waits' || goes === 'stuck');
  return [
    ...blocked.map(({ pod, reason }) => `${qualifiedName(pod)}: ${reason}`),
    ...new Set(held.flatMap(({ budgets }) => budgets.map(({ says }) => says))),
  ];
}

/** What the drain costs even where nothing holds it. */
export function drainCosts(pods: SimulatedPod[]): string[] {
  const evicted = pods.filter(({ goes }) => goes !== 'stays' && goes !== 'leaving' && goes !== 'blocked');
  const alone = evicted.filter(({ onlyReplica }) => onlyReplica);
  const losing = evicted.filter(({ pod }) => pod.emptyDirs.length > 0 && pod.phase === 'Running');
  const bare = evicted.filter(({ pod, reason }) => !pod.controller && reason !== 'finished');
  return [
    ...homeless(evicted).map(
      ({ pod, placement }) =>
        `${qualifiedName(pod)} fits nowhere and stays Pending: ${describeRefusals(placement ?? { refusals: [] })}`,
    ),
    ...(alone.length > 0 ? [`down until it runs elsewhere, no other ready replica: ${namesOf(alone)}`] : []),
    ...losing.map(({ pod }) => `${qualifiedName(pod)} loses its emptyDir ${pod.emptyDirs.join(', ')}`),
    ...(bare.length > 0 ? [`nothing starts again: ${namesOf(bare)}`] : []),
  ];
}

function namesOf(pods: SimulatedPod[]): string {
  return pods.map(({ pod }) => qualifiedName(pod)).join(', ');
}
