/** An operation's progress as lines: the whole picture for a terminal that redraws, one line per event for a log. */
import type { Tone } from '../../core/document.ts';
import type { NodeState, Operation, OperationEvent, OperationNode, OperationState } from '../../core/operation.ts';
import { displayWidth, plainText } from './plain-text.ts';
import { painter, type RenderStyle } from './render.ts';
import type { Paint } from './table.ts';

const barWidth = 20;

const nodeTones: Record<NodeState, Tone> = {
  waiting: 'muted',
  running: 'plain',
  done: 'good',
  failed: 'bad',
  ambiguous: 'bad',
  cancelled: 'muted',
  skipped: 'muted',
};

const stateTones: Record<OperationState, Tone> = {
  queued: 'muted',
  running: 'plain',
  done: 'good',
  halted: 'bad',
  cancelled: 'warn',
};

/** The operation wave by wave; no line is wider than the terminal, so that the lines can be drawn over. */
export function progressLines(operation: Operation, style: RenderStyle): string[] {
  const paint = painter(style.color);
  const { columns } = style;
  const title = `${operation.kind} in ${operation.cluster}, operation ${operation.id}: `;
  const lines = [
    fitted(title, columns) + paint(fitted(operation.state, columns - displayWidth(title)), stateTones[operation.state]),
  ];
  if (operation.reason) lines.push(paint(fitted(plainText(operation.reason), columns), 'muted'));
  const waves = [...new Set(operation.nodes.map(node => node.wave))].sort((a, b) => a - b);
  const names = Math.max(0, ...operation.nodes.map(node => displayWidth(node.node)));
  for (const wave of waves) {
    const nodes = operation.nodes.filter(node => node.wave === wave);
    lines.push(fitted(waveLine(wave, nodes, waves.length), columns));
    lines.push(...nodes.map(node => nodeLine(node, { names, columns, paint })));
  }
  return lines;
}

/** Time, node, step, status and message of one event, in one line. */
export function eventLine({ time, node, step, status, message }: OperationEvent): string {
  const words = [time.slice(11, 19), ...(node ? [node] : []), step, status, ...(message ? [message] : [])];
  return plainText(words.join('  '));
}

/** The last line of a watch: how it ended, and why. */
export function endLine(operation: Operation, style: RenderStyle): string {
  const words = plainText(
    `operation ${operation.id} ${operation.state}${operation.reason ? `: ${operation.reason}` : ''}`,
  );
  return painter(style.color)(words, stateTones[operation.state]);
}

function waveLine(wave: number, nodes: OperationNode[], waves: number): string {
  const finished = nodes.filter(node => node.state !== 'waiting' && node.state !== 'running').length;
  const filled = nodes.length === 0 ? 0 : Math.round((finished / nodes.length) * barWidth);
  const name = `wave ${wave}${wave === 1 && waves > 1 ? ' (canary)' : ''}`;
  return `${name.padEnd(16)}[${'#'.repeat(filled)}${'-'.repeat(barWidth - filled)}] ${finished}/${nodes.length}`;
}

function nodeLine(
  { node, state, step, message }: OperationNode,
  { names, columns, paint }: { names: number; columns: number; paint: Paint },
): string {
  const padding = ' '.repeat(Math.max(0, names - displayWidth(plainText(node))));
  const name = fitted(`  ${plainText(node)}${padding}  `, columns);
  const word = fitted(state.padEnd(9), columns - displayWidth(name));
  const told = [step, message].filter(text => text !== '').join(': ');
  const rest = fitted(plainText(`  ${told}`), columns - displayWidth(name) - displayWidth(word));
  return `${name}${paint(word, nodeTones[state])}${rest}`.trimEnd();
}

/** Cut to `width` columns with an ellipsis. */
function fitted(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (displayWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return width > 0 ? `${kept}…` : '';
}
