/** How long things may take, in milliseconds; every wait has an end. */
export type Timings = {
  pollMs: number;
  drainMs: number;
  updateMs: number;
  rebootMs: number;
  rejoinMs: number;
  /** How long a reset whose answer was lost is given to show, graceful shutdown included. */
  resetSettleMs: number;
  /** A task that shows no progress for so long is stuck. */
  stallMs: number;
  /** How long a gate after a node or wave may take to pass. */
  gateMs: number;
};
