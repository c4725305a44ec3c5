/**
 * What a version of a subscription changed, in one sentence, for people who read a timeline.
 *
 * Pure. Days are those of the subscription's time zone. Not for workflows: it computes dates.
 */
import { Temporal } from 'temporal-polyfill';
import { computedZone } from '../calendar';
import type { SubscriptionChange } from '../subscription/subscription';

/** A change that waits: for its payment (`when_paid`), or for the end of the period. */
interface TitledPending {
  effective: string;
}

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
  pending_change: TitledPending | null;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `1 Mar 2027` in the zone. @param at RFC 3339 */
export function dayText(at: string, timeZone: string): string {
  const { day, month, year } = Temporal.Instant.from(at).toZonedDateTimeISO(computedZone(timeZone));
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
  const described = changes.map((change) => sentences[change]?.(now, previous) ?? nameText(change));
  const parts = [...described, ...(opened === null ? [] : [opened])];
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

type Sentence = (now: TitledSubscription, previous: Partial<TitledSubscription>) => string;

const isForPayment = (pending: TitledPending | null): boolean => pending?.effective === 'when_paid';

/** The changes whose name does not say it all. */
const sentences: Partial<Record<SubscriptionChange, Sentence>> = {
  created: ({ status }) => `Created: ${status}`,
  activated: () => 'Activated by its first payment',
  plan_changed: ({ plan_id: to }, { plan_id: from = 'another' }) => `Plan changed from ${from} to ${to}`,
  quantity_changed: ({ quantity: to }, { quantity: from = 'another' }) =>
    `Quantity changed from ${from} to ${to}`,
  change_scheduled({ pending_change: pending }, { pending_change: before = null }) {
    const isPaymentOver = isForPayment(before) && !isForPayment(pending);
    if (pending === null) {
      return isPaymentOver
        ? 'The change that waited for its payment was dropped'
        : 'The waiting change was dropped';
    }
    // What waited before a change that had to be paid waits again.
    if (isPaymentOver)
      return 'The change that waited for its payment was dropped; the one before waits again';
    return isForPayment(pending)
      ? 'A change waits for its payment'
      : 'A change waits for the end of the period';
  },
  renewed: ({ period }) => `Period ${period?.index ?? 0} paid`,
  past_due: ({ period }) => `Past due: period ${period?.index ?? 0} is not paid`,
  recovered: () => 'Recovered from past due',
  paused: ({ resume_at: at, time_zone: zone }) => withDay('Paused', 'until', at, zone),
  cancellation_scheduled: ({ cancel_at: at, time_zone: zone }) =>
    withDay('Cancellation scheduled', 'for', at, zone),
};

function withDay(text: string, preposition: string, at: string | null, timeZone: string): string {
  return at === null ? text : `${text} ${preposition} ${dayText(at, timeZone)}`;
}

/** `trial_ended` as `Trial ended`. */
function nameText(change: SubscriptionChange): string {
  const words = change.replaceAll('_', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
