/**
 * The timeline: what happened to a subscription, payment or customer, from all the places where it was written down.
 *
 * Owns: which kinds of entries there are, and their one order: by the customer's time at which something happened, then
 * by the real time at which it was written, then by source and id. Invariants: neither instant changes, whatever becomes
 * of the row later, so its place never does; at one instant causes come before what follows from them.
 */

export const timelineKinds = [
  'api_call',
  'change',
  'attempt',
  'refund',
  'ledger',
  'webhook',
  'event',
  'retry_plan',
  'operator_action',
  'notification',
] as const;

/** What an entry was read from, in the order of entries of one instant. Cursors hold the place in this list. */
export const timelineSources = [
  'webhook_delivery',
  'retry_request',
  'attempt',
  'refund',
  'change',
  'ledger_transaction',
  'retry_plan',
  'retry_refusal',
  'operator_task',
  'task_resolution',
  'event',
  'audit',
] as const;
export type TimelineSource = (typeof timelineSources)[number];

/** The place of an entry among all of its timeline. */
export interface TimelinePlace {
  /** When it happened, by the customer's time; milliseconds since 1970. */
  atMs: number;
  /** When its row was written, real time. */
  recordedMs: number;
  source: TimelineSource;
  /** Of the row, or what the number counts in. */
  id: string;
  /** Where the id alone does not tell rows apart; else 0. */
  number: bigint;
}

/** By its number in the list; undefined for a number that has none. */
export function sourceAt(rank: number): TimelineSource | undefined {
  return timelineSources[rank];
}

export function rankOf(source: TimelineSource): number {
  return timelineSources.indexOf(source);
}
