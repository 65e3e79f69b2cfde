/** XCC: an image gets into an EXT slot by PATCH; the RDOC slots are listed and take none. */
import { type ActsSpec, type MediaSlot, resetStages } from '../acts.ts';

const mediaTypes = ['CD', 'DVD', 'Floppy', 'USBStick'] as const;

function slots(kind: string, count: number, takes: MediaSlot['takes']): MediaSlot[] {
  return Array.from({ length: count }, (_, i) => ({ id: `${kind}${i + 1}`, name: 'VirtualMedia', mediaTypes, takes }));
}

export const lenovoActs: ActsSpec = {
  boot: {
    targets: ['None', 'Pxe', 'Cd', 'Usb', 'Hdd', 'BiosSetup', 'Diags', 'UefiTarget'],
    enabled: ['Disabled', 'Once'],
    mode: { initial: 'UEFI' },
    uefiTarget: true,
    http: { uri: 'absent' },
  },
  light: { led: true, active: false },
  managerReset: { types: ['GracefulRestart', 'ForceRestart'], stages: resetStages(180), runningUpdate: 'fails' },
  bios: {
    id: 'Bios',
    settings: 'Pending',
    attributes: [
      {
        name: 'Processors_HyperThreading',
        label: 'Hyper-Threading',
        type: 'Enumeration',
        values: ['Enable', 'Disable'],
        default: 'Enable',
      },
      {
        name: 'OperatingModes_ChooseOperatingMode',
        label: 'Choose Operating Mode',
        type: 'Enumeration',
        values: ['MinimalPower', 'Efficiency_FavorPower', 'Efficiency_FavorPerformance', 'MaximumPerformance'],
        default: 'Efficiency_FavorPerformance',
      },
      {
        name: 'DevicesandIOPorts_SRIOV',
        label: 'SR-IOV',
        type: 'Enumeration',
        values: ['Enable', 'Disable'],
        default: 'Enable',
      },
      {
        name: 'SystemInformation_Version',
        label: 'Version',
        type: 'String',
        default: '',
        maxLength: 16,
        reports: 'version',
      },
    ],
    registry: {
      id: 'BiosAttributeRegistry.1.0.0',
      owner: 'Lenovo',
      uri: '/redfish/v1/schemas/registries/BiosAttributeRegistry.1.0.0.json',
    },
    applyTimes: ['OnReset'],
    pending: 'changes',
  },
  virtualMedia: {
    under: 'manager',
    slots: [...slots('EXT', 4, 'patch'), ...slots('RDOC', 2, 'nothing')],
    emptyImage: null,
    bootsAs: 'Cd',
  },
  events: {
    limit: 9,
    registry: 'EventRegistry.1.0',
    sse: '/redfish/v1/EventService/SSE',
    retryAttempts: 3,
    retryIntervalSeconds: 60,
  },
  lockout: { threshold: 5, seconds: 60, shown: 0 },
  latency: { p50Ms: 500, p95Ms: 3000 },
};
