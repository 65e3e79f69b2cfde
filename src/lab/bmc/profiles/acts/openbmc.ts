/** OpenBMC: little to set. The stock one has no virtual media and no BIOS settings; the GB200-like one has both. */
import { type ActsSpec, resetStages, toggle } from '../acts.ts';

export const openbmcActs: ActsSpec = {
  boot: {
    targets: ['None', 'Pxe', 'Hdd', 'Cd', 'Diags', 'BiosSetup', 'Usb'],
    enabled: ['Disabled', 'Once', 'Continuous'],
    mode: { initial: 'UEFI' },
    http: { uri: 'absent' },
  },
  light: { led: true, active: true },
  managerReset: { types: ['GracefulRestart', 'ForceRestart'], stages: resetStages(120), runningUpdate: 'fails' },
  bios: { id: 'Bios', attributes: [], pending: 'changes' },
  events: {
    limit: 20,
    registry: 'OpenBMC.0.4',
    sse: '/redfish/v1/EventService/SSE',
    retryAttempts: 3,
    retryIntervalSeconds: 30,
  },
  lockout: { threshold: 0, seconds: 0 },
  latency: { p50Ms: 100, p95Ms: 600 },
};

export const nvidiaActs: ActsSpec = {
  ...openbmcActs,
  secureErase: true,
  boot: {
    targets: ['None', 'Pxe', 'Hdd', 'Cd', 'Diags', 'BiosSetup', 'Usb'],
    enabled: ['Disabled', 'Once', 'Continuous'],
    http: { uri: 'absent' },
    settings: { id: 'Settings' },
  },
  managerReset: { types: ['GracefulRestart', 'ForceRestart'], stages: resetStages(180), runningUpdate: 'fails' },
  bios: {
    id: 'Bios',
    settings: 'Settings',
    attributes: [
      { name: 'ActiveCores', label: 'Max Enabled Cores', type: 'Integer', default: 144, lower: 0, upper: 144 },
      toggle('AssetTagProtection', 'Asset Tag Protection', false),
      { name: 'DisableChannelSparing', label: 'Disable Channel Sparing', type: 'Boolean', default: false },
      {
        name: 'FirmwareVersion',
        label: 'Firmware Version',
        type: 'String',
        default: '',
        maxLength: 32,
        reports: 'version',
      },
    ],
    registry: {
      id: 'BiosAttributeRegistry',
      owner: 'NVIDIA',
      uri: '/redfish/v1/Registries/BiosAttributeRegistry/BiosAttributeRegistry',
    },
    pending: 'changes',
  },
  virtualMedia: {
    under: 'manager',
    slots: ['USB1', 'USB2'].map(id => ({
      id,
      name: 'Virtual Removable Media',
      mediaTypes: ['CD', 'USBStick'],
      takes: 'action',
    })),
    emptyImage: null,
    bootsAs: 'Cd',
  },
};
