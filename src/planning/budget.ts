/** How many more nodes may be taken down now. Nodes that are down already consume the budget, whatever the cause. */

export type BudgetUse = {
  maxUnavailable: number;
  /** Names of nodes that do not serve now. */
  unavailable: Iterable<string>;
  /** Names of nodes that a running operation holds, serving or not. */
  inFlight: Iterable<string>;
};

/** Whole nodes, at least 0. A node in both lists counts once; a limit that is no count leaves nothing. */
export function remainingBudget(use: BudgetUse): number {
  if (!Number.isSafeInteger(use.maxUnavailable) || use.maxUnavailable < 0) return 0;
  const down = new Set([...use.unavailable, ...use.inFlight]);
  return Math.max(0, use.maxUnavailable - down.size);
}
