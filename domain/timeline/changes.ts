/**
 * What a version of a subscription changed, in one sentence, for people who read a timeline.
 *
 * Pure. Days are those of the subscription's time zone. Not for workflows: it computes dates.
 */
import { Temporal } from 'temporal-polyfill';
import type { SubscriptionChange } from '../subscription/subscription';

/** The part of a snapshot that the sentences look at. */
export interface TitledSubscription {
  version: number;
  status: string;
  plan_id: string;
  quantity: number;
  time_zone: string;
  period: { index: number; start: string; end: string; paid: boolean } | null;
  cancel_at: string | null;
  resume_at: string | null;
  pending_change: object | null;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `1 Mar 2027` in the zone. @param at RFC 3339 */
export function dayText(at: string, timeZone: string): string {
  const { day, month, year } = Temporal.Instant.from(at).toZonedDateTimeISO(timeZone);
  return `${day} ${months[month - 1]} ${year}`;
}

/** @param previous the earlier values of what changed */
export function changeTitle(
  changes: readonly SubscriptionChange[],
  previous: Partial<TitledSubscription>,
  now: TitledSubscription,
): string {
  const before = changes.includes('created') ? null : previous.period;
  const opened = openedPeriod(before, now);
  const sentences = changes.map((change) => sentence(change, previous, now));
  const parts = [...sentences, ...(opened === null ? [] : [opened])];
  return parts.length === 0 ? `Version ${now.version}` : parts.join('; ');
}

/** @param before undefined: nothing of the period changed */
function openedPeriod(
  before: TitledSubscription['period'] | undefined,
  { period, time_zone }: TitledSubscription,
): string | null {
  if (period === null || before === undefined || before?.index === period.index) return null;
  const name = period.index === 0 ? 'Trial' : `Period ${period.index}`;
  return `${name} opened: ${dayText(period.start, time_zone)} – ${dayText(period.end, time_zone)}`;
}

/** The ones that say it all. */
const plain = {
  payment_method_changed: 'Payment method changed',
  metadata_changed: 'Metadata changed',
  started: 'Started',
  activated: 'Activated by its first payment',
  trial_ended: 'Trial ended',
  recovered: 'Recovered from past due',
  resumed: 'Resumed',
  cancellation_revoked: 'Cancellation revoked',
  cancelled: 'Cancelled',
  expired: 'Expired',
} as const satisfies Partial<Record<SubscriptionChange, string>>;

function isPlain(change: SubscriptionChange): change is keyof typeof plain {
  return change in plain;
}

function sentence(
  change: SubscriptionChange,
  previous: Partial<TitledSubscription>,
  now: TitledSubscription,
): string {
  if (isPlain(change)) return plain[change];
  const { period, time_zone } = now;
  const until = (text: string, at: string | null, word: string) =>
    at === null ? text : `${text} ${word} ${dayText(at, time_zone)}`;
  switch (change) {
    case 'created':
      return `Created: ${now.status}`;
    case 'plan_changed':
      return `Plan changed from ${previous.plan_id ?? 'another'} to ${now.plan_id}`;
    case 'quantity_changed':
      return `Quantity changed from ${previous.quantity ?? 'another'} to ${now.quantity}`;
    case 'change_scheduled':
      return now.pending_change === null ? 'The waiting change was dropped' : 'A change waits';
    case 'renewed':
      return `Period ${period?.index ?? 0} paid`;
    case 'past_due':
      return `Past due: period ${period?.index ?? 0} is not paid`;
    case 'paused':
      return until('Paused', now.resume_at, 'until');
    case 'cancellation_scheduled':
      return until('Cancellation scheduled', now.cancel_at, 'for');
  }
}
