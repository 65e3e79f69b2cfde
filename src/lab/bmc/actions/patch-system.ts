/** What can be set on the ComputerSystem: asset tag, locating light, boot override. All of a request is taken, or nothing. */
import type { Controller, LightState } from '../controller.ts';
import { type Body, problem, type Refusal, type Reply, vendorProblem } from '../reply.ts';

const lights: readonly string[] = ['Off', 'Lit', 'Blinking'];

export function patchSystem(bmc: Controller, body: Body): Reply {
  const { profile } = bmc;
  for (const [name, value] of Object.entries(body)) {
    const refused = refusal(bmc, name, value);
    if (refused !== undefined) return problem(profile, 400, refused.name, refused.about);
  }
  const { AssetTag: tag, IndicatorLED: led, LocationIndicatorActive: active, Boot: boot } = body;
  if (isObject(boot)) {
    const changed = changeBoot(bmc, boot);
    if (changed !== undefined) return changed;
  }
  if (typeof tag === 'string') bmc.assetTag = tag;
  if (typeof led === 'string') bmc.light = led as LightState;
  if (typeof active === 'boolean') bmc.light = active ? 'Blinking' : 'Off';
  return { status: 204 };
}

/** The settings object of the system takes the boot override alone. */
export function patchSystemSettings(bmc: Controller, body: Body): Reply {
  const { profile } = bmc;
  const { Boot: boot, ...others } = body;
  const [other] = Object.keys(others);
  if (other !== undefined) return problem(profile, 400, 'PropertyNotWritable', other);
  if (!isObject(boot)) return problem(profile, 400, 'PropertyMissing', 'Boot');
  const refused = bmc.boot.refusal(boot);
  if (refused !== undefined) return problem(profile, 400, refused.name, refused.about);
  return changeBoot(bmc, boot) ?? { status: 204 };
}

function refusal(bmc: Controller, name: string, value: unknown): Refusal | undefined {
  const { light, boot } = bmc.profile.acts;
  const wrongType = { name: 'PropertyValueTypeError', about: name } as const;
  if (name === 'AssetTag') return typeof value === 'string' ? undefined : wrongType;
  if (name === 'IndicatorLED' && light.led) {
    const listed = typeof value === 'string' && lights.includes(value);
    return listed ? undefined : { name: 'PropertyValueNotInList', about: name };
  }
  if (name === 'LocationIndicatorActive' && light.active) return typeof value === 'boolean' ? undefined : wrongType;
  if (name === 'Boot' && !boot.settings?.only) return isObject(value) ? bmc.boot.refusal(value) : wrongType;
  return { name: 'PropertyNotWritable', about: name };
}

/** Undefined when the change was taken. */
function changeBoot(bmc: Controller, asked: Body): Reply | undefined {
  const { refusedInPost } = bmc.profile.acts.boot;
  if (bmc.host.phase === 'post' && refusedInPost !== undefined) return vendorProblem(refusedInPost);
  bmc.boot.change(asked);
  return undefined;
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
