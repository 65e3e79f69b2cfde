/** Kinds that exist for the controllers' sake: storage, jobs, revisions, priorities and joining. */
import type { ResourceKind } from './resources.ts';

const storage = { group: 'storage.k8s.io', version: 'v1', namespaced: false };
const core = { group: '', version: 'v1' };

export const controllerKinds: ResourceKind[] = [
  {
    ...core,
    plural: 'persistentvolumes',
    singular: 'persistentvolume',
    kind: 'PersistentVolume',
    namespaced: false,
    shortNames: ['pv'],
    status: true,
  },
  {
    ...core,
    plural: 'persistentvolumeclaims',
    singular: 'persistentvolumeclaim',
    kind: 'PersistentVolumeClaim',
    namespaced: true,
    shortNames: ['pvc'],
    status: true,
  },
  { ...storage, plural: 'storageclasses', singular: 'storageclass', kind: 'StorageClass', shortNames: ['sc'] },
  { ...storage, plural: 'csinodes', singular: 'csinode', kind: 'CSINode' },
  { ...storage, plural: 'csidrivers', singular: 'csidriver', kind: 'CSIDriver' },
  {
    ...storage,
    plural: 'volumeattachments',
    singular: 'volumeattachment',
    kind: 'VolumeAttachment',
    status: true,
  },
  {
    group: 'scheduling.k8s.io',
    version: 'v1',
    plural: 'priorityclasses',
    singular: 'priorityclass',
    kind: 'PriorityClass',
    namespaced: false,
    shortNames: ['pc'],
  },
  {
    group: 'apps',
    version: 'v1',
    plural: 'controllerrevisions',
    singular: 'controllerrevision',
    kind: 'ControllerRevision',
    namespaced: true,
  },
  {
    group: 'batch',
    version: 'v1',
    plural: 'jobs',
    singular: 'job',
    kind: 'Job',
    namespaced: true,
    status: true,
    categories: ['all'],
    fields: ['status.successful'],
  },
  {
    group: 'certificates.k8s.io',
    version: 'v1',
    plural: 'certificatesigningrequests',
    singular: 'certificatesigningrequest',
    kind: 'CertificateSigningRequest',
    namespaced: false,
    shortNames: ['csr'],
    status: true,
    approval: true,
    fields: ['spec.signerName'],
  },
];
