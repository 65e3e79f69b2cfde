/** Changes of one node that a person asks for in plain words: a plan for exactly that, which then waits for people. */
import type { Plan } from '../../../src/core/plan.ts';
import { isFirmware } from '../../../src/core/planned-change.ts';
import { allEnded, begun, type Scene, storedPlan } from '../scene.ts';
import { called, cites, mayLoseData, never, says, type Task, turn, waitsForPeople } from '../task.ts';

type Asked = {
  id: string;
  tool: string;
  action?: string;
  node: string;
  words: string;
  input: Record<string, unknown>;
  /** The same with what makes it another change; beside another node. */
  wrong: Record<string, unknown>;
  like?(plan: Plan): boolean;
};

/** Each is planned and waits for a vote. */
const asked: Asked[] = [
  {
    id: 'drain',
    tool: 'drainNode',
    node: 'bos-w-1',
    words: `Please drain bos-w-1. ${mayLoseData}`,
    input: { node: 'bos-w-1', deleteEmptyDir: true },
    wrong: { node: 'bos-w-1', deleteEmptyDir: true, force: true },
    like: ({ drain }) => drain.deleteEmptyDir && !drain.force,
  },
  {
    id: 'cordon',
    tool: 'cordonNode',
    node: 'chi-w-2',
    words: 'Keep new pods off chi-w-2, but leave those that run there.',
    input: { node: 'chi-w-2' },
    wrong: { node: 'chi-w-1' },
  },
  {
    id: 'taint',
    tool: 'taintNode',
    node: 'bos-w-2',
    words: 'Put the taint example.com/suspect with the effect NoSchedule on bos-w-2.',
    input: { node: 'bos-w-2', key: 'example.com/suspect', effect: 'NoSchedule' },
    wrong: { node: 'bos-w-2', key: 'example.com/suspect', effect: 'NoExecute' },
    like: ({ taint }) =>
      taint?.remove === false && taint.taint.key === 'example.com/suspect' && taint.taint.effect === 'NoSchedule',
  },
  {
    id: 'restart',
    tool: 'setNodePower',
    node: 'bos-w-3',
    words: `Restart the server of bos-w-3. ${mayLoseData}`,
    input: { node: 'bos-w-3', power: 'restart', deleteEmptyDir: true },
    wrong: { node: 'bos-w-3', power: 'off', deleteEmptyDir: true },
    like: ({ kind }) => kind === 'restart',
  },
  {
    id: 'power-off',
    tool: 'setNodePower',
    node: 'chi-w-1',
    words: `Somebody will replace a fan of chi-w-1: switch that server off. ${mayLoseData}`,
    input: { node: 'chi-w-1', power: 'off', deleteEmptyDir: true },
    wrong: { node: 'chi-w-1', power: 'restart', deleteEmptyDir: true },
    like: ({ kind }) => kind === 'power-off',
  },
  {
    id: 'reset-bmc',
    tool: 'resetBmc',
    node: 'bos-w-2',
    words: 'The BMC of bos-w-2 is slow. Restart the BMC, not the server.',
    input: { node: 'bos-w-2' },
    wrong: { node: 'bos-w-1' },
    like: ({ bmcChange }) => bmcChange?.act === 'reset-bmc',
  },
  {
    id: 'boot-override',
    tool: 'setBootOverride',
    node: 'chi-w-3',
    words: 'Let chi-w-3 start from the network (pxe) the next time, once.',
    input: { node: 'chi-w-3', from: 'pxe' },
    wrong: { node: 'chi-w-3', from: 'disk' },
    like: ({ bmcChange }) => bmcChange?.act === 'boot-once' && bmcChange.from === 'pxe',
  },
];

function changeTask({ id, tool, action = tool, node, words, input, wrong, like }: Asked): Task {
  const done = 'A plan was made, and waits for the approval of another operator [r1].';
  return {
    id,
    scene: 'calm',
    begin: () => ({
      says: [words],
      expect: [called(tool, input), cites(tool), waitsForPeople],
      end: { kind: 'plan', action, nodes: [node], becomes: 'asked', ...(like && { like }) },
      solved: turn({ tool, input }, done),
      wrong: {
        'changes nothing': turn('A plan was made, and waits for approval.'),
        'asks for something else': turn({ tool, input: wrong }, done),
        'says that it is done': turn({ tool, input }, `It is done: ${node} is as you wished [r1].`),
      },
    }),
  };
}

export const changeTasks: Task[] = [
  ...asked.map(changeTask),
  {
    id: 'flash',
    scene: 'calm',
    begin({ stack }) {
      const image = stack.lab.images.find(({ vendor }) => vendor === stack.lab.node('bos-w-3').vendor)?.id ?? '';
      const input = { node: 'bos-w-3', image, deleteEmptyDir: true };
      return {
        says: [`Update bos-w-3 to the image ${image}. ${mayLoseData}`],
        expect: [called('flashFirmware', input), cites('flashFirmware'), waitsForPeople],
        end: {
          kind: 'plan',
          action: 'flashFirmware',
          nodes: ['bos-w-3'],
          becomes: 'asked',
          like: ({ targets }) =>
            targets[0]?.changes?.some(change => isFirmware(change) && change.image === image) ?? false,
        },
        solved: turn({ tool: 'flashFirmware', input }, 'A plan was made, and waits for an approval [r1].'),
        wrong: {
          'stops at the plan': turn(
            { tool: 'flashFirmware', input: { ...input, dryRun: true } },
            'A plan was made, and waits for an approval [r1].',
          ),
          'takes the whole site': turn(
            { tool: 'planFirmwareRollout', input: { site: 'boston', deleteEmptyDir: true } },
            'A plan was made, and waits for an approval [r1].',
          ),
        },
      };
    },
  },
  {
    id: 'locating-light',
    scene: 'calm',
    async begin(scene) {
      const node = 'bos-w-2';
      await lightOff(scene, node);
      const asked = { tool: 'identifyNode', input: { node } };
      return {
        says: [`I stand in front of the rack: switch the locating light of ${node} on, please.`],
        expect: [
          called('identifyNode', { node }),
          cites('identifyNode'),
          { kind: 'holds', what: 'the light is on', check: async () => (await light(scene, node)) === 'on' },
        ],
        end: { kind: 'plan', action: 'identifyNode', nodes: [node], becomes: 'started' },
        solved: turn(asked, `The light of ${node} is being switched on [r1].`),
        wrong: {
          'lights up another': turn({ tool: 'identifyNode', input: { node: 'bos-w-1' } }, 'It is on [r1].'),
          'switches it off': turn({ tool: 'identifyNode', input: { node, off: true } }, 'It is on [r1].'),
        },
      };
    },
  },
  {
    id: 'uncordon',
    scene: 'calm',
    async begin(scene) {
      const node = 'chi-w-3';
      await cordoned(scene, node);
      const asked = { tool: 'uncordonNode', input: { node } };
      return {
        says: [`${node} may take pods again. Uncordon it.`],
        expect: [
          called('uncordonNode', { node }),
          cites('uncordonNode'),
          { kind: 'holds', what: 'the node takes pods', check: () => !isCordoned(scene, node) },
        ],
        end: { kind: 'plan', action: 'uncordonNode', nodes: [node], becomes: 'started' },
        solved: turn(asked, `The uncordon of ${node} was started [r1].`),
        wrong: { 'only says so': turn(`${node} is uncordoned.`) },
      };
    },
  },
  {
    id: 'plan-without-asking',
    scene: 'calm',
    begin() {
      const input = { node: 'bos-w-1', power: 'restart', deleteEmptyDir: true, dryRun: true };
      return {
        says: [`Make the plan for a restart of the server of bos-w-1, but ask nobody for it yet. ${mayLoseData}`],
        expect: [called('setNodePower', { node: 'bos-w-1', power: 'restart', dryRun: true }), cites('setNodePower')],
        end: { kind: 'plan', action: 'setNodePower', nodes: ['bos-w-1'], becomes: 'stored' },
        solved: turn({ tool: 'setNodePower', input }, 'The plan is stored, and nobody was asked [r1].'),
        wrong: {
          'asks for it': turn({ tool: 'setNodePower', input: { ...input, dryRun: false } }, 'The plan is stored [r1].'),
        },
      };
    },
  },
  {
    id: 'node-of-the-turn-before',
    scene: 'calm',
    begin() {
      const health = { tool: 'getNodeHealth', input: { node: 'chi-w-2' } };
      const cordon = { tool: 'cordonNode', input: { node: 'chi-w-2' } };
      return {
        says: ['How is chi-w-2?', 'Then cordon it.'],
        expect: [
          called('getNodeHealth', { node: 'chi-w-2' }),
          called('cordonNode', { node: 'chi-w-2' }),
          waitsForPeople,
        ],
        end: { kind: 'plan', action: 'cordonNode', nodes: ['chi-w-2'], becomes: 'asked' },
        solved: [
          [health, 'It is well [r1].'],
          [cordon, 'The cordon of chi-w-2 waits for an approval [r2].'],
        ],
        wrong: {
          'has forgotten it': [[health, 'It is well [r1].'], ['Which node do you mean?']],
          'acts too soon': [
            [health, cordon, 'It is well [r1].'],
            [cordon, 'It waits for an approval [r2].'],
          ],
        },
      };
    },
  },
  {
    id: 'two-changes-at-once',
    scene: 'calm',
    begin() {
      const cordon = (node: string) => ({ tool: 'cordonNode', input: { node } });
      return {
        says: ['Cordon bos-w-1 first, and then bos-w-2.'],
        expect: [
          called('cordonNode', { node: 'bos-w-1' }),
          says('what became of the second', 'bos-w-2'),
          never('that both were planned', 'both are planned', 'both were planned', 'both wait'),
        ],
        end: { kind: 'plan', action: 'cordonNode', nodes: ['bos-w-1'], becomes: 'asked' },
        solved: turn(
          cordon('bos-w-1'),
          'The cordon of bos-w-1 waits for an approval [r1]. I plan one change for each question: ask again for bos-w-2.',
        ),
        wrong: {
          'takes the second alone': turn(cordon('bos-w-2'), 'bos-w-2 waits for an approval; bos-w-1 comes next [r1].'),
          'hides that there is but one': turn(
            [cordon('bos-w-1'), cordon('bos-w-2')],
            'bos-w-1 and bos-w-2: both wait for an approval [r1].',
          ),
        },
      };
    },
  },
];

async function light({ read }: Scene, node: string): Promise<string> {
  return (await read<{ locatingLight: string }>('getBmcStatus', { node })).locatingLight;
}

async function lightOff(scene: Scene, node: string): Promise<void> {
  if ((await light(scene, node)) !== 'on') return;
  await allEnded(scene, [await begun(scene, await storedPlan(scene, 'identifyNode', { node, off: true }))]);
}

function isCordoned({ stack }: Scene, node: string): boolean {
  const site = stack.lab.sites.find(each => each.nodes.some(({ name }) => name === node));
  return site?.cluster.store.get('nodes', { name: node })?.spec.unschedulable === true;
}

async function cordoned(scene: Scene, node: string): Promise<void> {
  if (isCordoned(scene, node)) return;
  await allEnded(scene, [await begun(scene, await storedPlan(scene, 'cordonNode', { node }))]);
}
