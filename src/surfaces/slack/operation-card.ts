/** A running operation as one message that is kept up to date: a bar for each wave, and each node that needs a look. */
import type { Operation, OperationNode } from '../../core/operation.ts';
import { hasEnded, hasNodeEnded } from '../../core/operation.ts';
import { button, type Card, context, facts, header, list, notice, type Piece, section } from './pieces.ts';

export const operationActions = { pause: 'operation-pause', cancel: 'operation-cancel' };

const barWidth = 20;
const mostUnderWay = 10;

/** Pure; the same operation gives the same bytes, so that what did not change is not sent again. */
export function operationCard(operation: Operation): Card {
  const { id, kind, cluster, site, state, reason, requester, nodes, approval } = operation;
  const where = cluster === '*' ? (site === '*' ? 'several sites' : site) : cluster;
  const title = `${kind} in ${where}: ${state}`;
  const waves = [...new Set(nodes.map(node => node.wave))].sort((a, b) => a - b);
  const of = (...states: OperationNode['state'][]) => nodes.filter(node => states.includes(node.state));
  return {
    text: notice(reason === '' ? title : `${title}: ${reason}`),
    blocks: [
      header(title),
      ...(reason === '' ? [] : [section(reason)]),
      ...(operation.pausedBy
        ? [section(`Paused by ${operation.pausedBy}: nodes that began go on, no other begins.`)]
        : []),
      section(
        ...waves.map(wave =>
          waveLine(
            wave,
            nodes.filter(node => node.wave === wave),
          ),
        ),
      ),
      ...list('Under way', of('running').map(nodeLine), { most: mostUnderWay }),
      ...list('Needs a person', of('failed', 'ambiguous').map(nodeLine), { most: mostUnderWay }),
      ...facts([
        ['asked for by', requester],
        ['operation', id],
        ...(approval ? ([['request', approval]] as [string, string][]) : []),
      ]),
      ...steering(operation),
    ],
  };
}

/** Holding and stopping are for everybody who may ask; going on is not decided in a chat. */
function steering({ id, state, pausedBy }: Operation): Piece[] {
  if (hasEnded(state)) return [];
  const pause = button(operationActions.pause, 'Pause', { value: id });
  const cancel = button(operationActions.cancel, 'Cancel', { value: id, style: 'danger' });
  return [
    { type: 'actions', elements: [...(pausedBy ? [] : [pause]), cancel] },
    context(
      pausedBy
        ? `It goes on with: groundskeeper resume-operation ${id}`
        : 'A node past its first irreversible step settles first.',
    ),
  ];
}

function waveLine(wave: number, nodes: OperationNode[]): string {
  const ended = nodes.filter(({ state }) => hasNodeEnded(state)).length;
  const bad = nodes.filter(({ state }) => state === 'failed' || state === 'ambiguous').length;
  const filled = Math.round((ended / nodes.length) * barWidth);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
  return `wave ${wave}  ${bar}  ${ended}/${nodes.length}${bad > 0 ? `, ${bad} not well` : ''}`;
}

function nodeLine({ node, state, step, message }: OperationNode): string {
  return [node, state === 'running' ? step : state, message].filter(text => text !== '').join(': ');
}
