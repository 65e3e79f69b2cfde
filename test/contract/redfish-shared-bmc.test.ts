/** Two nodes behind one BMC, from the configuration to the wire: each is read and switched as itself, over one session. */
import { afterEach, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { allNodes } from '../../src/core/fleet.ts';
import { testGrant } from '../support/grant.ts';
import { account, eventually, startTestBmc } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';
import { cluster, configOf, node, problemsOf, site } from '../unit/config-fixture.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

const uri = (id: string) => `/redfish/v1/Systems/${id}`;
const blade = (...more: object[]) => ({
  sites: [site({ clusters: [cluster({ nodes: more.map((each, i) => node(`n${i}`, '10.1.0.11', each)) })] })],
});

test('each declared server is read and switched as itself, over one session', async () => {
  const { fleet } = configOf(blade({ systemUri: uri('Node0') }, { systemUri: uri('Node1') }));
  const lab = await startTestBmc({ vendor: 'cray', address: '127.75.1.1' });
  const { url, spki } = lab.bmc;
  const access = allNodes(fleet).map(({ name, server }) => ({
    node: name,
    url,
    spki,
    ...account,
    systemUri: server.systemUri,
  }));
  const bmcs = openBmcs({ bmcs: access, ledger: memoryLedger() });
  undo.push(lab.stop, () => bmcs.closeAll());
  for (const [name, id] of [
    ['n0', 'Node0'],
    ['n1', 'Node1'],
  ] as const) {
    expect((await bmcs.of(name).identity()).systemUri).toBe(uri(id));
    expect((await bmcs.of(name).health()).neighbours).toEqual([uri(id === 'Node0' ? 'Node1' : 'Node0')]);
    const running = (await bmcs.of(name).firmware()).filter(
      each => each.component === 'bios' && each.state === 'active',
    );
    expect(running.map(each => each.id)).toEqual([`${id}.BIOS`]);
  }
  await bmcs.of('n1').reset(testGrant, 'ForceOff');
  await eventually('the second server to be off', () => lab.bmc.neighbour?.poweredOn === false);
  expect(lab.host.poweredOn).toBe(true);
  expect([await bmcs.of('n0').power(), await bmcs.of('n1').power()]).toEqual([{ value: 'on' }, { value: 'off' }]);
  expect(lab.bmc.logIns()).toEqual({ good: 1, bad: 0 });
});

test.each([
  ['neither is named', blade({}, {})],
  ['one is not named', blade({ systemUri: uri('Node0') }, {})],
  ['both have the same name', blade({ systemUri: uri('Node0') }, { systemUri: uri('node0') })],
  ['the BMC is entered in two ways', blade({ systemUri: uri('Node0') }, { systemUri: uri('Node1'), ca: 'ca.pem' })],
])('a configuration is refused where %s', (_why, change) => {
  expect(problemsOf(change).map(({ path }) => path)).toContain('sites[0].clusters[0].nodes[1].server.bmc.url');
});
