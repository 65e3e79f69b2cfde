/** The catalog: every tool there is, in the order in which surfaces list them. */
import type { Tool } from '../src/core/tool.ts';
import { acknowledgeFinding } from './acknowledge-finding.ts';
import { cancelOperation } from './cancel-operation.ts';
import { cordonNode } from './cordon-node.ts';
import { drainNode } from './drain-node.ts';
import { explainPodFailure } from './explain-pod-failure.ts';
import { flashFirmware } from './flash-firmware.ts';
import { freezeChanges } from './freeze-changes.ts';
import { getApproval } from './get-approval.ts';
import { getBmcStatus } from './get-bmc-status.ts';
import { getClusterStatus } from './get-cluster-status.ts';
import { getFirmwareCompliance } from './get-firmware-compliance.ts';
import { getFleetOverview } from './get-fleet-overview.ts';
import { getHardwareInventory } from './get-hardware-inventory.ts';
import { getNodeHealth } from './get-node-health.ts';
import { getNodeWorkloads } from './get-node-workloads.ts';
import { getOperation } from './get-operation.ts';
import { getPlan } from './get-plan.ts';
import { getSensorHistory } from './get-sensor-history.ts';
import { identifyNode } from './identify-node.ts';
import { listFindings } from './list-findings.ts';
import { listOperations } from './list-operations.ts';
import { pauseOperation } from './pause-operation.ts';
import { planBiosChange } from './plan-bios-change.ts';
import { planFirmwareRollout } from './plan-firmware-rollout.ts';
import { planRollback } from './plan-rollback.ts';
import { resetBmc } from './reset-bmc.ts';
import { resumeHealthCordons } from './resume-health-cordons.ts';
import { setBootOverride } from './set-boot-override.ts';
import { setNodePower } from './set-node-power.ts';
import { simulateDrain } from './simulate-drain.ts';
import { startPlan } from './start-plan.ts';
import { taintNode } from './taint-node.ts';
import { uncordonNode } from './uncordon-node.ts';

export const catalog: Tool[] = [
  getFleetOverview,
  getClusterStatus,
  getNodeHealth,
  getNodeWorkloads,
  listFindings,
  acknowledgeFinding,
  resumeHealthCordons,
  explainPodFailure,
  getHardwareInventory,
  getBmcStatus,
  getSensorHistory,
  simulateDrain,
  getFirmwareCompliance,
  planFirmwareRollout,
  planBiosChange,
  planRollback,
  getPlan,
  startPlan,
  getApproval,
  getOperation,
  listOperations,
  pauseOperation,
  cancelOperation,
  freezeChanges,
  cordonNode,
  uncordonNode,
  drainNode,
  taintNode,
  flashFirmware,
  setNodePower,
  resetBmc,
  identifyNode,
  setBootOverride,
];
