/** Every resource of every machine of the lab, crawled over the wire and held against the DMTF's schemas. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type BmcMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { account, startTestBmc } from '../support/lab-bmc.ts';
import { type Crawl, crawl, type Resource } from '../support/redfish-crawl.ts';
import { openSchemas, type Schemas, schemasPresent } from '../support/redfish-schemas.ts';

/** About as many as each machine has: a tree that lost a branch is noticed. */
const machines: readonly BmcMachine[] = [...labMachines, 'cray'];
const leastResources: Record<BmcMachine, number> = {
  dell: 160,
  hpe: 75,
  openbmc: 78,
  idrac10: 158,
  ilo6: 92,
  lenovo: 125,
  supermicro: 115,
  ami: 75,
  nvidia: 114,
  ilo7: 92,
  x11: 70,
  dmtf: 80,
  cray: 70,
};

/** Makers' own types, which no schema of the DMTF describes. */
const ownTypes = ['#DellJobCollection.DellJobCollection', '#DellJob.v1_2_0.DellJob'];

const stops: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(stops.splice(0).map(stop => stop())));

/** A machine with a session, a task under way, and, where asked, most parts in a bad way. */
async function read(machine: BmcMachine, faulty: boolean): Promise<Crawl> {
  const address = `127.31.8.${machines.indexOf(machine) + 1}`;
  const lab = await startTestBmc({ vendor: machine, address });
  stops.push(lab.stop);
  const { faults, profile, url } = lab.bmc;
  if (faulty) {
    faults.set({ kind: 'fan-failing' });
    faults.set({ kind: 'ecc-rising' });
    faults.set({ kind: 'ecc-uncorrectable', dimm: 2 });
    faults.set({ kind: 'drive-predictive' });
    faults.set({ kind: 'drive-failed', drive: 2 });
    faults.set({ kind: 'psu-failed' });
    faults.set({ kind: 'inlet-rising', celsius: 40 });
    faults.set({ kind: 'sensor-absent', sensor: profile.temperatures[1]?.id ?? '' });
    faults.set({ kind: 'sensor-noisy', sensor: profile.fans[1]?.id ?? profile.temperatures[0]?.id ?? '' });
    lab.host.powerOff();
  }
  const login = { UserName: account.username, Password: account.password };
  await lab.send('POST', '/redfish/v1/SessionService/Sessions', { body: login });
  const update = '/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate';
  const { push, simpleTargets } = profile.update;
  // Lenovo's SimpleUpdate takes one target alone, OpenBMC and NVIDIA have none: these are sent their images.
  const started =
    simpleTargets === undefined
      ? await lab.send('POST', update, { body: { ImageURI: `http://${address}:1/image.bin` } })
      : await lab.send('POST', push?.stream ?? '', { raw: 'image', headers: octetStream });
  expect(started.status).toBe(202);
  return crawl({ url, ca: lab.certificate.cert, ...account });
}

const octetStream = { 'Content-Type': 'application/octet-stream' };

describe('the tree of a machine', () => {
  test.each(machines)(
    '%s: has no dangling link, right counts, and names each resource by its address',
    async machine => {
      const { resources, dangling } = await read(machine, false);
      expect(dangling).toEqual([]);
      expect(resources.size).toBeGreaterThan(leastResources[machine]);
      const misnamed = [...resources].filter(([uri, body]) => plain(body['@odata.id']) !== plain(uri));
      expect(misnamed.map(([uri]) => uri)).toEqual([]);
      expect([...resources].flatMap(([uri, body]) => wrongCounts(uri, body, resources))).toEqual([]);
    },
  );
});

describe.skipIf(!schemasPresent)('against the schemas of the DMTF (skipped without ../shared/redfish/schema)', () => {
  let schemas: Schemas;
  beforeAll(() => {
    schemas = openSchemas();
  });
  afterAll(() => schemas.close());

  describe.each(machines)('%s', machine => {
    test.each([
      ['all is well', false],
      ['most of its parts fail', true],
    ])('is valid while %s', async (_how, faulty) => {
      const { resources } = await read(machine, faulty);
      const typed = [...resources].flatMap(([uri, body]) => typedParts(uri, body));
      expect(typed.length).toBeGreaterThan(leastResources[machine]);
      const problems: string[] = [];
      for (const [where, body] of typed) {
        const type = String(body['@odata.type']);
        if (ownTypes.includes(type)) continue;
        for (const error of await schemas.errorsOf(body)) problems.push(`${where} (${type}): ${error}`);
      }
      expect(problems).toEqual([]);
    });
  });

  test('finds what is wrong: an unknown property, a bad value, a missing one, a link that is none', async () => {
    const drive = {
      '@odata.id': '/redfish/v1/Systems/1/Storage/1/Drives/1',
      '@odata.type': '#Drive.v1_12_1.Drive',
      Id: '1',
      Name: 'Drive 1',
      Status: { Health: 'OK', State: 'Enabled' },
      Links: { Chassis: { '@odata.id': '/redfish/v1/Chassis/1' } },
    };
    expect(await schemas.errorsOf(drive)).toEqual([]);
    const { Name: _name, ...nameless } = drive;
    const wrong = [
      { ...drive, Serial: 'ABC' },
      { ...drive, MediaType: 'Tape' },
      { ...drive, Status: { Health: 'Fine' } },
      { ...drive, Links: { Chassis: '/redfish/v1/Chassis/1' } },
      nameless,
    ];
    for (const body of wrong) expect(await schemas.errorsOf(body)).not.toEqual([]);
  });
});

function plain(uri: unknown): string {
  return String(uri).replace(/\?.*$/, '');
}

/** A resource and what it embeds that says its own type, such as log entries. */
function typedParts(where: string, value: unknown): [string, Resource][] {
  if (Array.isArray(value)) return value.flatMap((inner, i) => typedParts(`${where}/${i}`, inner));
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, each]) =>
    key === 'Oem' ? [] : typedParts(`${where}/${key}`, each),
  );
  const own = '@odata.type' in value && '@odata.id' in value;
  return own ? [[where, value as Resource], ...inner] : inner;
}

/** Counts beside arrays; of a collection that comes in pages, over all its pages. */
function wrongCounts(uri: string, body: Resource, resources: ReadonlyMap<string, Resource>): string[] {
  if (uri.includes('?')) return [];
  return Object.entries(body).flatMap(([key, count]) => {
    if (!key.endsWith('@odata.count')) return [];
    const name = key.slice(0, -'@odata.count'.length);
    const all = pages(body, resources).flatMap(page => (Array.isArray(page[name]) ? page[name] : []));
    return all.length === count ? [] : [`${uri} ${key} is ${count}, there are ${all.length}`];
  });
}

function pages(body: Resource, resources: ReadonlyMap<string, Resource>): Resource[] {
  const next = resources.get(String(body['@odata.nextLink']));
  return next === undefined ? [body] : [body, ...pages(next, resources)];
}
