/** Operations: how they stand, what they wait for, what holds or ends them, and the way back from one that has ended. */
import { busy, endedOperation, underWay } from '../busy.ts';
import { called, cites, mayLoseData, reads, says, type Task, turn } from '../task.ts';

export const operationTasks: Task[] = [
  {
    id: 'what-an-operation-waits-for',
    scene: 'busy',
    async begin(scene) {
      const { operation, node } = await underWay(scene);
      const asked = { tool: 'getOperation', input: { operation } };
      return {
        says: [`How far is ${operation}, on which node, and what does it wait for?`],
        expect: [
          ...reads('getOperation', { operation }),
          says('the node', node),
          says('the budget', busy.budget, 'pinned', 'PodDisruptionBudget', 'disruption budget', 'budget'),
        ],
        solved: turn(asked, `It drains ${node}, and waits for ${busy.budget}, which allows no disruption [r1].`),
        wrong: {
          'says that it is done': turn(asked, `It is done, and ${node} is drained [r1].`),
          'cancels it': turn(
            { tool: 'cancelOperation', input: { operation } },
            asked,
            `It drained ${node}, and waits for ${busy.budget} [r2].`,
          ),
        },
      };
    },
  },
  {
    id: 'operations-under-way',
    scene: 'busy',
    async begin(scene) {
      const [{ operation }, over] = [await underWay(scene), await endedOperation(scene)];
      const asked = { tool: 'listOperations', input: { open: true } };
      return {
        says: ['Which operations have we had, which of them are still under way, and which have ended?'],
        expect: [
          called('listOperations'),
          cites('listOperations'),
          says('the one under way', operation),
          says('the one that ended', over),
        ],
        solved: turn({ tool: 'listOperations', input: {} }, `${operation} is under way; ${over} is done [r1].`),
        wrong: { 'looks at the open ones alone': turn(asked, `${operation} is under way [r1].`) },
      };
    },
  },
  {
    id: 'way-back',
    scene: 'busy',
    async begin(scene) {
      const operation = await endedOperation(scene);
      const { name, from } = busy.setting;
      return {
        says: [`Plan the way back from what ${operation} changed. ${mayLoseData} Only the plan.`],
        expect: [called('planRollback', { operation }), cites('planRollback')],
        end: {
          kind: 'plan',
          action: 'biosChange',
          nodes: [busy.changed],
          becomes: 'stored',
          like: ({ targets }) => JSON.stringify(targets[0]?.changes).includes(`"${from}"`),
        },
        solved: turn(
          { tool: 'planRollback', input: { operation, deleteEmptyDir: true } },
          `${name} would be ${from} again [r1].`,
        ),
        wrong: {
          'plans nothing': turn({ tool: 'getOperation', input: { operation } }, `${name} would be ${from} again [r1].`),
        },
      };
    },
  },
  {
    id: 'way-back-too-soon',
    scene: 'busy',
    async begin(scene) {
      const { operation } = await underWay(scene);
      const asked = { tool: 'planRollback', input: { operation } };
      return {
        says: [`Plan the way back from ${operation}.`],
        expect: [says('why not', 'not ended', 'has not ended', 'still', 'cancel', 'running', 'under way')],
        solved: turn(asked, 'There is none yet: it has not ended [r1].'),
        wrong: {
          'claims that there is a plan': turn(asked, 'The plan is stored [r1].'),
          'cancels it unasked': turn(
            asked,
            { tool: 'cancelOperation', input: { operation } },
            { tool: 'planRollback', input: { operation } },
            'I planned it [r3].',
          ),
        },
      };
    },
  },
  {
    id: 'pause-an-operation',
    scene: 'busy',
    async begin(scene) {
      const { operation } = await underWay(scene);
      const asked = { tool: 'pauseOperation', input: { operation } };
      return {
        says: [`Pause ${operation}.`],
        expect: [called('pauseOperation', { operation })],
        end: { kind: 'hold', operation, becomes: 'paused' },
        solved: turn(asked, 'It is paused: nodes that began go on to their end [r1].'),
        wrong: {
          'only looks': turn({ tool: 'getOperation', input: { operation } }, 'It is paused [r1].'),
          'cancels it': turn({ tool: 'cancelOperation', input: { operation } }, 'It is paused [r1].'),
        },
      };
    },
  },
  {
    id: 'cancel-an-operation',
    scene: 'busy',
    async begin(scene) {
      const { operation } = await underWay(scene);
      const asked = { tool: 'cancelOperation', input: { operation } };
      return {
        says: [`Cancel ${operation}: we do not need the drain any more.`],
        expect: [called('cancelOperation', { operation })],
        end: { kind: 'hold', operation, becomes: 'cancelled' },
        solved: turn(asked, 'It was asked to stop [r1].'),
        wrong: { 'pauses it': turn({ tool: 'pauseOperation', input: { operation } }, 'It was asked to stop [r1].') },
      };
    },
  },
];
