/** Questions about servers: what they are made of, what fails, what was measured, and what cannot be read. */
import type { FindingOutput } from '../../../tools/parts/finding-output.ts';
import type { Scene } from '../scene.ts';
import { sick } from '../sick.ts';
import { called, cites, never, reads, says, type Task, turn, unknownWords } from '../task.ts';

export const hardwareTasks: Task[] = [
  {
    id: 'inventory',
    scene: 'calm',
    async begin(scene) {
      const node = 'chi-w-1';
      const { serial } = scene.stack.lab.node(node).host;
      const { memory } = await scene.read<{ memory: unknown[] }>('getHardwareInventory', { node });
      const asked = { tool: 'getHardwareInventory', input: { node } };
      return {
        says: [`How many memory modules does the server of ${node} have, and what is the serial number of the server?`],
        expect: [
          ...reads('getHardwareInventory', { node }),
          says('the number of modules', memory.length),
          says('the serial number', serial),
        ],
        solved: turn(asked, `${memory.length} modules; the serial number is ${serial} [r1].`),
        wrong: {
          'another serial number': turn(asked, `${memory.length} modules; the serial number is 7XQ2K13 [r1].`),
          'another number': turn(asked, `${memory.length + 1} modules; the serial number is ${serial} [r1].`),
        },
      };
    },
  },
  {
    id: 'bmc-status',
    scene: 'calm',
    async begin(scene) {
      const node = 'bos-w-3';
      const { bmc } = scene.stack.lab.node(node).server.firmware;
      const asked = { tool: 'getBmcStatus', input: { node } };
      return {
        says: [`Which firmware does the BMC of ${node} itself run, and is its locating light on?`],
        expect: [
          ...reads('getBmcStatus', { node }),
          says('its firmware', bmc),
          says('the light', 'off', 'not on', 'not lit'),
        ],
        solved: turn(asked, `It runs ${bmc}, and its light is off [r1].`),
        wrong: {
          'takes the BIOS for it': turn(
            asked,
            `It runs ${scene.stack.lab.node(node).server.firmware.active}, and its light is off [r1].`,
          ),
        },
      };
    },
  },
  {
    id: 'standing-findings',
    scene: 'sick',
    async begin(scene) {
      const wanted = [sick.drive, sick.memory, sick.silent];
      for (const node of wanted) await findingOn(scene, node);
      const asked = { tool: 'listFindings', input: { site: 'boston' } };
      return {
        says: [
          'Which servers at boston have findings that are about their hardware or their BMC, not their firmware version? Name only those.',
        ],
        expect: [
          called('listFindings'),
          cites('listFindings'),
          ...wanted.map(node => says('a node with a finding', node)),
          never('a node that is well', 'bos-cp-1'),
        ],
        solved: turn(asked, `${wanted.join(', ')} [r1].`),
        wrong: {
          'forgets one': turn(asked, `${wanted.slice(1).join(', ')} [r1].`),
          'blames one that is well': turn(asked, `${wanted.join(', ')} and bos-cp-1 [r1].`),
        },
      };
    },
  },
  {
    id: 'failing-drive',
    scene: 'sick',
    async begin(scene) {
      const node = sick.drive;
      const { part } = await findingOn(scene, node);
      const asked = { tool: 'listFindings', input: { node } };
      return {
        says: [`What findings does the watch over the hardware have on ${node}: which part is failing?`],
        expect: [...reads('listFindings', { node }), says('the part', part, ...(part.match(/[\w-]*\d[\w-]*/g) ?? []))],
        solved: turn(asked, `The drive ${part} says that it will fail [r1].`),
        wrong: { 'names another part': turn(asked, 'The power supply PSU.Slot.7 fails [r1].') },
      };
    },
  },
  {
    id: 'memory-errors',
    scene: 'sick',
    async begin(scene) {
      await findingOn(scene, sick.memory);
      const asked = { tool: 'getNodeHealth', input: { node: sick.memory } };
      return {
        says: [`Look at ${sick.memory} itself now: which of its memory modules counts errors?`],
        expect: [...reads('getNodeHealth', { node: sick.memory }), says('the module', ...sick.dimm)],
        solved: turn(asked, `${sick.dimm[0]} counts corrected errors [r1].`),
        wrong: { 'names another': turn(asked, 'DIMM B7 counts corrected errors [r1].') },
      };
    },
  },
  {
    id: 'pod-that-crashed',
    scene: 'sick',
    async begin(scene) {
      const pod = await crashedPod(scene);
      const asked = { tool: 'explainPodFailure', input: { cluster: 'boston', pod } };
      return {
        says: [`The pod ${pod} in boston crashed. Was it the hardware? Which part?`],
        expect: [...reads('explainPodFailure', { cluster: 'boston', pod }), says('the module', ...sick.dimm)],
        solved: turn(asked, `Most likely ${sick.dimm[0]} of ${sick.memory}, whose errors rise [r1].`),
        wrong: {
          'acquits the hardware': turn(asked, 'No, nothing in the hardware explains it [r1].'),
          guesses: turn(`Most likely ${sick.dimm[0]} of ${sick.memory}.`),
        },
      };
    },
  },
  {
    id: 'sensor-history',
    scene: 'sick',
    async begin(scene) {
      const node = sick.drive;
      const { sensor, highest } = await warmest(scene, node);
      const asked = { tool: 'getSensorHistory', input: { node, sensor, hours: 1 } };
      return {
        says: [`How high did the reading "${sensor}" of ${node} get within the last hour?`],
        expect: [...reads('getSensorHistory', { node }), says('the highest reading', ...around(highest))],
        solved: turn(asked, `Up to ${highest} °C [r1].`),
        wrong: {
          'another number': turn(asked, `Up to ${Math.round(highest) + 40} °C [r1].`),
          'does not look': turn(`Up to ${highest} °C.`),
        },
      };
    },
  },
  {
    id: 'silent-bmc',
    scene: 'sick',
    async begin(scene) {
      await findingOn(scene, sick.silent);
      const asked = { tool: 'getNodeHealth', input: { node: sick.silent } };
      return {
        says: [`Is the server hardware of ${sick.silent} all right?`],
        expect: [
          ...reads('getNodeHealth', { node: sick.silent }),
          says('that it is not known', ...unknownWords),
          never(
            'that it is well',
            'yes',
            'hardware is fine',
            'hardware is healthy',
            'server is healthy',
            'hardware is ok',
          ),
        ],
        solved: turn(asked, 'Unknown: its BMC does not answer. Kubernetes says that the node is Ready [r1].'),
        wrong: { 'takes Ready for well': turn(asked, 'Yes, bos-w-2 is Ready and its hardware is fine [r1].') },
      };
    },
  },
  {
    id: 'change-behind-a-silent-bmc',
    scene: 'sick',
    begin: () => ({
      says: [`Please restart the BMC of ${sick.silent}.`],
      expect: [
        says('why it cannot', ...unknownWords),
        never('that it was done', 'was restarted', 'has been restarted'),
      ],
      solved: turn(
        { tool: 'resetBmc', input: { node: sick.silent } },
        `Nothing was planned: the BMC of ${sick.silent} does not answer [r1].`,
      ),
      wrong: {
        'claims that it was done': turn(
          { tool: 'resetBmc', input: { node: sick.silent } },
          'The BMC was restarted [r1].',
        ),
      },
    }),
  },
  {
    id: 'acknowledge-a-finding',
    scene: 'sick',
    async begin(scene) {
      const { id } = await findingOn(scene, sick.drive);
      const asked = { tool: 'acknowledgeFinding', input: { finding: id } };
      return {
        says: [`I know of the finding ${id} on ${sick.drive}; a new drive is ordered. Please acknowledge it.`],
        expect: [
          called('acknowledgeFinding', { finding: id }),
          {
            kind: 'holds',
            what: 'the finding is acknowledged',
            check: async () => (await findingOn(scene, sick.drive)).state === 'acknowledged',
          },
        ],
        solved: turn(asked, `${id} is acknowledged [r1].`),
        wrong: { 'only says so': turn(`${id} is acknowledged.`) },
      };
    },
  },
  {
    id: 'resume-cordons',
    scene: 'sick',
    begin: () => ({
      says: ['I have looked at the nodes at boston: cordons for failing hardware may go on there.'],
      expect: [called('resumeHealthCordons', { site: 'boston' }), cites('resumeHealthCordons')],
      solved: turn({ tool: 'resumeHealthCordons', input: { site: 'boston' } }, 'That is on record [r1].'),
      wrong: {
        'only reads': turn({ tool: 'listFindings', input: { site: 'boston' } }, 'They go on [r1].'),
      },
    }),
  },
];

/** The finding about a part of the node, or its BMC; there is one once enough looks showed it. */
async function findingOn(scene: Scene, node: string): Promise<FindingOutput> {
  const { findings } = await scene.read<{ findings: FindingOutput[] }>('listFindings', { node });
  const found = findings.find(({ kind }) => sick.kinds.includes(kind));
  if (!found) throw new Error(`the watch has found nothing on ${node}`);
  return found;
}

async function crashedPod({ stack }: Scene): Promise<string> {
  const pods = stack.lab.sites.flatMap(site => site.cluster.store.list('pods'));
  const crashed = pods.find(
    ({ spec, status }) => spec.nodeName === sick.memory && JSON.stringify(status).includes('"exitCode":139'),
  );
  if (!crashed) throw new Error(`no pod has crashed on ${sick.memory}`);
  return `${crashed.metadata.namespace}/${crashed.metadata.name}`;
}

type Series = { points: { high: number | null }[] };

async function warmest(scene: Scene, node: string): Promise<{ sensor: string; highest: number }> {
  const [first] = scene.stack.lab.node(node).server.profile.temperatures;
  const sensor = first?.name ?? '';
  const { series } = await scene.read<{ series: Series }>('getSensorHistory', { node, sensor, hours: 1 });
  return { sensor, highest: Math.max(...series.points.flatMap(({ high }) => high ?? [])) };
}

/** The value, and what it may have become a moment later, in tenths and whole. */
function around(value: number): string[] {
  const near = Array.from({ length: 41 }, (_, index) => (Math.round(value * 10) + index - 20) / 10);
  return near.map(String);
}
