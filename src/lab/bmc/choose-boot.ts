/** The end of POST: settings come into force, and the host starts from what it was told, or from its disk. */
import type { BootRecord } from '../host.ts';
import type { BootSettings } from './boot-override.ts';
import type { Controller } from './controller.ts';
import { pullOnce } from './pull.ts';

/** What starts. A source from outside that gives nothing, or is asked for in Legacy mode, leaves the disk. */
export async function chooseBoot(bmc: Controller): Promise<BootRecord> {
  bmc.bios.endPost();
  const boot = bmc.boot.take();
  const asked = boot.target;
  if (asked === 'BiosSetup') return { asked, runs: 'setup' };
  const image = boot.mode === 'Legacy' ? undefined : await imageOf(bmc, boot);
  if (image !== undefined) return { asked, runs: 'image', image };
  return { asked, runs: bmc.erase.bootDriveEmpty ? 'nothing' : 'disk' };
}

async function imageOf(bmc: Controller, boot: BootSettings): Promise<string | undefined> {
  const { virtualMedia } = bmc.profile.acts;
  if (boot.target === virtualMedia?.bootsAs) return bmc.media.bootable();
  return boot.target === 'UefiHttp' ? httpImage(bmc, boot) : undefined;
}

async function httpImage(bmc: Controller, boot: BootSettings): Promise<string | undefined> {
  const { profile, bios, clock, address } = bmc;
  const { http } = profile.acts.boot;
  const uri = http.attribute === undefined ? boot.httpUri : bios.value(http.attribute);
  if (typeof uri !== 'string' || !URL.canParse(uri)) return undefined;
  const { userAgent } = profile.update;
  const pulled = await pullOnce({ uri, localAddress: address, userAgent: `${userAgent} UEFI`, clock });
  return pulled.outcome === 'image' ? uri : undefined;
}
