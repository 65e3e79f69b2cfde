/** What asks for a hand now and then: old firmware, a log that is full, a certificate that ends. From the BMC to the tool. */
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Client } from '../../src/surfaces/cli/client.ts';
import type { FindingOutput } from '../../tools/parts/finding-output.ts';
import { eventually, type Stack, startStack } from '../support/stack.ts';

let stack: Stack;
let client: Client;
/** One whose log stops when it is full, and one whose log forgets its oldest. */
const stopping = 'bos-w-3';
const wrapping = 'bos-w-1';

beforeAll(async () => {
  stack = await startStack({
    addressBase: '127.122',
    sites: 1,
    controlPlanes: 1,
    workers: 3,
    machines: ['ami', 'dell', 'hpe'],
    sampleEvery: '200ms',
  });
  client = await stack.client('requester');
});
afterAll(() => stack?.close());

async function findings(kind: string): Promise<FindingOutput[]> {
  const { output } = await client.callTool('listFindings', { kind });
  return (output as unknown as { findings: FindingOutput[] }).findings;
}

function nodesWith(kind: string): Promise<(string | undefined)[]> {
  return eventually(kind, async () => {
    const found = await findings(kind);
    return found.length > 0 ? found.map(({ node }) => node) : undefined;
  });
}

/** So far, a reading of its upkeep counted as one. */
function looksAt(name: string): number {
  const { server } = stack.lab.node(name);
  return server.received().filter(({ path }) => path === `/redfish/v1/Systems/${server.profile.systemId}`).length;
}

/** Since then its log was read to say how full it is, or would have been. */
const inventoried = (name: string, from: number) =>
  eventually(`the firmware of ${name} to be read again`, async () =>
    stack.lab
      .node(name)
      .server.received()
      .some(({ path, at }) => at > from && /\/FirmwareInventory$/.test(path))
      ? true
      : undefined,
  );

it('is firmware older than the baseline wants, by both versions, until it is the wanted one', async () => {
  const { server } = stack.lab.node(wrapping);
  const { bios, newBios } = server.profile.firmware;
  expect(server.firmware.active).toBe(bios);
  const drift = async () => (await findings('firmware-drift')).find(({ node }) => node === wrapping);
  const found = await eventually('the drift', drift);
  expect(found).toMatchObject({ level: 'warning', part: 'bios', text: `bios runs ${bios}, wanted is ${newBios}` });
  // The same version is wanted from now on.
  const document = parse(await readFile(stack.config.file, 'utf8')) as {
    firmware: { vendor: string; version: string }[];
  };
  for (const image of document.firmware) if (image.vendor === server.profile.vendor) image.version = bios;
  await stack.service().stop();
  await writeFile(stack.config.file, stringify(document), { mode: 0o600 });
  await stack.start();
  client = await stack.client('requester');
  const others = stack.lab.sites
    .flatMap(site => site.nodes)
    .filter(node => node.server.profile.vendor !== server.profile.vendor)
    .map(({ name }) => name);
  expect(others.length).toBeGreaterThan(0);
  await eventually('the drift to be over, and that of other vendors to stand', async () => {
    const nodes = (await findings('firmware-drift')).map(({ node }) => node);
    return nodes.toSorted().join() === others.toSorted().join() ? true : undefined;
  });
});

it('is a log that takes no more, and not one that forgets its oldest', async () => {
  expect(await findings('log-full')).toEqual([]);
  for (const name of [stopping, wrapping]) stack.lab.node(name).server.faults.set({ kind: 'event-storm', count: 1100 });
  const began = Date.now();
  expect(await nodesWith('log-full')).toEqual([stopping]);
  await inventoried(wrapping, began);
  const learned = looksAt(wrapping);
  await eventually('more looks at it', async () => (looksAt(wrapping) > learned + 5 ? true : undefined));
  expect(await findings('log-full')).toMatchObject([{ node: stopping, text: 'the event log is 100 % full' }]);
});

it('is a certificate that ends soon', async () => {
  expect(await findings('certificate-expiry')).toEqual([]);
  stack.lab.node(wrapping).server.faults.set({ kind: 'certificate-expiring', days: 5.5 });
  expect(await nodesWith('certificate-expiry')).toEqual([wrapping]);
  const [found] = await findings('certificate-expiry');
  expect(found).toMatchObject({ level: 'warning', text: "the BMC's certificate expires in 5 days" });
});

it('costs an inventory where looks are many', async () => {
  const { server } = stack.lab.node(stopping);
  const count = (path: RegExp) => server.received().filter(each => path.test(each.path)).length;
  await eventually('many looks', async () => (looksAt(stopping) > 40 ? true : undefined));
  expect(count(/\/FirmwareInventory$/) * 3).toBeLessThan(looksAt(stopping));
});
