/**
 * What a retry policy says, and the rules that follow from its text alone.
 *
 * Owns: durations, which rule holds for a decline, network names, the shipped policy, what is worth a warning. Does not
 * own planning (`retry-planner.ts`) nor checking what people write (`contracts/retry-policy.ts`). Pure; safe for
 * workflows. Invariant: whatever a policy says, a hard decline stops.
 */
import {
  declineCategory,
  type DeclineCategory,
  type DeclineCode,
  type PaymentKind,
} from '../payment/payment';

export const finalActions = ['expire', 'cancel', 'pause', 'leave_past_due'] as const;
export type FinalAction = (typeof finalActions)[number];

/** One automatic attempt of a ladder; `after` is an ISO 8601 duration from the first failure. */
export interface ScheduleStep {
  after: string;
}

/** How declines of one code or category are retried; what is left out, the more general rule says. */
export interface RetryRule {
  ladder?: ScheduleStep[] | undefined;
  /** [from, to) in whole local hours; `from` after `to` goes over midnight. */
  prefer_local_hours?: [from: number, to: number] | undefined;
  /** Days beyond the end of a shorter month mean its last day. */
  prefer_days_of_month?: number[] | undefined;
}

/** A rule with a ladder: the policy's, where no rule has one. */
export type CompleteRule = RetryRule & { ladder: ScheduleStep[] };

export const treatments = ['stop', 'wait_for_customer'] as const;
export type Treatment = (typeof treatments)[number] | RetryRule;

/** The most attempts with one payment method: in 24 hours, and in a number of days. */
export interface NetworkBudget {
  attempts?: number | undefined;
  days?: number | undefined;
  per_day?: number | undefined;
}

export interface RetryPolicyDocument {
  ladder: ScheduleStep[];
  by_category: Partial<Record<DeclineCode | DeclineCategory, Treatment>>;
  budgets: Record<string, NetworkBudget>;
  grace_days: number;
  final_action: FinalAction;
  retry_manual_payments: boolean;
  notify: { on_failure: boolean; before_final_days: number[] };
}

/** What is remarkable in a policy, and allowed. */
export interface PolicyWarning {
  path: string;
  message: string;
}

/** What card networks publish (2026); `budgets` of the shipped policy. */
export const networkLimits = {
  visa: { attempts: 20, days: 30 },
  mastercard: { per_day: 10, attempts: 35, days: 30 },
} as const satisfies Record<string, NetworkBudget>;

export const defaultPolicyId = 'default';

/** Version 1 of the policy `default`, shipped. Once released it never changes: dunning may have begun under it. */
export const shippedPolicy: RetryPolicyDocument = {
  ladder: [{ after: 'P1D' }, { after: 'P3D' }, { after: 'P5D' }, { after: 'P7D' }],
  by_category: {
    insufficient_funds: { prefer_local_hours: [8, 11], prefer_days_of_month: [1, 5, 10, 15, 25] },
    processing_error: { ladder: [{ after: 'PT15M' }, { after: 'PT2H' }, { after: 'P1D' }] },
    hard: 'stop',
    authentication_required: 'wait_for_customer',
  },
  budgets: networkLimits,
  grace_days: 14,
  final_action: 'expire',
  retry_manual_payments: false,
  notify: { on_failure: true, before_final_days: [3, 1] },
};

/** Parts of an ISO 8601 duration of weeks, days, hours, minutes and seconds. */
export interface DurationParts {
  days: number;
  hours: number;
  minutes: number;
  seconds: number;
}

/** null: not such a duration. Years and months are none: their lengths differ. */
export function durationParts(text: string): DurationParts | null {
  const match =
    /^P(?=.)(?:(\d{1,3})W)?(?:(\d{1,4})D)?(?:T(?=.)(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?$/.exec(
      text,
    );
  if (match === null) return null;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((part: string | undefined) => Number(part ?? 0));
  return { days: weeks * 7 + days, hours, minutes, seconds };
}

/** Its length where every day has 24 hours; null: not a duration. */
export function nominalSeconds(text: string): number | null {
  const parts = durationParts(text);
  if (parts === null) return null;
  return parts.days * 86_400 + parts.hours * 3_600 + parts.minutes * 60 + parts.seconds;
}

/** Whether payments of this kind are retried by themselves. A declined first or proration payment is answered at once. */
export function isRetriedAutomatically(policy: RetryPolicyDocument, kind: PaymentKind): boolean {
  return kind === 'renewal' || (kind === 'manual' && policy.retry_manual_payments);
}

/** What holds for a decline: the word of its code, else of its category, else of the policy. */
export function treatmentOf(
  policy: RetryPolicyDocument,
  code: DeclineCode,
): (typeof treatments)[number] | CompleteRule {
  const category = declineCategory(code);
  if (category === 'hard') return 'stop';
  const general = policy.by_category[category] ?? (category === 'soft' ? {} : 'wait_for_customer');
  const special = policy.by_category[code] ?? general;
  if (typeof special === 'string') return special;
  const base = typeof general === 'string' ? {} : general;
  return {
    ladder: special.ladder ?? base.ladder ?? policy.ladder,
    prefer_local_hours: special.prefer_local_hours ?? base.prefer_local_hours,
    prefer_days_of_month: special.prefer_days_of_month ?? base.prefer_days_of_month,
  };
}

/** A network as budgets name it: `Master Card` is `mastercard`. null: not known. */
export function networkName(brand: string | null): string | null {
  const name = (brand ?? '').toLowerCase().replace(/[^a-z0-9]/g, '');
  return name === '' ? null : name;
}

/** The budgets that hold for a network. One that the policy does not name has to keep within all of them. */
export function budgetsOf(
  policy: RetryPolicyDocument,
  network: string | null,
): readonly { network: string; budget: NetworkBudget }[] {
  const name = networkName(network);
  const all = Object.entries(policy.budgets).map(([known, budget]) => ({ network: known, budget }));
  const own = all.filter((entry) => entry.network === name);
  return own.length > 0 ? own : all;
}

/** What a person who wrote the policy may not have meant. */
export function policyWarnings(policy: RetryPolicyDocument): PolicyWarning[] {
  const special = Object.entries(policy.by_category).flatMap(([name, treatment]) =>
    typeof treatment === 'object'
      ? ladderWarnings(treatment.ladder ?? [], `by_category.${name}.ladder`, policy)
      : [],
  );
  const reminders = policy.notify.before_final_days.flatMap((days, at) =>
    days < policy.grace_days
      ? []
      : [
          {
            path: `notify.before_final_days.${at}`,
            message: `is not within the grace period of ${policy.grace_days} days: this reminder is never sent`,
          },
        ],
  );
  return [
    ...ladderWarnings(policy.ladder, 'ladder', policy),
    ...special,
    ...reminders,
    ...Object.entries(networkLimits).flatMap(([network, limit]) =>
      networkWarnings(network, limit, policy.budgets[network]),
    ),
  ];
}

function ladderWarnings(
  ladder: readonly ScheduleStep[],
  path: string,
  policy: RetryPolicyDocument,
): PolicyWarning[] {
  const graceSeconds = policy.grace_days * 86_400;
  return ladder.flatMap(({ after }, at) =>
    (nominalSeconds(after) ?? 0) < graceSeconds
      ? []
      : [
          {
            path: `${path}.${at}.after`,
            message: `is not before the end of the grace period of ${policy.grace_days} days: this attempt is never made`,
          },
        ],
  );
}

/** A budget that is looser than what the network allows, or is not there. */
function networkWarnings(network: string, limit: NetworkBudget, own?: NetworkBudget): PolicyWarning[] {
  if (own === undefined) return [];
  const inDays = (days: number, { attempts, days: window, per_day }: NetworkBudget): number =>
    Math.min(
      attempts === undefined || window === undefined ? Infinity : attempts * Math.ceil(days / window),
      per_day === undefined ? Infinity : per_day * days,
    );
  const looser = [1, limit.days ?? 1].some((days) => inDays(days, own) > inDays(days, limit));
  const path = `budgets.${network}`;
  const words = budgetWords(limit);
  return looser ? [{ path, message: `allows more than the network does: ${words}` }] : [];
}

/** `20 attempts in 30 days, 10 in a day`. */
export function budgetWords({ attempts, days, per_day }: NetworkBudget): string {
  return [
    ...(attempts === undefined || days === undefined ? [] : [`${attempts} attempts in ${days} days`]),
    ...(per_day === undefined ? [] : [`${per_day} in a day`]),
  ].join(', ');
}
