/** iDRAC: BIOS changes are jobs, HTTP boot is a BIOS attribute, the lockout that counts is not the one it tells of. */
import { type ActsSpec, type BiosAttribute, type MediaSlot, resetStages, toggle } from '../acts.ts';

const attributes: readonly BiosAttribute[] = [
  toggle('LogicalProc', 'Logical Processor'),
  toggle('ProcVirtualization', 'Virtualization Technology'),
  toggle('SriovGlobalEnable', 'SR-IOV Global Enable', false),
  {
    name: 'SysProfile',
    label: 'System Profile',
    type: 'Enumeration',
    values: ['PerfPerWattOptimizedDapc', 'PerfPerWattOptimizedOs', 'PerfOptimized', 'Custom'],
    default: 'PerfPerWattOptimizedDapc',
  },
  { name: 'BootMode', label: 'Boot Mode', type: 'Enumeration', values: ['Uefi', 'Bios'], default: 'Uefi' },
  toggle('HttpDev1EnDis', 'HTTP Device1', false),
  { name: 'HttpDev1Uri', label: 'HTTP Device1 URI', type: 'String', default: '', maxLength: 255 },
  {
    name: 'AcPwrRcvryUserDelay',
    label: 'User Defined Delay',
    type: 'Integer',
    default: 120,
    lower: 120,
    upper: 600,
  },
  {
    name: 'SystemBiosVersion',
    label: 'System BIOS Version',
    type: 'String',
    default: '',
    maxLength: 32,
    reports: 'version',
  },
];

const slots: readonly MediaSlot[] = [
  { id: 'RemovableDisk', name: 'Virtual Removable Disk', mediaTypes: ['USBStick'], takes: 'action' },
  { id: 'CD', name: 'Virtual CD', mediaTypes: ['CD', 'DVD'], takes: 'action' },
];

export const dellActs: ActsSpec = {
  boot: {
    targets: ['None', 'Pxe', 'Floppy', 'Cd', 'Hdd', 'BiosSetup', 'Utilities', 'UefiTarget', 'SDCard', 'UefiHttp'],
    enabled: ['Disabled', 'Once', 'Continuous'],
    mode: { initial: 'UEFI' },
    uefiTarget: true,
    http: { uri: 'absent', attribute: 'HttpDev1Uri' },
  },
  light: { led: true, active: true },
  managerReset: { types: ['GracefulRestart'], stages: resetStages(200), runningUpdate: 'survives' },
  bios: {
    id: 'Bios',
    settings: 'Settings',
    attributes,
    registry: {
      id: 'BiosAttributeRegistry.v1_0_3',
      owner: 'Dell',
      uri: '/redfish/v1/Systems/System.Embedded.1/Bios/BiosRegistry',
    },
    readOnlyWhile: [{ attribute: 'HttpDev1Uri', other: 'HttpDev1EnDis', is: 'Disabled' }],
    applyTimes: ['OnReset'],
    pending: 'changes',
    jobs: {
      busy: {
        status: 400,
        messageId: 'IDRAC.2.8.SYS011',
        message:
          'A configuration job is scheduled already. Delete it, or wait until it is over, before further changes.',
      },
    },
  },
  virtualMedia: { under: 'manager', slots, emptyImage: null, bootsAs: 'Cd' },
  events: {
    limit: 10,
    registry: 'IDRAC.2.8',
    sse: '/redfish/v1/SSE',
    eventTypes: ['Alert', 'MetricReport', 'Other'],
    retryAttempts: 3,
    retryIntervalSeconds: 5,
  },
  secureErase: true,
  lockout: { threshold: 5, seconds: 60, shown: 0 },
  latency: { p50Ms: 350, p95Ms: 2000 },
};

const anyMedia = ['CD', 'DVD', 'USBStick'] as const;

/** Virtual media belong to the system here. */
export const idrac10Acts: ActsSpec = {
  ...dellActs,
  virtualMedia: {
    under: 'system',
    slots: ['1', '2'].map(id => ({ id, name: `VirtualMedia Instance ${id}`, mediaTypes: anyMedia, takes: 'action' })),
    emptyImage: null,
    bootsAs: 'Cd',
  },
};
