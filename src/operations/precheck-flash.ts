/**
 * What must hold before an image is handed over, read when the node's turn comes and once more right before the request:
 * nothing changed since the plan, nothing else waits on the BMC or for the start that the image needs, power would survive a lost supply, and the image can get there.
 */
import { factValue, type UpdateTask } from '../core/bmc.ts';
import { FleetError } from '../core/errors.ts';
import type { PowerSupply } from '../core/hardware.ts';
import { compareVersions } from '../planning/version.ts';
import { changeOf, isSame, isWanted, readShown, runningVersion, showRunning } from './firmware-change.ts';
import type { NodeJob } from './job.ts';
import { refuseDrives } from './prove-drives.ts';
import { proveSettings } from './waiting-bios.ts';

/**
 * Answers `current` when the node already runs the wanted version. Throws `precondition_failed` where anything is not as it
 * was planned, or not safe now.
 */
export async function precheckFlash(job: NodeJob): Promise<'flash' | 'current'> {
  const { bmc, cluster, target } = job;
  const change = changeOf(job);
  const [identity, shown, tasks, power, supplies, node] = await Promise.all([
    bmc.identity(),
    readShown(job),
    bmc.tasks(),
    bmc.power(),
    bmc.powerSupplies(),
    cluster.node(target.node),
  ]);
  const version = runningVersion(job, shown);
  const fail = (message: string) =>
    new FleetError({ code: 'precondition_failed', message: `${target.node}: ${message}` });
  if (isWanted(job, version)) return 'current';
  if ('storage' in shown) refuseDrives(job, shown.storage);
  if (version === undefined || !isSame(job, version, change.from))
    throw fail(`${showRunning(job, shown)}, the plan is for ${change.from}`);
  if (!change.downgrade && !isUpgrade(job))
    throw fail(`${change.component} ${version} → ${change.to} is no upgrade, and nobody asked for going back`);
  if (factValue(identity.model) !== factValue(target.model)) throw fail('is another model than the plan is for');
  if (factValue(power) !== 'on') throw fail('is not powered on');
  const weak = weakPower(factValue(supplies) ?? []);
  if (weak) throw fail(`${weak}: power that fails while firmware is written damages the server`);
  if (!node.ready) throw fail('is not Ready before the update, so its return could not be proved');
  const busy = tasks.filter(isActive);
  if (busy.length > 0) throw fail(`the BMC works on ${busy.length} other task${busy.length > 1 ? 's' : ''}`);
  if (change.activation !== 'bmc-restarts' && change.activation !== 'restart-bmc') await proveSettings(job);
  await proveCarried(job);
  return 'flash';
}

function isUpgrade(job: NodeJob): boolean {
  const { component, drives, from, to } = changeOf(job);
  const olders = drives?.map(drive => drive.from) ?? [from];
  return olders.every(older => compareVersions(job.target.vendor, component, older, to) === 'older');
}

/** A server without supplies of its own, as on a busbar, has none that could be weak; so has one that says nothing of any. */
function weakPower(supplies: PowerSupply[]): string | undefined {
  const bad = supplies.find(({ health }) => 'value' in health && health.value !== 'ok');
  if (bad) return `power supply ${bad.name} is not well`;
  const silent = supplies.filter(({ health }) => 'unknown' in health);
  if (silent.length === 0 || silent.length === supplies.length) return undefined;
  return `nothing is known of power supply ${silent.map(({ name }) => name).join(', ')}`;
}

function isActive(task: UpdateTask): boolean {
  return task.state === 'pending' || task.state === 'running' || task.state === 'awaiting-reset';
}

/** That the image can get there, as far as it can be known without letting the BMC fetch it, and comes into force as planned. */
export async function proveCarried(job: NodeJob): Promise<void> {
  const { bmc, images, target } = job;
  const change = changeOf(job);
  const { image, sha256 } = change;
  const { transfer, activation } = await bmc.updateTraits(change.component);
  if (activation !== change.activation)
    throw new FleetError({
      code: 'precondition_failed',
      message: `${target.node}: its image would come into force in another way than the plan says (${change.activation})`,
    });
  if (transfer === 'push') await images.open({ image, sha256 });
  else await images.proveReachable({ site: target.site, image, sha256, bmcUrl: target.bmcUrl });
}
