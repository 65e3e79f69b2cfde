/**
 * Every text that a tool answers: what a machine or a stranger may have written stands in fences when the model is shown it.
 * What stands outside of them is listed here by who writes it, so that a field that is new is fenced or gets its reason.
 */
import { describe, expect, it } from 'vitest';
import { resultPages, unfenced } from '../../src/assistant/result-text.ts';
import type { Block } from '../../src/core/document.ts';
import type { ReadTool, Tool } from '../../src/core/tool.ts';
import { fencedText } from '../../src/surfaces/mcp/fences.ts';
import { catalog } from '../../tools/index.ts';
import { presentChange } from '../../tools/parts/present-change.ts';
import { Marks, markedOutputs } from '../support/marked-output.ts';

/** By who writes it, where it stands in an output. */
const ours: Record<string, string> = {
  'whoever writes groundskeeper.yaml: names of the inventory, images, gates, baselines, people': `
    node nodes[] nodes[].node nodes[].role finding.node findings[].node sites[].nodes[].node sites[].nodes[].role disruption.unavailable[]
    pods[].nextNode cordons.nodes[] site sites[].site finding.site findings[].site cluster sites[].cluster
    openOperations[].cluster operations[].cluster plan.node plan.site plan.cluster plan.otherCluster plan.gate plan.image
    baseline nodes[].component nodes[].want requester cancelRequestedBy operations[].requester plan.author
    pendingApprovals[].requester finding.acknowledgedBy
    findings[].acknowledgedBy pausedBy`,
  'whoever writes the policies': 'policy.problem requirements.from requirements.policy requirements.reason',
  'the service: ids, digests and times': `
    approval id operation plan digest plan.id plan.sha256 finding.id findings[].id nodes[].cordon.operation
    kubernetes.cordon.operation openOperations[].operation operations[].id pendingApprovals[].approval pendingApprovals[].plan
    createdAt endedAt executeUntil expiresAt cordons.since operations[].createdAt pendingApprovals[].expiresAt plan.createdAt
    plan.expiresAt sites[].asOf`,
  'the service: a word of a few, whatever a machine said': `
    kind health locatingLight etcd.evidence measured[].unit series.unit openOperations[].kind operations[].kind
    openOperations[].state nodes[].cordon.state kubernetes.cordon.state nodes[].step plan.action plan.step sites[].nodes[].kubernetes
    sensors.kinds[].kind sensors.listed[].kind sensors.listed[].health drives[].health memory[].health network[].health
    powerSupplies[].health processors[].health server.memory[].health server.bmcHealth`,
  'the service: figures, or a sentence about the inventory': `
    summary next custody[] kubernetes.leaseAgeSeconds sensors.listed[].criticalAt sensors.listed[].warningAt
    server.fans[].reading server.temperatures[].reading server.memory[].corrected
    server.memory[].uncorrected`,
  'the service: why a whole part could not be read': `
    drives etcd firmware kubernetes kubernetes.events kubernetes.pinned kubernetes.pods kubernetes.requested
    kubernetes.volumes memory network powerSupplies processors remediators sensors server.fans server.firmware
    server.log server.memory server.temperatures storage volumes`,
};
const allowed = Object.values(ours).flatMap(paths => paths.trim().split(/\s+/));

function blocksOf(tool: Tool, output: unknown): Block[] {
  return tool.kind === 'read' ? (tool as ReadTool).present(output as never) : presentChange(output as never);
}

/** The same answer as a model reads it: ours, and one at the other end of MCP, whose lines with a bar are quoted. */
const readers: Record<string, (blocks: Block[]) => string> = {
  'the model': blocks =>
    resultPages(head, blocks, 1_000_000)
      .map(page => page.answer)
      .join(),
  'a client of MCP': blocks => fencedText(blocks).replace(/^│.*$/gm, ''),
};
const head = { result: 'r1', tool: 't' };

/** Where the texts stood that a reader is shown as words of ours. */
function ownOf(tool: Tool, read: (blocks: Block[]) => string): string[] {
  const marks = new Marks();
  const outputs = markedOutputs(tool, marks);
  return marks.in(outputs.map(output => unfenced(read(blocksOf(tool, output))).own).join());
}

describe.each(Object.entries(readers))('%s is shown no text outside of fences but ours:', (_reader, read) => {
  it.each(catalog.map(tool => [tool.name, tool] as const))('%s', (_name, tool) => {
    const own = ownOf(tool, read);
    expect(own.filter(path => !allowed.includes(path))).toEqual([]);
    expect(own.length).toBeGreaterThan(0);
  });

  it('and what is listed as ours is shown somewhere', () => {
    const everywhere = new Set(catalog.flatMap(tool => ownOf(tool, read)));
    expect(allowed.filter(path => !everywhere.has(path))).toEqual([]);
  });
});
