/** Questions about a fleet that is well: sites, clusters, nodes, what runs there, firmware, and what a drain would meet. */
import type { DrainOutput } from '../../../tools/parts/drain-output.ts';
import type { StatusOutput } from '../../../tools/parts/status-output.ts';
import type { WorkloadsOutput } from '../../../tools/parts/workloads-output.ts';
import { request, type Scene } from '../scene.ts';
import { called, cites, never, reads, says, type Task, turn, unknownWords } from '../task.ts';

const plain = (name: string) => [name, name.split('/').at(-1) ?? name];

/** Numbers of a few things, as people write them. */
const numbers = [
  'no',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];
const amount = (count: number) => [String(count), numbers[count] ?? String(count)];

export const fleetTasks: Task[] = [
  {
    id: 'fleet-size',
    scene: 'calm',
    begin({ stack }) {
      const sites = stack.lab.sites.map(site => site.name);
      const count = stack.lab.sites.flatMap(site => site.nodes).length;
      return {
        says: ['How many nodes do we run in all, and at which sites?'],
        expect: [
          ...reads('getFleetOverview'),
          says('the number of nodes', ...amount(count)),
          ...sites.map(site => says('a site', site)),
        ],
        solved: turn(
          { tool: 'getFleetOverview', input: {} },
          `${count} nodes, at the sites ${sites.join(' and ')} [r1].`,
        ),
        wrong: {
          'answers from memory': turn(`${count} nodes, at the sites ${sites.join(' and ')}.`),
          miscounts: turn(
            { tool: 'getFleetOverview', input: {} },
            `${count + 3} nodes, at the sites ${sites.join(' and ')} [r1].`,
          ),
        },
      };
    },
  },
  {
    id: 'waiting-requests',
    scene: 'calm',
    async begin(scene) {
      const { approval } = await request(scene, 'cordonNode', { node: 'bos-w-2' });
      const { name } = scene.person('operator');
      return {
        says: ['Does anything wait for an approval at the moment, and who asked for it?'],
        expect: [...reads('getFleetOverview'), says('the request', approval), says('who asked', name)],
        solved: turn({ tool: 'getFleetOverview', input: {} }, `${approval}, asked for by ${name}, waits [r1].`),
        wrong: {
          'overlooks it': turn({ tool: 'getFleetOverview', input: {} }, 'Nothing waits [r1].'),
          'makes up an id': turn(
            { tool: 'getFleetOverview', input: {} },
            `apr-00000000aa, asked for by ${name}, waits, and ${approval} too [r1].`,
          ),
        },
      };
    },
  },
  {
    id: 'cluster-budget',
    scene: 'calm',
    async begin(scene) {
      const { disruption } = await scene.read<StatusOutput>('getClusterStatus', { cluster: 'boston' });
      const { moreMayGoDown: more } = disruption;
      return {
        says: ['How many more nodes of the cluster boston may go down right now?'],
        expect: [...reads('getClusterStatus', { cluster: 'boston' }), says('how many', ...amount(more))],
        solved: turn({ tool: 'getClusterStatus', input: { cluster: 'boston' } }, `${more} more may go down [r1].`),
        wrong: {
          'another number': turn(
            { tool: 'getClusterStatus', input: { cluster: 'boston' } },
            `${more + 4} more may go down [r1].`,
          ),
          'another cluster': turn(
            { tool: 'getClusterStatus', input: { cluster: 'chicago' } },
            `${more} more may go down [r1].`,
          ),
        },
      };
    },
  },
  {
    id: 'etcd-members',
    scene: 'calm',
    begin: () => ({
      says: ['Which nodes hold etcd at chicago?'],
      expect: [
        ...reads('getClusterStatus', { cluster: 'chicago' }),
        says('the member', 'chi-cp-1'),
        never('a node of another site', 'bos-cp-1'),
      ],
      solved: turn({ tool: 'getClusterStatus', input: { cluster: 'chicago' } }, 'chi-cp-1 alone [r1].'),
      wrong: {
        'names the other site too': turn(
          [
            { tool: 'getClusterStatus', input: { cluster: 'chicago' } },
            { tool: 'getClusterStatus', input: { cluster: 'boston' } },
          ],
          'chi-cp-1 and bos-cp-1 [r1].',
        ),
      },
    }),
  },
  {
    id: 'node-is-well',
    scene: 'calm',
    begin: () => ({
      says: ['Is bos-w-1 all right?'],
      expect: [
        ...reads('getNodeHealth', { node: 'bos-w-1' }),
        says('that it is', 'ok', 'yes', 'healthy', 'well', 'fine', 'all right', 'no problems', 'nothing is wrong'),
      ],
      solved: turn({ tool: 'getNodeHealth', input: { node: 'bos-w-1' } }, 'Yes: Ready, and its server is ok [r1].'),
      wrong: {
        'does not look': turn('Yes, bos-w-1 is fine.'),
        'cites what it never read': turn({ tool: 'getNodeHealth', input: { node: 'bos-w-1' } }, 'Yes [r1] [r4].'),
        'looks at another': turn({ tool: 'getNodeHealth', input: { node: 'bos-w-2' } }, 'Yes, it is ok [r1].'),
      },
    }),
  },
  {
    id: 'workloads-at-stake',
    scene: 'calm',
    async begin(scene) {
      const { node, down } = await withSingles(scene);
      return {
        says: [`Which workloads would be down if ${node} failed now?`],
        expect: [
          ...reads('getNodeWorkloads', { node }),
          ...down.map(name => says('a workload that would be down', ...plain(name))),
        ],
        solved: turn({ tool: 'getNodeWorkloads', input: { node } }, `Down would be: ${down.join(', ')} [r1].`),
        wrong: {
          'names none': turn({ tool: 'getNodeWorkloads', input: { node } }, 'None: all have replicas elsewhere [r1].'),
        },
      };
    },
  },
  {
    id: 'drain-that-is-blocked',
    scene: 'calm',
    async begin(scene) {
      const { node, pod } = await withLocalData(scene);
      return {
        says: [
          `Would a drain of ${node} begin if no local data may be lost? If not, because of which pod? Do not drain it.`,
        ],
        expect: [...reads('simulateDrain', { node }), says('the pod that blocks it', ...plain(pod))],
        solved: turn({ tool: 'simulateDrain', input: { node } }, `No: ${pod} has local data [r1].`),
        wrong: {
          'says that it would': turn(
            { tool: 'simulateDrain', input: { node } },
            'Yes, it would begin and finish [r1].',
          ),
          'asks for the drain': turn(
            [{ tool: 'simulateDrain', input: { node } }],
            [{ tool: 'drainNode', input: { node, deleteEmptyDir: true } }],
            `No: ${pod} has local data [r1].`,
          ),
        },
      };
    },
  },
  {
    id: 'firmware-behind',
    scene: 'calm',
    async begin(scene) {
      type Row = { node: string; have: string; want: string; image?: string };
      const { nodes } = await scene.read<{ nodes: Row[] }>('getFirmwareCompliance', { site: 'boston' });
      const { have = '', want = '', image = '' } = nodes.find(({ node }) => node === 'bos-w-3') ?? {};
      return {
        says: ['What BIOS does bos-w-3 run, what does the baseline of boston want, and which image is that?'],
        expect: [
          ...reads('getFirmwareCompliance', { site: 'boston' }),
          says('what it runs', have),
          says('what is wanted', want),
          says('the image', image),
        ],
        solved: turn(
          { tool: 'getFirmwareCompliance', input: { site: 'boston' } },
          `It runs ${have}; the baseline wants ${want}, which is ${image} [r1].`,
        ),
        wrong: {
          'makes up an image': turn(
            { tool: 'getFirmwareCompliance', input: { site: 'boston' } },
            `It runs ${have}; the baseline wants ${want}, which is dell-bios-9.9.9 [r1].`,
          ),
        },
      };
    },
  },
  {
    id: 'no-history',
    scene: 'calm',
    begin: () => ({
      says: ['How warm was the inlet of bos-w-1 over the last two hours?'],
      expect: [
        called('getSensorHistory', { node: 'bos-w-1' }),
        cites('getSensorHistory'),
        says(
          'that nothing was measured',
          ...unknownWords,
          'no history',
          'not measured',
          'nothing was measured',
          'no readings',
          'no measurements',
          'no data',
          'nothing measured',
        ),
        never('a temperature', '°C'),
      ],
      solved: turn(
        { tool: 'getSensorHistory', input: { node: 'bos-w-1', hours: 2 } },
        'Unknown: nothing was measured on bos-w-1 in that time [r1].',
      ),
      wrong: {
        'makes up a reading': turn(
          { tool: 'getSensorHistory', input: { node: 'bos-w-1', hours: 2 } },
          'It was at 24 °C all the time [r1].',
        ),
      },
    }),
  },
];

const workers = ['bos-w-1', 'bos-w-2', 'bos-w-3'];

/** A node with workloads that have no other replica. */
async function withSingles(scene: Scene): Promise<{ node: string; down: string[] }> {
  for (const node of workers) {
    const { workloads } = await scene.read<WorkloadsOutput>('getNodeWorkloads', { node });
    const down = workloads.filter(({ ifNodeFails }) => ifNodeFails === 'down').map(({ workload }) => workload);
    if (down.length > 0) return { node, down };
  }
  throw new Error('every workload of the lab has replicas elsewhere');
}

/** A node with a pod whose emptyDir a drain would lose. */
async function withLocalData(scene: Scene): Promise<{ node: string; pod: string }> {
  for (const node of workers) {
    const { pods } = await scene.read<DrainOutput>('simulateDrain', { node });
    const blocked = pods.find(({ goes }) => goes === 'blocked');
    if (blocked) return { node, pod: blocked.pod };
  }
  throw new Error('no pod of the lab has local data');
}
