/**
 * Every fault that a lab BMC has, against every read and every write of the
 * client, on every machine of the lab: no cell is left out, and the last test
 * counts them. Reads follow one another, and the first of them logs in; the
 * writes do so on another BMC, which is well and known again before each.
 *
 * `ok`: as without the fault. `worse`: a part, and the machine as a whole, are
 * told to be worse. `part`: what could not be read is unknown, with the reason.
 * `done`: performed once. `maybe`: ambiguous, performed at most once. The
 * others are failures, and nothing was performed: `away` (unreachable), `odd`
 * (no Redfish), `late` (no answer in time), `no` (refused), `cert` (another
 * certificate).
 */
import { expect, test } from 'vitest';
import { bmcProfiles, type LabMachine, labMachines } from '../../src/lab/bmc/profiles/catalog.ts';
import { type FaultInput, faultSchema } from '../../src/lab/faults.ts';
import { operations, playFault } from '../support/fault-matrix.ts';

const table = `
                        identity health sample inventory firmware tasks status | light boot update reset restart
fan-failing                ok    worse   worse    worse      ok     ok     ok   |  done  done   done   done  done
inlet-rising               ok    worse   worse    worse      ok     ok     ok   |  done  done   done   done  done
ecc-rising                 ok    worse   worse    worse     ok     ok     ok   |  done  done   done   done  done
ecc-uncorrectable          ok    worse   worse    worse     ok     ok     ok   |  done  done   done   done  done
drive-predictive           ok    worse   worse    worse     ok     ok     ok   |  done  done   done   done  done
drive-failed               ok    worse   worse    worse     ok     ok     ok   |  done  done   done   done  done
drive-keeps-firmware       ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
array-rebuilding           ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
psu-failed                 ok    worse   worse    worse     ok     ok     ok   |  done  done   done   done  done
psu-failed/nvidia          ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
sensor-noisy               ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
sensor-absent              ok    part    part     part      ok     ok     ok   |  done  done   done   done  done
sensor-nan                 ok    part    part     part      ok     ok     ok   |  done  done   done   done  done
resource-hangs             ok    part    part     part      ok     ok     ok   |  done  done   done   done  done
resource-fails             ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
dangling-links             ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
dangling-links/openbmc     ok    part    part      ok       ok     ok     ok   |  done  done   done   done  done
dangling-links/idrac10     ok    part    part      ok       ok     ok     ok   |  done  done   done   done  done
dangling-links/nvidia      ok    part    part      ok       ok     ok     ok   |  done  done   done   done  done
page-overlap               ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
event-storm                ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
stale-power                ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
clock-skew                 ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
task-purge                 ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
task-unnamed               ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
update-completes-unchanged ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
update-stalls              ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
update-fails               ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
brick                      ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
bmc-reset-ignored          ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
bios-drops-settings        ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
push-bytes-only            ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
push-bytes-only/supermicro ok     ok      ok       ok       ok     ok     ok   |  done  done    no    done  done
unlicensed                 ok     ok      ok       ok       ok     ok     ok   |  done  done    no    done  done
reject-update              ok     ok      ok       ok       ok     ok     ok   |  done  done    no    done  done
etag-none                  ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
etag-weak-only             ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
etag-wrong-412             ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
etag-required-428          ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
slow                       ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
latency                    ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
overload                   ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
busy-sometimes             ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
connection-reset           ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
unauthorized-sometimes     ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
drop-after-log-in         away    ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
log-in-repeated             no     no      no       no       no     no     no   |  done  done   done   done  done
log-in-hangs              away   away    away     away     away   away   away  |  done  done   done   done  done
drop-after-post            ok     ok      ok       ok       ok     ok     ok   | maybe maybe   maybe maybe maybe
html                       odd    odd     odd      odd      odd    odd    odd  |   odd   odd    odd    odd   odd
truncated-json             odd    odd     odd      odd      odd    odd    odd  |   odd   odd    odd    odd   odd
trailing-comma             odd    odd     odd      odd      odd    odd    odd  |   odd   odd    odd    odd   odd
error-before-body          odd    odd     odd      odd      odd    odd    odd  |   odd   odd    odd    odd   odd
certificate-expiring       ok     ok      ok       ok       ok     ok     ok   |  done  done   done   done  done
certificate-change        cert   cert    cert     cert     cert   cert   cert  |  cert  cert   cert   cert  cert
bmc-down                  away   away    away     away     away   away   away  |  away  away   away   away  away
bmc-hangs                 late   late    late     late     late   late   late  |  late  late   late   late  late
`;

/** `sensor: ''` stands for the first sensor of the machine. */
const faults: Record<string, FaultInput> = {
  'fan-failing': { kind: 'fan-failing' },
  'inlet-rising': { kind: 'inlet-rising', celsius: 40 },
  'ecc-rising': { kind: 'ecc-rising', perMinute: 600 },
  'ecc-uncorrectable': { kind: 'ecc-uncorrectable' },
  'drive-predictive': { kind: 'drive-predictive' },
  'drive-failed': { kind: 'drive-failed' },
  'drive-keeps-firmware': { kind: 'drive-keeps-firmware' },
  'array-rebuilding': { kind: 'array-rebuilding' },
  'psu-failed': { kind: 'psu-failed' },
  'sensor-noisy': { kind: 'sensor-noisy', sensor: '' },
  'sensor-absent': { kind: 'sensor-absent', sensor: '' },
  'sensor-nan': { kind: 'sensor-nan', sensor: '' },
  'resource-hangs': { kind: 'resource-hangs', path: '/Memory' },
  'resource-fails': { kind: 'resource-fails', path: '/Thermal', every: 2 },
  'dangling-links': { kind: 'dangling-links' },
  'page-overlap': { kind: 'page-overlap' },
  'event-storm': { kind: 'event-storm' },
  'stale-power': { kind: 'stale-power' },
  'clock-skew': { kind: 'clock-skew', ms: 3_600_000 },
  'task-purge': { kind: 'task-purge' },
  'task-unnamed': { kind: 'task-unnamed' },
  'update-completes-unchanged': { kind: 'update-completes-unchanged' },
  'update-stalls': { kind: 'update-stalls' },
  'update-fails': { kind: 'update-fails' },
  brick: { kind: 'brick' },
  'bmc-reset-ignored': { kind: 'bmc-reset-ignored' },
  'bios-drops-settings': { kind: 'bios-drops-settings' },
  'push-bytes-only': { kind: 'push-bytes-only' },
  unlicensed: { kind: 'unlicensed' },
  'reject-update': { kind: 'reject-update' },
  'etag-none': { kind: 'etag', mode: 'none' },
  'etag-weak-only': { kind: 'etag', mode: 'weak-only' },
  'etag-wrong-412': { kind: 'etag', mode: 'wrong-412' },
  'etag-required-428': { kind: 'etag', mode: 'required-428' },
  slow: { kind: 'slow', ms: 40 },
  latency: { kind: 'latency' },
  overload: { kind: 'overload', parallel: 2 },
  'busy-sometimes': { kind: 'busy-sometimes', every: 9 },
  'connection-reset': { kind: 'connection-reset' },
  // A write is tried twice; on no machine are the two tries seven requests apart.
  'unauthorized-sometimes': { kind: 'unauthorized-sometimes', every: 7 },
  'drop-after-log-in': { kind: 'drop-after-log-in' },
  'log-in-repeated': { kind: 'log-in-repeated' },
  'log-in-hangs': { kind: 'resource-hangs', path: '/Sessions' },
  'drop-after-post': { kind: 'drop-after-post' },
  html: { kind: 'html' },
  'truncated-json': { kind: 'truncated-json' },
  'trailing-comma': { kind: 'trailing-comma' },
  'error-before-body': { kind: 'error-before-body' },
  'certificate-expiring': { kind: 'certificate-expiring', days: 5 },
  'certificate-change': { kind: 'certificate-change' },
  'bmc-down': { kind: 'bmc-down', mode: 'refused' },
  'bmc-hangs': { kind: 'bmc-down', mode: 'hang' },
};

const rows = new Map(
  table
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.trim().split(/\s+/))
    .map(([name = '', ...words]) => [name, words.join(' ')]),
);

/** What a machine cannot be asked for: the client refuses it by what it knows of the machine, whatever else is wrong. */
const refused: Partial<Record<LabMachine, readonly string[]>> = { nvidia: ['update'], dmtf: ['update'] };

/** Words of every cell that was played, by `fault machine`. */
const played = new Map<string, string[]>();

function expectedOf(name: string, machine: LabMachine): string[] {
  const row = rows.get(`${name}/${machine}`) ?? rows.get(`${name}/${bmcProfiles[machine].vendor}`) ?? rows.get(name);
  const words = (row ?? '').split(' ').filter(word => word !== '|');
  return words.map((word, index) => (refused[machine]?.includes(operations[index] ?? '') ? 'no' : word));
}

test('no fault of the lab is left out', () => {
  const kinds = faultSchema.options.map(({ shape }) => shape.kind.value);
  expect(new Set(Object.values(faults).map(({ kind }) => kind))).toEqual(new Set(kinds));
  expect([...rows.keys()].filter(name => !name.includes('/'))).toEqual(Object.keys(faults));
});

test.concurrent.each(Object.keys(faults).map(name => ({ name })))('$name', async ({ name }) => {
  const worse = labMachines.filter(machine => expectedOf(name, machine).includes('worse'));
  const found = await playFault({ fault: faults[name] as FaultInput, worse });
  for (const machine of labMachines) played.set(`${name} ${machine}`, found[machine]);
  const shown = (wordsOf: (machine: LabMachine) => string[]) =>
    Object.fromEntries(labMachines.map(machine => [machine, wordsOf(machine).join(' ')]));
  expect(shown(machine => found[machine])).toEqual(shown(machine => expectedOf(name, machine)));
});

test('every fault met every operation on every machine', () => {
  expect(
    table
      .trim()
      .split('\n')[0]
      ?.split(/[\s|]+/),
  ).toEqual(operations);
  const all = Object.keys(faults).flatMap(name => labMachines.map(machine => `${name} ${machine}`));
  expect([...played.keys()].toSorted()).toEqual(all.toSorted());
  expect(new Set([...played.values()].map(words => words.length))).toEqual(new Set([operations.length]));
});
