/** When changes may start at a site, by its own clocks. */
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof weekdays)[number];

/** Begins on each of these days. Where `to` is not after `from`, it ends on the next day. */
export type MaintenanceWindow = { days: Weekday[] /** `HH:MM` */; from: string /** `HH:MM` */; to: string };

/** Nothing starts from the first to the last day, both included. */
export type ChangeFreeze = { /** `YYYY-MM-DD` */ from: string; to: string; reason: string };

export type Calendar = {
  /** IANA name. */
  timeZone: string;
  /** None: changes may start at any time. */
  windows: MaintenanceWindow[];
  changeFreezes: ChangeFreeze[];
};

/** Milliseconds since the epoch; undefined for never, as far as can be seen. */
export type WindowNow = { open: true; closesAt?: number } | { open: false; opensAt?: number; why: string };
