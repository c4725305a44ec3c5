/** In how many ways the same can happen to billing, and how often each was played. */
import { refusals } from './refusals';

/** By kind, what it is about, and the ways. */
export const waysOf = {
  creation: ['its caller waits', 'its caller was answered'],
  'first attempt': ['at once', 'apart'],
  charge: ['answer', 'webhook'],
  'late charge': ['retry', 'webhook'],
  decline: ['answer', 'webhook'],
  'declined change': ['its caller is answered', 'its subscription is told'],
  'end of dunning': ['expire', 'cancel'],
  change: ['quantity', 'plan'],
  'refund paid': ['answer', 'webhook'],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>;
export type WayKind = keyof typeof waysOf;

/** What is told or asked once more, now and then: the same must come of it. */
export const repeated = [
  'webhook of a charge',
  'webhook of a decline',
  'payment settled',
  'period that is over',
  'pause',
  'change taken back',
  'cancellation',
  'dunning exhausted',
  'refund',
  'webhook of a refund',
  'task resolved',
  'refund at the provider',
  'dispute opened',
  'dispute won',
  'dispute lost',
  'credit',
  'payout',
] as const;
export type Repeated = (typeof repeated)[number];

/** How often each way was played, by name. */
export type Ways = Map<string, number>;

export const wayOf = (kind: string, way: string): string => `${kind}: ${way}`;

/** The ways that were not played. */
export function missingWays(ways: Ways): string[] {
  const all = [
    ...Object.entries(waysOf).flatMap(([kind, names]) => names.map((name) => wayOf(kind, name))),
    ...repeated.map((kind) => wayOf(kind, 'twice')),
    ...refusals.map((name) => wayOf('refused', name)),
  ];
  return all.filter((name) => !ways.has(name));
}
