/** BIOS settings with the production client: what real machines show of them, and what the lab's machines take. */
import { afterEach, describe, expect, test } from 'vitest';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import type { BiosRegistry, BiosValue } from '../../src/core/bios.ts';
import { FleetError } from '../../src/core/errors.ts';
import { bmcProfiles, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { checkBios } from '../../src/planning/bios-settings.ts';
import { capturesPresent, type Resource, readCapture, serveCapture, type Tree } from '../support/capture-server.ts';
import { clientBench } from '../support/client-bench.ts';
import { testGrant } from '../support/grant.ts';
import { eventually } from '../support/lab-bmc.ts';
import { memoryLedger } from '../support/session-ledger.ts';
import { valueAt } from '../support/value-at.ts';

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function openCapture(tree: Tree, systemUri?: string) {
  const { url, username, password, spki, close } = await serveCapture(tree);
  undo.push(close);
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url, username, password, spki, systemUri }],
    ledger: memoryLedger(),
    timeouts: { retryMs: 5 },
  });
  undo.push(() => bmcs.closeAll());
  return bmcs.of('node');
}

function document(tree: Tree, type: string, uri: RegExp): Resource | undefined {
  return [...tree].find(([at, body]) => String(body['@odata.type']).startsWith(`#${type}.`) && uri.test(at))?.[1];
}

/** Where each machine's settings are, why nothing can be set or judged where that is so, and what has a value that its own registry rules out. */
const machines: Record<string, { bios: RegExp; declared?: string; refuses?: string; unjudged?: true; odd?: string[] }> =
  {
    'dell-r750-idrac9-6.00.30': { bios: /bios$/ },
    'dmtf-rackmount1-2025.4': { bios: /bios$/, unjudged: true },
    'gigabyte-h262-megarac-12.84': { bios: /bios$/, refuses: 'offers no change of BIOS settings' },
    'hpe-cray-ex425': {
      bios: /node1\/bios$/,
      declared: '/redfish/v1/Systems/Node1',
      refuses: 'offers no BIOS attributes',
    },
    'hpe-dl360gen10plus-ilo5-3.11': { bios: /bios$/ },
    'hpe-dl380a-gen12-ilo7-1.13': { bios: /bios$/ },
    'intel-s2600bpb-1.93': { bios: /bios$/, unjudged: true },
    'lenovo-sr670v2-xcc-2.83': { bios: /bios$/, unjudged: true },
    'nvidia-gb200nvl-openbmc': { bios: /bios$/, odd: ['Socket0UPHY2config', 'Socket1UPHY2config'] },
    'openbmc-stock-2.15': { bios: /bios$/, refuses: 'offers no BIOS attributes' },
    'supermicro-sys821ge-x13-11.01': { bios: /bios$/ },
  };

const reason = 'the captures are kept outside this repository, in ../shared/redfish, and are not here';
describe.skipIf(!capturesPresent)(`real machines${capturesPresent ? '' : ` (skipped: ${reason})`}`, () => {
  test.each(Object.entries(machines))('%s', async (machine, { bios: at, declared, refuses, unjudged, odd = [] }) => {
    const tree = readCapture(machine);
    const bmc = await openCapture(tree, declared);
    const reading = await bmc.bios().catch(FleetError.from);
    if (refuses !== undefined || reading instanceof FleetError) {
      expect(reading).toMatchObject({ code: 'bmc_refused', message: expect.stringContaining(refuses ?? 'nothing') });
      return;
    }
    const shown = (document(tree, 'Bios', at)?.Attributes ?? {}) as Record<string, unknown>;
    const written = Object.entries(shown).filter(([, value]) => value !== null);
    expect(written.length).toBeGreaterThan(5);
    expect(reading.active).toEqual(Object.fromEntries(written));
    // None of these machines was in the middle of a change, but one has a mock's.
    expect(reading.waiting).toEqual({ value: machine.startsWith('dmtf') ? expect.anything() : {} });

    const registry = await bmc.biosRegistry().catch(FleetError.from);
    if (unjudged === true || registry instanceof FleetError) {
      expect(registry).toMatchObject({ code: 'bmc_refused', message: expect.stringContaining('no registry') });
      expect(unjudged).toBe(true);
      return;
    }
    const entries = valueAt(document(tree, 'AttributeRegistry', /bios/), 'RegistryEntries', 'Attributes') as Resource[];
    expect(registry.attributes.map(each => each.name)).toEqual(entries.map(each => each.AttributeName));
    expect(misjudged(registry, reading.active)).toEqual(odd);
  });
});

/** Attributes whose own present value is taken for a wrong one. */
function misjudged(registry: BiosRegistry, active: Record<string, BiosValue>): string[] {
  return registry.attributes.flatMap(({ name, takes, fixed }) => {
    const now = active[name];
    if (now === undefined || takes.type === 'password' || fixed !== undefined) return [];
    try {
      checkBios({ registry, active, settings: [`${name}=${now}`] });
      return [`${name}: planned`];
    } catch (thrown) {
      const { code, message } = FleetError.from(thrown);
      return code === 'precondition_failed' ? [] : [message.split(' takes ')[0]?.split(': ')[1] ?? message];
    }
  });
}

const settable = labMachines.filter(machine => bmcProfiles[machine].acts.bios.settings !== undefined);

describe.each(settable)('%s of the lab', machine => {
  test('takes what its registry allows, shows it as waiting, and has it in force after a start', async () => {
    const { lab, bmc, close } = await clientBench(machine, `127.132.1.${labMachines.indexOf(machine) + 1}`, 3000);
    undo.push(close);
    const [{ active, waiting }, registry] = [await bmc.bios(), await bmc.biosRegistry()];
    expect(waiting).toEqual({ value: {} });
    const enumeration = registry.attributes.flatMap(({ name, takes }) =>
      takes.type === 'enumeration' ? [{ name, values: takes.labels }] : [],
    )[0];
    const name = enumeration?.name ?? '';
    const to = enumeration?.values.find(value => value !== active[name]) ?? '';
    const { changes } = checkBios({ registry, active, settings: [`${name}=${to}`] });
    expect(changes).toEqual([{ attribute: name, from: active[name], to }]);
    const change = { act: 'set-bios', attributes: { [name]: to } } as const;
    const { method, path, body } = await bmc.changeTarget(change);
    const { task } = await bmc.change(testGrant, change);
    const [write] = lab.effects.since().filter(each => each.path === path);
    expect([write?.method, write?.body]).toEqual([method, body]);
    expect(task !== undefined).toBe(bmcProfiles[machine].acts.bios.jobs !== undefined);
    const startApplies = bmcProfiles[machine].acts.bios.jobs === undefined;
    expect(await bmc.bios()).toEqual({ active, waiting: { value: { [name]: to } }, startApplies });
    const { bootId } = lab.host;
    lab.host.restart();
    await eventually('the start', () => lab.host.bootId !== bootId);
    expect(await bmc.bios()).toEqual({ active: { ...active, [name]: to }, waiting: { value: {} }, startApplies });
  });
});
