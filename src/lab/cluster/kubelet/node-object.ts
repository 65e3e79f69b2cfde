/** How a machine presents itself as a Node: the same UUID and boot ID that its BMC and its OS know. */
import { createHash } from 'node:crypto';
import type { Host } from '../../host.ts';
import { kubernetesVersion } from '../api/discovery.ts';
import { type NodeObject, setCondition } from '../model/objects.ts';
import type { NewObject } from '../model/store.ts';

export type LabNode = { host: Host; name: string; role: 'control-plane' | 'worker'; zone: string };

/** The Node as kubeadm and the kubelet leave it after a join; `joined: false` lacks what only the join sets. */
export function newNode(node: LabNode, { ip, joined }: { ip: string; joined: boolean }): NewObject {
  const controlPlane = joined && node.role === 'control-plane';
  return {
    metadata: {
      name: node.name,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': node.name,
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/zone': node.zone,
        ...(controlPlane
          ? {
              'node-role.kubernetes.io/control-plane': '',
              'node.kubernetes.io/exclude-from-external-load-balancers': '',
            }
          : {}),
      },
      annotations: { 'node.alpha.kubernetes.io/ttl': '0' },
    },
    spec: {
      ...(controlPlane ? { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] } : {}),
      ...(joined ? {} : { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }),
    },
    status: {
      addresses: [
        { type: 'InternalIP', address: ip },
        { type: 'Hostname', address: node.name },
      ],
      capacity: { cpu: '64', memory: '527951872Ki', pods: '110', 'ephemeral-storage': '459850824Ki' },
      allocatable: { cpu: '64', memory: '527849472Ki', pods: '110', 'ephemeral-storage': '423798519Ki' },
      nodeInfo: nodeInfo(node.host),
    },
  };
}

export function nodeInfo(host: Host): Record<string, string> {
  return {
    architecture: 'amd64',
    bootID: host.bootId,
    containerRuntimeVersion: 'containerd://2.1.4',
    kernelVersion: '6.12.41-lab',
    kubeProxyVersion: '',
    kubeletVersion: kubernetesVersion,
    machineID: createHash('sha256').update(`machine-id of ${host.uuid}`).digest('hex').slice(0, 32),
    operatingSystem: 'linux',
    osImage: 'Groundskeeper Lab Linux',
    systemUUID: host.uuid.toLowerCase(),
  };
}

const pressures = [
  ['MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
] as const;

/** Sets the four conditions that a running kubelet reports. */
export function reportConditions(status: NodeObject['status'], now: string, ready: boolean): void {
  for (const [type, reason, message] of pressures) {
    setCondition(status, now, { type, status: 'False', reason, message, lastHeartbeatTime: now });
  }
  setCondition(status, now, {
    type: 'Ready',
    status: ready ? 'True' : 'False',
    reason: ready ? 'KubeletReady' : 'KubeletNotReady',
    message: ready ? 'kubelet is posting ready status' : 'container runtime network not ready',
    lastHeartbeatTime: now,
  });
}
