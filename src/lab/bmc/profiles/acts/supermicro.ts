/** Supermicro: the boot mode must be sent again each time, media boot as UsbCd (and on X11 take a minimal body), three bad log-ins block. */
import { type ActsSpec, resetStages, toggle, type VirtualMediaSpec } from '../acts.ts';

const media: VirtualMediaSpec = {
  under: 'manager',
  slots: ['1', '2'].map(n => ({
    id: `VirtualMedia${n}`,
    name: 'Virtual Removable Media',
    mediaTypes: ['CD', 'DVD', 'Floppy', 'USBStick'],
    takes: 'action',
  })),
  emptyImage: null,
  hidesEject: true,
  bootsAs: 'UsbCd',
};

export const supermicroActs: ActsSpec = {
  boot: {
    targets: ['None', 'Pxe', 'Floppy', 'Cd', 'Usb', 'Hdd', 'BiosSetup', 'UsbCd', 'UefiBootNext', 'UefiHttp'],
    enabled: ['Disabled', 'Once', 'Continuous'],
    mode: { initial: 'UEFI', forgets: true },
    http: { uri: 'used' },
  },
  light: { led: true, active: true },
  managerReset: { types: ['GracefulRestart'], stages: resetStages(150), runningUpdate: 'fails' },
  bios: {
    id: 'Bios',
    settings: 'SD',
    attributes: [
      {
        name: 'Hyper_Threading_ALL__00B5',
        label: 'Hyper-Threading [ALL]',
        type: 'Enumeration',
        values: ['Enable', 'Disable'],
        default: 'Enable',
      },
      toggle('SR_IOVSupport_0046', 'SR-IOV Support'),
      {
        name: 'BootModeSelect_0164',
        label: 'Boot Mode Select',
        type: 'Enumeration',
        values: ['LEGACY', 'UEFI', 'DUAL'],
        default: 'DUAL',
      },
      toggle('WatchDogFunction_0033', 'Watch Dog Function', false),
      { name: 'WatchDogTimeout_0021', label: 'Watch Dog Timeout', type: 'Integer', default: 5, lower: 1, upper: 30 },
      {
        name: 'BIOSVersion_0001',
        label: 'BIOS Version',
        type: 'String',
        default: '',
        maxLength: 16,
        reports: 'version',
      },
    ],
    registry: {
      id: 'BiosAttributeRegistry.v1_0_0',
      owner: 'Supermicro',
      uri: '/redfish/v1/Registries/BiosAttributeRegistry.1.0.0.json',
    },
    labelled: true,
    readOnlyWhile: [{ attribute: 'WatchDogTimeout_0021', other: 'WatchDogFunction_0033', is: 'Disabled' }],
    pending: 'changes',
  },
  virtualMedia: media,
  events: { limit: 16, registry: 'SMC.1.0', retryAttempts: 3, retryIntervalSeconds: 30 },
  lockout: { threshold: 3, seconds: 30 },
  latency: { p50Ms: 400, p95Ms: 3000 },
};

export const x11Acts: ActsSpec = {
  ...supermicroActs,
  boot: {
    targets: ['None', 'Pxe', 'Hdd', 'Diags', 'Cd', 'BiosSetup', 'Usb', 'UsbCd'],
    enabled: ['Disabled', 'Once', 'Continuous'],
    mode: { initial: 'UEFI', forgets: true },
    http: { uri: 'absent' },
  },
  light: { led: true, active: false },
  virtualMedia: { ...media, rejects: ['Inserted', 'WriteProtected'] },
};
