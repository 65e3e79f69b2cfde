/** Other people's Redfish clients, as Debian ships them, against the lab's machines: inventory, power, boot, media, firmware. */
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { bmcProfiles, type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { account, startImageServer, startTestBmc, type TestBmc } from '../support/lab-bmc.ts';

const python = '/usr/bin/python3';
const withSushy = fileURLToPath(new URL('../support/with_sushy.py', import.meta.url));
/** Other authorities that this machine may name would go before what the clients are told. */
const env = { PATH: process.env.PATH ?? '', PYTHONWARNINGS: 'ignore' };

function runs(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { env, stdio: 'ignore', timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}

const has = {
  redfishtool: runs('sh', '-c', 'command -v redfishtool'),
  fence_redfish: runs('sh', '-c', 'command -v fence_redfish'),
  sushy: runs(python, '-c', 'import sushy'),
};

const title = (client: keyof typeof has) => (has[client] ? client : `${client} (skipped: it is not installed)`);

/** These two take the first system for the server, which on this machine is a baseboard that nothing switches. */
const oneSystem = labMachines.filter(machine => machine !== 'nvidia');

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

async function bench(machine: LabMachine): Promise<TestBmc & { at: string; port: string }> {
  const lab = await startTestBmc({ vendor: machine, address: `127.71.0.${labMachines.indexOf(machine) + 1}` });
  undo.push(lab.stop);
  const { hostname, port } = new URL(lab.bmc.url);
  return { ...lab, at: hostname, port };
}

async function run(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { env, timeout: 50_000 });
  return stdout;
}

describe.skipIf(!has.redfishtool)(title('redfishtool'), () => {
  it.each(oneSystem)('%s: reads the system, its log services and its firmware', async machine => {
    const { at, port, host } = await bench(machine);
    const ask = async (...words: string[]) => {
      const login = ['-r', `${at}:${port}`, '-u', account.username, '-p', account.password, '-S', 'Always'];
      return JSON.parse(await run('redfishtool', ...login, ...words)) as Record<string, unknown>;
    };
    expect(await ask('Systems', '-F', 'get')).toMatchObject({
      UUID: expect.stringMatching(new RegExp(host.uuid, 'i')),
    });
    expect(await ask('Managers', '-F', 'get')).toMatchObject({ FirmwareVersion: expect.any(String) });
    const inventory = await ask('raw', 'GET', '/redfish/v1/UpdateService/FirmwareInventory');
    expect((inventory.Members as unknown[]).length).toBeGreaterThan(1);
    const { Processors } = await ask('Systems', '-F', 'get');
    expect(Processors).toBeDefined();
  });

  it.each(oneSystem.filter(machine => machine !== 'ami'))('%s: sets what the next start is from', async machine => {
    const { at, port, effects } = await bench(machine);
    const login = ['-r', `${at}:${port}`, '-u', account.username, '-p', account.password, '-S', 'Always'];
    await run('redfishtool', ...login, 'Systems', '-F', 'setBootOverride', 'Once', 'Pxe');
    expect(effects.since().filter(({ method, status }) => method === 'PATCH' && status < 300)).toHaveLength(1);
  });
});

describe.skipIf(!has.fence_redfish)(title('fence_redfish'), () => {
  it.each(oneSystem)('%s: is asked for its power, switched off and on', async machine => {
    const { at, port, host } = await bench(machine);
    const login = ['--ip', at, '--ipport', port, '-l', account.username, '-p', account.password, '--ssl-insecure'];
    const fence = (action: string) => run('fence_redfish', ...login, '--action', action);
    expect(await fence('status')).toContain('ON');
    await fence('off');
    expect(host.poweredOn).toBe(false);
    await fence('on');
    expect(host.poweredOn).toBe(true);
  });
});

describe.skipIf(!has.sushy)(title('sushy'), () => {
  it.each(oneSystem)('%s: reads its hardware and firmware, sets boot and media, switches it off', async machine => {
    const { bmc, host } = await bench(machine);
    const images = await startImageServer({ '/boot.iso': Buffer.alloc(4096, 1) });
    undo.push(images.stop);
    const profile = bmcProfiles[machine];
    const args = [bmc.url, account.username, account.password, `${images.url}/boot.iso`];
    const found = JSON.parse(await run(python, withSushy, ...args)) as Record<string, unknown>;
    expect(found).toMatchObject({ manufacturer: profile.manufacturer, power: ['On', 'Off'] });
    expect(found.processors).toBeGreaterThan(0);
    expect(found.memoryGiB).toBeGreaterThan(0);
    expect((found.macs as string[]).length).toBeGreaterThan(0);
    expect((found.firmware as string[]).length).toBeGreaterThan(1);
    expect(host.poweredOn).toBe(false);
    // One of them keeps the boot override in a settings object that this client does not read.
    if (machine !== 'ami') expect(found.boot).toEqual(['Pxe', 'Once']);
    if (found.media !== null) {
      expect(found.media).toEqual([true, false]);
      expect(images.fetches.map(({ path }) => path)).toContain('/boot.iso');
    }
  });
});
