/** iLO: changes are refused during POST, HttpBootUri is taken and ignored, lower-case BIOS addresses, no lockout told of. */
import { type ActsSpec, type BiosAttribute, resetStages, toggle } from '../acts.ts';

const attributes: readonly BiosAttribute[] = [
  toggle('ProcHyperthreading', 'Intel Hyperthreading Options'),
  toggle('ProcVirtualization', 'Intel Virtualization Technology'),
  toggle('Sriov', 'SR-IOV'),
  {
    name: 'WorkloadProfile',
    label: 'Workload Profile',
    type: 'Enumeration',
    values: ['GeneralPowerEfficientCompute', 'GeneralPeakFrequencyCompute', 'Virtualization-MaxPerformance', 'Custom'],
    default: 'GeneralPowerEfficientCompute',
  },
  { name: 'UrlBootFile', label: 'Boot from URL 1', type: 'String', default: '', maxLength: 255 },
  { name: 'ServerAssetTag', label: 'Server Asset Tag', type: 'String', default: '', maxLength: 32 },
  {
    name: 'SerialNumber',
    label: 'Serial Number',
    type: 'String',
    default: '',
    maxLength: 16,
    reports: 'serial',
  },
];

export const hpeActs: ActsSpec = {
  boot: {
    targets: ['None', 'Cd', 'Hdd', 'Usb', 'SDCard', 'Utilities', 'Diags', 'BiosSetup', 'Pxe', 'UefiShell', 'UefiHttp'],
    enabled: ['Disabled', 'Once', 'Continuous'],
    mode: { initial: 'UEFI' },
    http: { uri: 'ignored', attribute: 'UrlBootFile' },
    refusedInPost: {
      status: 400,
      messageId: 'iLO.2.14.UnableToModifyDuringSystemPOST',
      message: 'The setting cannot be changed while the system is in POST.',
    },
  },
  light: { led: true, active: true },
  managerReset: { types: ['ForceRestart', 'GracefulRestart'], stages: resetStages(112), runningUpdate: 'fails' },
  bios: {
    id: 'bios',
    settings: 'settings',
    attributes,
    registry: {
      id: 'BiosAttributeRegistryU46.v1_2_34',
      owner: 'HPE',
      uri: '/redfish/v1/RegistryStore/registries/en/biosattributeregistryu46.v1_2_34',
    },
    pending: 'all',
  },
  virtualMedia: {
    under: 'manager',
    slots: [
      { id: '1', name: 'VirtualMedia', mediaTypes: ['Floppy', 'USBStick'], takes: 'action' },
      { id: '2', name: 'VirtualMedia', mediaTypes: ['CD', 'DVD'], takes: 'action' },
    ],
    emptyImage: '',
    bootsAs: 'Cd',
  },
  events: {
    limit: 8,
    registry: 'iLOEvents.3.2',
    sse: '/redfish/v1/SSE',
    eventTypes: ['StatusChange', 'ResourceUpdated', 'ResourceAdded', 'ResourceRemoved', 'Alert', 'MetricReport'],
    retryAttempts: 3,
    retryIntervalSeconds: 30,
  },
  lockout: { threshold: 5, seconds: 60, shown: null },
  latency: { p50Ms: 200, p95Ms: 1200 },
};

/** No list of event types, and a light without the older property. */
export const ilo7Acts: ActsSpec = {
  ...hpeActs,
  light: { led: false, active: true },
  events: { limit: 8, registry: 'iLOEvents.3.5', sse: '/redfish/v1/SSE', retryAttempts: 3, retryIntervalSeconds: 30 },
};
