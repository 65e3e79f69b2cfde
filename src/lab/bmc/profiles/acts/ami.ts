/** MegaRAC: boot and BIOS change through settings objects alone, attributes have numbers for names, an empty slot says None. */
import { type ActsSpec, resetStages } from '../acts.ts';

export const amiActs: ActsSpec = {
  boot: {
    targets: [
      'None',
      'Pxe',
      'Floppy',
      'Cd',
      'Usb',
      'Hdd',
      'BiosSetup',
      'Utilities',
      'UefiShell',
      'UefiTarget',
      'UefiHttp',
    ],
    enabled: ['Disabled', 'Once', 'Continuous'],
    mode: { initial: 'UEFI' },
    uefiTarget: true,
    http: { uri: 'used' },
    settings: { id: 'SD', only: true },
  },
  light: { led: true, active: false },
  managerReset: { types: ['ForceRestart'], stages: resetStages(180), runningUpdate: 'fails' },
  bios: {
    id: 'Bios',
    settings: 'SD',
    attributes: [
      { name: 'FBO001', label: 'Boot mode select', type: 'Enumeration', values: ['LEGACY', 'UEFI'], default: 'UEFI' },
      { name: 'CPU004', label: 'SMT Control', type: 'Enumeration', values: ['Auto', 'Disabled'], default: 'Auto' },
      {
        name: 'PCIS007',
        label: 'SR-IOV Support',
        type: 'Enumeration',
        values: ['Enabled', 'Disabled'],
        default: 'Disabled',
      },
      { name: 'SETUP006', label: 'Setup Prompt Timeout', type: 'Integer', default: 3, lower: 0, upper: 65_535 },
      { name: 'VER001', label: 'Project Version', type: 'String', default: '', maxLength: 16, reports: 'version' },
    ],
    registry: {
      id: 'BiosAttributeRegistry',
      owner: 'AMI',
      uri: '/redfish/v1/Registries/BiosAttributeRegistry.json',
    },
    pending: 'changes',
  },
  virtualMedia: {
    under: 'manager',
    slots: [{ id: 'CD1', name: 'virtual CD1', mediaTypes: ['CD', 'DVD'], takes: 'action' }],
    emptyImage: 'None',
    bootsAs: 'Cd',
  },
  events: { limit: 8, registry: 'EventLog.1.0', retryAttempts: 3, retryIntervalSeconds: 60 },
  lockout: { threshold: 5, seconds: 30 },
  latency: { p50Ms: 600, p95Ms: 5000 },
};
