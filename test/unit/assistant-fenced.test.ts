/**
 * Every text that a tool answers: what a machine or a stranger may have written stands in fences when the model is shown it.
 * What stands outside of them is listed here by who writes it, so that a field that is new is fenced or gets its reason.
 */
import { describe, expect, it } from 'vitest';
import { resultPages, unfenced } from '../../src/assistant/result-text.ts';
import type { ReadTool, Tool } from '../../src/core/tool.ts';
import { catalog } from '../../tools/index.ts';
import { presentChange } from '../../tools/parts/present-change.ts';
import { Marks, markedOutputs } from '../support/marked-output.ts';

/** By who writes it, where it stands in an output. */
const ours: Record<string, string> = {
  'whoever writes groundskeeper.yaml: names of the inventory, images, gates, baselines, people': `
    node nodes[] nodes[].node nodes[].role finding.node sites[].nodes[].node sites[].nodes[].role disruption.unavailable[]
    pods[].nextNode cordons.nodes[] site sites[].site finding.site findings[].site cluster sites[].cluster
    openOperations[].cluster operations[].cluster plan.node plan.site plan.cluster plan.otherCluster plan.gate plan.image
    baseline nodes[].component nodes[].want requester cancelRequestedBy operations[].requester plan.author
    pendingApprovals[].requester finding.acknowledgedBy`,
  'whoever writes the policies': 'policy.problem requirements.from requirements.policy requirements.reason',
  'the service: ids, digests and times': `
    approval id operation plan digest plan.id plan.sha256 finding.id findings[].id nodes[].cordon.operation
    kubernetes.cordon.operation openOperations[].operation operations[].id pendingApprovals[].approval pendingApprovals[].plan
    createdAt endedAt executeUntil expiresAt cordons.since operations[].createdAt pendingApprovals[].expiresAt plan.createdAt
    plan.expiresAt series.points[].at sites[].asOf`,
  'the service: a word of a few, whatever a machine said': `
    kind health locatingLight etcd.evidence measured[].unit series.unit openOperations[].kind operations[].kind
    openOperations[].state nodes[].cordon.state kubernetes.cordon.state nodes[].step plan.step sites[].nodes[].kubernetes
    sensors.kinds[].kind sensors.listed[].kind sensors.listed[].health drives[].health memory[].health network[].health
    powerSupplies[].health processors[].health server.memory[].health server.bmcHealth`,
  'the service: figures, or a sentence about the inventory': `
    summary next custody[] kubernetes.leaseAgeSeconds sensors.listed[].criticalAt sensors.listed[].warningAt
    series.points[].high series.points[].low server.fans[].reading server.temperatures[].reading server.memory[].corrected
    server.memory[].uncorrected`,
  'the service: why a whole part could not be read': `
    drives etcd firmware kubernetes memory network powerSupplies processors remediators sensors server.fans server.firmware
    server.log server.memory server.temperatures storage volumes`,
};
const allowed = Object.values(ours).flatMap(paths => paths.trim().split(/\s+/));

/** Where the texts stood that the model is shown as words of ours, and all that it is shown. */
function shownBy(tool: Tool): { own: string[]; all: string[] } {
  const marks = new Marks();
  const pages = markedOutputs(tool, marks).flatMap(output => {
    const blocks = tool.kind === 'read' ? (tool as ReadTool).present(output as never) : presentChange(output as never);
    return resultPages({ result: 'r1', tool: tool.name }, blocks, 1_000_000);
  });
  return {
    own: marks.in(pages.map(({ answer }) => unfenced(answer).own).join()),
    all: marks.in(JSON.stringify(pages)),
  };
}

const shown = catalog.map(tool => ({ tool: tool.name, ...shownBy(tool) }));

describe('outside of fences the model is shown no text but ours', () => {
  it.each(shown)('$tool', ({ own, all }) => {
    expect(own.filter(path => !allowed.includes(path))).toEqual([]);
    expect(all.length).toBeGreaterThan(1);
  });

  it('and all that is listed as ours is shown somewhere', () => {
    const everywhere = new Set(shown.flatMap(({ own }) => own));
    expect(allowed.filter(path => !everywhere.has(path))).toEqual([]);
    expect(new Set(allowed).size).toBe(allowed.length);
  });
});
