/** What the lab's BMCs show after something was done to them, held against the DMTF's schemas; events too. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { bmcProfiles, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { startEventListener } from '../support/event-listener.ts';
import { eventually, startImageServer, startTestBmc } from '../support/lab-bmc.ts';
import { openSchemas, type Schemas, schemasPresent } from '../support/redfish-schemas.ts';
import { valueAt } from '../support/value-at.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(stops.splice(0).map(stop => stop())));

describe.skipIf(!schemasPresent)('against the schemas of the DMTF (skipped without ../shared/redfish/schema)', () => {
  let schemas: Schemas;
  beforeAll(() => {
    schemas = openSchemas();
  });
  afterAll(() => schemas.close());

  test.each(labMachines)('%s: next boot, BIOS, media, subscription, event and erase', async machine => {
    const bmc = await startTestBmc({ vendor: machine, address: `127.31.27.${labMachines.indexOf(machine) + 1}` });
    const images = await startImageServer({ '/os.iso': Buffer.from('iso') });
    const listener = await startEventListener();
    stops.push(bmc.stop, images.stop, listener.stop);
    const { acts, systemId, managerId } = bmcProfiles[machine];
    const system = `/redfish/v1/Systems/${systemId}`;
    const bios = `${system}/${acts.bios.id}`;
    const settings = acts.boot.settings === undefined ? [] : [`${system}/${acts.boot.settings.id}`];
    const place = acts.boot.settings?.only ? settings[0] : system;
    const boot = { BootSourceOverrideEnabled: 'Once', BootSourceOverrideTarget: 'Pxe' };
    const subscription = { Destination: listener.url, Protocol: 'Redfish', Context: 'here' };
    const made = await bmc.send('POST', '/redfish/v1/EventService/Subscriptions', { body: subscription });
    const done = [made, await bmc.send('PATCH', String(place), { body: { Boot: boot } })];
    const shown = [system, ...settings, String(made.headers.location)];
    done.push(await bmc.send('POST', `${bios}/Actions/Bios.ResetBios`, { body: {} }));
    shown.push(bios);
    const attribute = acts.bios.attributes.find(({ type }) => type === 'Enumeration');
    if (attribute !== undefined) {
      const body = { Attributes: { [attribute.name]: attribute.default } };
      done.push(await bmc.send('PATCH', `${bios}/${acts.bios.settings}`, { body }));
      shown.push(`${bios}/${acts.bios.settings}`, String(acts.bios.registry?.uri));
    }
    if (acts.virtualMedia !== undefined) {
      const owner = acts.virtualMedia.under === 'system' ? system : `/redfish/v1/Managers/${managerId}`;
      const slot = acts.virtualMedia.slots.find(({ mediaTypes }) => mediaTypes.includes('CD'));
      const uri = `${owner}/VirtualMedia/${slot?.id}`;
      const body = { Image: `${images.url}/os.iso` };
      const insert = `${uri}/Actions/VirtualMedia.InsertMedia`;
      done.push(
        await bmc.send(...((slot?.takes === 'patch' ? ['PATCH', uri] : ['POST', insert]) as [string, string]), {
          body,
        }),
      );
      shown.push(uri);
    }
    if (acts.secureErase) {
      const [storage] = (await bmc.get(`${system}/Storage`)).Members ?? [];
      const drive = String(valueAt(await bmc.get(String(storage?.['@odata.id'])), 'Drives', 0, '@odata.id'));
      done.push(await bmc.send('POST', `${drive}/Actions/Drive.SecureErase`, { body: {} }));
      shown.push(drive, String(done.at(-1)?.body['@odata.id']));
    }
    expect(done.filter(({ status }) => status >= 300).map(({ text }) => text)).toEqual([]);
    bmc.bmc.faults.set({ kind: 'event-storm', count: 1 });
    await eventually('the event', () => listener.events.length > 0);
    const problems: string[] = [];
    for (const body of [...(await Promise.all(shown.map(bmc.get))), listener.events[0]?.body]) {
      if (body === undefined) throw new Error('nothing to hold against a schema');
      for (const error of await schemas.errorsOf(body)) problems.push(`${valueAt(body, '@odata.id')}: ${error}`);
    }
    expect(problems).toEqual([]);
  });
});
