/** By the standard alone: settings objects and media actions as it describes them, nothing of any vendor's own. */
import { type ActsSpec, resetStages, toggle } from '../acts.ts';

export const dmtfActs: ActsSpec = {
  boot: {
    targets: ['None', 'Pxe', 'Cd', 'Usb', 'Hdd', 'BiosSetup', 'Utilities', 'Diags', 'UefiTarget'],
    enabled: ['Disabled', 'Once', 'Continuous'],
    mode: { initial: 'UEFI' },
    uefiTarget: true,
    http: { uri: 'absent' },
  },
  light: { led: true, active: false },
  managerReset: { types: ['ForceRestart', 'GracefulRestart'], stages: resetStages(120), runningUpdate: 'fails' },
  bios: {
    id: 'Bios',
    settings: 'Settings',
    attributes: [
      toggle('ProcHyperthreading', 'Processor Hyper-Threading'),
      toggle('ProcTurboMode', 'Processor Turbo Mode'),
      {
        name: 'PowerProfile',
        label: 'Power Profile',
        type: 'Enumeration',
        values: ['MaxPerf', 'Balanced', 'MinPower'],
        default: 'Balanced',
      },
      { name: 'ProcCoreDisable', label: 'Disabled Cores', type: 'Integer', default: 0, lower: 0, upper: 24 },
    ],
    registry: {
      id: 'BiosAttributeRegistryP20.v1_0_0',
      owner: 'Plainworks',
      uri: '/redfish/v1/Registries/BiosAttributeRegistryP20.v1_0_0.json',
    },
    pending: 'all',
  },
  virtualMedia: {
    under: 'system',
    slots: [
      { id: 'CD1', name: 'Virtual CD', mediaTypes: ['CD', 'DVD'], takes: 'action' },
      { id: 'USB1', name: 'Virtual Removable Media', mediaTypes: ['USBStick'], takes: 'action' },
    ],
    emptyImage: null,
    bootsAs: 'Cd',
  },
  events: { limit: 8, registry: 'ResourceEvent.1.3', retryAttempts: 3, retryIntervalSeconds: 60 },
  lockout: { threshold: 5, seconds: 30 },
  latency: { p50Ms: 300, p95Ms: 2000 },
};
