/** The catalog: every tool there is, in the order in which surfaces list them. */
import type { Tool } from '../src/core/tool.ts';
import { cancelOperation } from './cancel-operation.ts';
import { cordonNode } from './cordon-node.ts';
import { drainNode } from './drain-node.ts';
import { flashFirmware } from './flash-firmware.ts';
import { getFirmwareCompliance } from './get-firmware-compliance.ts';
import { getFleetOverview } from './get-fleet-overview.ts';
import { getNodeHealth } from './get-node-health.ts';
import { getOperation } from './get-operation.ts';
import { getPlan } from './get-plan.ts';
import { listOperations } from './list-operations.ts';
import { planFirmwareRollout } from './plan-firmware-rollout.ts';
import { startPlan } from './start-plan.ts';
import { uncordonNode } from './uncordon-node.ts';

export const catalog: Tool[] = [
  getFleetOverview,
  getNodeHealth,
  getFirmwareCompliance,
  planFirmwareRollout,
  getPlan,
  startPlan,
  getOperation,
  listOperations,
  cancelOperation,
  cordonNode,
  uncordonNode,
  drainNode,
  flashFirmware,
];
