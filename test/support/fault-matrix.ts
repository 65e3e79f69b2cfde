/**
 * Every fault of a lab BMC against every read and write of the production
 * client. A cell is one word: what the caller got, with what the BMC received
 * and still holds checked beside it.
 */
import Bottleneck from 'bottleneck';
import { openBmcs } from '../../src/adapters/redfish/open-bmcs.ts';
import { type Bmc, type Fact, factValue } from '../../src/core/bmc.ts';
import { FleetError } from '../../src/core/errors.ts';
import { type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import type { FaultInput } from '../../src/lab/faults.ts';
import { compared } from './compared-facts.ts';
import { testGrant } from './grant.ts';
import { imageFile } from './image-file.ts';
import { account, eventually, startTestBmc, type TestBmc } from './lab-bmc.ts';
import { memoryLedger } from './session-ledger.ts';

const reads = {
  identity: bmc => bmc.identity(),
  health: bmc => bmc.health(),
  sample: bmc => bmc.sample(),
  inventory: bmc => bmc.inventory(),
  firmware: bmc => bmc.firmware(),
  tasks: bmc => bmc.tasks(),
  status: bmc => bmc.status(),
} satisfies Record<string, (bmc: Bmc) => Promise<unknown>>;

const image = {
  imageUri: 'http://127.74.0.1:1/image',
  protocol: 'HTTP',
  component: 'bios',
  image: imageFile(Buffer.from('image')),
} as const;
/** In this order: a host in POST takes less, and a BMC that restarts nothing. */
const writes = {
  light: bmc => bmc.change(testGrant, { act: 'identify', lit: true }),
  boot: bmc => bmc.change(testGrant, { act: 'boot-once', from: 'pxe' }),
  async update(bmc) {
    const { outcome } = await bmc.startUpdate(testGrant, image);
    if (outcome === 'refused') throw new FleetError({ code: 'bmc_refused', message: 'refused' });
  },
  reset: bmc => bmc.reset(testGrant, 'ForceRestart'),
  restart: bmc => bmc.change(testGrant, { act: 'reset-bmc' }),
} satisfies Record<string, (bmc: Bmc) => Promise<unknown>>;

type Read = keyof typeof reads;
type Write = keyof typeof writes;
/** Codes of errors in few letters, so that the table stays a table. */
const short: Record<string, string> = {
  bmc_unreachable: 'away',
  bmc_protocol: 'odd',
  bmc_auth: 'auth',
  bmc_refused: 'no',
  certificate_changed: 'cert',
  timeout: 'late',
  ambiguous: 'maybe',
};

/** What the table of the matrix has a column for, in its order. */
export const operations: readonly string[] = [...Object.keys(reads), ...Object.keys(writes)];

/** Machines at once, so that two cores are not the slow BMC. */
const lane = new Bottleneck({ maxConcurrent: 24 });
/** Rows that mostly wait, and so need no turn. */
const waiting: readonly string[] = ['bmc-down', 'resource-hangs', 'busy-sometimes', 'slow', 'overload'];
const baselines = new Map<LabMachine, Promise<Map<Read, unknown>>>();
let address = 0;

type Scene = { lab: TestBmc; bmc: Bmc };

/** `worse`: the machines that say themselves that they are worse for it. */
type Played = { fault: FaultInput; worse: readonly LabMachine[] };

/** What became of each read and write, by machine. Throws when what a BMC saw, or still holds, does not fit. */
export async function playFault(played: Played): Promise<Record<LabMachine, string[]>> {
  const { fault } = played;
  const run = (play: () => Promise<string[]>) => (waiting.includes(fault.kind) ? play() : lane.schedule(play));
  const rows = labMachines.map(async machine => {
    const words = await Promise.all([run(() => playReads(machine, played)), run(() => playWrites(machine, played))]);
    return [machine, words.flat()];
  });
  return Object.fromEntries(await Promise.all(rows));
}

/** One after another, beginning with the log-in. */
async function playReads(machine: LabMachine, { fault, ...played }: Played): Promise<string[]> {
  const worse = played.worse.includes(machine);
  const well = await baseline(machine);
  return onStage(machine, patienceMs(fault), async ({ lab, bmc }) => {
    setFault(lab, fault);
    if (worse) await eventually('the machine to say so', async () => (await healthOf(lab)) !== 'OK');
    const before = { ...lab.bmc.logIns() };
    const words: string[] = [];
    for (const name of Object.keys(reads) as Read[]) {
      const word = await wordOf(reads[name](bmc), found => {
        if (worse && saysWell(found)) throw new Error(`${name} calls the machine well`);
        return compared(well.get(name), found);
      });
      words.push(word);
    }
    proveFewLogIns(lab, before);
    return words;
  });
}

/** One after another; before each the BMC is well again, and known. */
async function playWrites(machine: LabMachine, { fault }: Played): Promise<string[]> {
  return onStage(machine, patienceMs(fault), async ({ lab, bmc }) => {
    const words: string[] = [];
    for (const name of Object.keys(writes) as Write[]) {
      lab.bmc.faults.clear();
      await bmc.power();
      const before = { ...lab.bmc.logIns() };
      const earlier = lab.effects.since().length;
      setFault(lab, fault);
      const word = await wordOf(writes[name](bmc), () => 'done');
      const performed = lab.effects
        .since(earlier)
        .filter(({ path, status }) => !path.includes('/SessionService') && status < 300).length;
      const fits = word === 'done' ? performed === 1 : word === 'maybe' ? performed <= 1 : performed === 0;
      if (!fits) throw new Error(`${name} was ${word}, and the BMC performed ${performed}`);
      proveFewLogIns(lab, before);
      words.push(word);
    }
    return words;
  });
}

function setFault({ bmc }: TestBmc, fault: FaultInput): void {
  const [first] = bmc.profile.temperatures;
  bmc.faults.set('sensor' in fault ? { ...fault, sensor: first?.id ?? '' } : fault);
}

function proveFewLogIns({ bmc }: TestBmc, before: { good: number; bad: number }): void {
  const { good, bad } = bmc.logIns();
  if (good - before.good > 3 || bad > before.bad) throw new Error(`${good} good and ${bad} bad log-ins`);
}

const longMs = 60_000;

/** Two busy cores are no BMC that hangs: only what does is waited for in vain. */
function patienceMs(fault: FaultInput): number {
  const hangs = fault.kind === 'resource-hangs' || (fault.kind === 'bmc-down' && fault.mode !== 'refused');
  return hangs ? 2_000 : longMs;
}

/** A BMC of its own, on which nothing of ours is left afterwards. */
async function onStage<T>(machine: LabMachine, answerMs: number, play: (scene: Scene) => Promise<T>): Promise<T> {
  const net = labMachines.indexOf(machine);
  address = (address % 250) + 1;
  const lab = await startTestBmc({ vendor: machine, address: `127.74.${net}.${address}` });
  const ledger = memoryLedger();
  const { url, spki, faults } = lab.bmc;
  let later = 0;
  const bmcs = openBmcs({
    bmcs: [{ node: 'node', url, spki, ...account }],
    ledger,
    timeouts: { retryMs: 5, connectMs: answerMs, answerMs, slowMs: answerMs },
    now: () => Date.now() + later,
  });
  try {
    const result = await play({ lab, bmc: bmcs.of('node') });
    faults.clear();
    await eventually('nothing of ours to be left', async () => {
      await bmcs.closeAll().catch(() => undefined);
      // Log-ins may have to wait until the BMC has had its rest.
      later += 60_000;
      return lab.bmc.sessions().length === 0 && ledger.entries.length === 0;
    });
    return result;
  } finally {
    await bmcs.end().catch(() => undefined);
    await lab.stop();
  }
}

async function wordOf(promise: Promise<unknown>, word: (found: unknown) => string): Promise<string> {
  try {
    return word(await promise);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    return short[error.code] ?? error.code;
  }
}

function baseline(machine: LabMachine): Promise<Map<Read, unknown>> {
  const held = baselines.get(machine);
  if (held !== undefined) return held;
  const read = onStage(machine, longMs, async ({ bmc }) => {
    const found = new Map<Read, unknown>();
    for (const name of Object.keys(reads) as Read[]) found.set(name, await reads[name](bmc));
    return found;
  });
  baselines.set(machine, read);
  return read;
}

/** What the machine says of itself to somebody else. */
async function healthOf(lab: TestBmc): Promise<string> {
  const system = (await lab.get('/redfish/v1/Systems')).Members?.[0]?.['@odata.id'] ?? '';
  const { Status: status } = (await lab.get(system)) as { Status?: { Health?: string; HealthRollup?: string } };
  return [status?.Health, status?.HealthRollup].find(each => each !== undefined && each !== 'OK') ?? 'OK';
}

/** Whether a reading has a verdict on the whole machine, and that one is good. */
function saysWell(found: unknown): boolean {
  if (typeof found !== 'object' || found === null || !('health' in found) || !('temperatures' in found)) return false;
  return factValue(found.health as Fact<string>) === 'ok';
}
