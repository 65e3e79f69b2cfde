/** What the next boot starts from, as the ComputerSystem shows it, and its settings object where the vendor has one. */
import type { BootSettings } from '../boot-override.ts';
import type { Controller } from '../controller.ts';
import { type Body, link } from '../reply.ts';
import type { Resources } from './tree.ts';

/** Undefined where the vendor has none. */
export function systemSettingsUri({ profile, uris }: Controller): string | undefined {
  const { settings } = profile.acts.boot;
  return settings === undefined ? undefined : `${uris.system}/${settings.id}`;
}

export function bootResources(bmc: Controller): Resources {
  const uri = systemSettingsUri(bmc);
  if (uri === undefined) return {};
  return {
    [uri]: () => ({
      '@odata.id': uri,
      '@odata.type': '#ComputerSystem.v1_16_0.ComputerSystem',
      Id: bmc.profile.acts.boot.settings?.id,
      Name: 'System Pending Settings',
      Boot: bootBody(bmc, bmc.boot.waiting),
    }),
  };
}

/** What the ComputerSystem says of its next boot. */
export function bootMembers(bmc: Controller): Body {
  const settings = systemSettingsUri(bmc);
  return {
    Boot: bootBody(bmc, bmc.boot.current),
    ...(settings === undefined
      ? {}
      : { '@Redfish.Settings': { '@odata.type': '#Settings.v1_3_3.Settings', SettingsObject: link(settings) } }),
  };
}

function bootBody({ profile }: Controller, boot: Readonly<BootSettings>): Body {
  const { targets, enabled, mode, uefiTarget, http } = profile.acts.boot;
  return {
    BootSourceOverrideEnabled: boot.enabled,
    'BootSourceOverrideEnabled@Redfish.AllowableValues': enabled,
    BootSourceOverrideTarget: boot.target,
    'BootSourceOverrideTarget@Redfish.AllowableValues': targets,
    ...(mode === undefined
      ? {}
      : {
          BootSourceOverrideMode: boot.mode,
          'BootSourceOverrideMode@Redfish.AllowableValues': ['Legacy', 'UEFI'],
        }),
    ...(uefiTarget ? { UefiTargetBootSourceOverride: boot.uefiTarget } : {}),
    ...(http.uri === 'absent' ? {} : { HttpBootUri: boot.httpUri }),
  };
}
