/**
 * Whether a notification about a failed payment that another service asks for is true, by the payment's own state.
 *
 * Pure. Not for workflows: it computes dates. Invariant: at one state of a payment no two requests of one template are
 * so that are about different things; requests under many ids are one notification.
 */
import type { AttemptStatus, PaymentStatus } from '../payment/payment';
import { graceEnd } from './planner';
import type { FinalAction, RetryPolicyDocument } from './policy';

export interface NoticeState {
  payment: PaymentStatus;
  /** All attempts of the payment, oldest first. */
  attempts: readonly { number: number; status: AttemptStatus; at: string }[];
  /** As it is planned; null: none is. */
  next_attempt_at: string | null;
  /** Whether the plan waits for the customer, or for another payment method; null: there is no plan. */
  customer_must_act: boolean | null;
  policy: RetryPolicyDocument;
  has_subscription: boolean;
  time_zone: string;
  now: string;
}

type Values = Readonly<Record<string, unknown>>;

interface Rule {
  /** What a request is about, beside its template and payment. */
  about(values: Values): string;
  /** What contradicts the payment's state; null: nothing does. */
  contradiction(values: Values, state: NoticeState): string | null;
}

const dayMs = 86_400_000;

/** The final action of a payment, and when it is due, by its policy; null: no attempt has failed. */
function finalActionOf(state: NoticeState): { action: FinalAction; atMs: number } | null {
  const { attempts, policy, has_subscription, time_zone } = state;
  const first = attempts.find(({ status }) => status === 'failed');
  if (first === undefined) return null;
  const action = has_subscription ? policy.final_action : 'leave_past_due';
  return { action, atMs: Date.parse(graceEnd(policy, first.at, time_zone)) };
}

function isSameInstant(claimed: unknown, at: string | null): boolean {
  if (at === null || typeof claimed !== 'string') return claimed === at;
  return Date.parse(claimed) === Date.parse(at);
}

/** What is wrong with the final action of a payment that is collected; null: nothing is. */
function wrongFinalAction(values: Values, state: NoticeState): string | null {
  const final = finalActionOf(state);
  if (state.payment !== 'failed' || final === null) return 'the payment is not failed';
  if (values['final_action'] !== final.action) return 'the final action is another one';
  const isAhead = final.atMs > Date.parse(state.now);
  if (!isAhead) return 'the final action is not ahead';
  return isSameInstant(values['final_action_at'], new Date(final.atMs).toISOString())
    ? null
    : 'the final action is due at another instant';
}

const rules: Readonly<Record<string, Rule>> = {
  payment_failed: {
    about: ({ attempt }) => `attempt/${String(attempt)}`,
    contradiction(values, state) {
      const last = state.attempts.at(-1);
      if (last?.status !== 'failed' || values['attempt'] !== last.number)
        return 'the latest failed attempt is another one';
      if (!isSameInstant(values['next_attempt_at'], state.next_attempt_at))
        return 'the next attempt is planned otherwise';
      if (state.customer_must_act !== null && values['customer_must_act'] !== state.customer_must_act)
        return 'what the customer has to do is planned otherwise';
      return wrongFinalAction(values, state);
    },
  },

  final_action_ahead: {
    about: ({ days }) => `days/${String(days)}`,
    contradiction(values, state) {
      const wrong = wrongFinalAction(values, state);
      if (wrong !== null) return wrong;
      const leftMs = (finalActionOf(state)?.atMs ?? 0) - Date.parse(state.now);
      const days = Math.ceil(leftMs / dayMs);
      return values['days'] === days ? null : `${days} days are left`;
    },
  },

  payment_recovered: {
    about: () => 'paid',
    contradiction(_values, { payment, attempts }) {
      const isPaid = payment === 'completed' || payment === 'partially_refunded';
      const wasFailed = attempts.some(({ status }) => status === 'failed');
      return isPaid && wasFailed ? null : 'the payment was not paid after a failure';
    },
  },

  final_action_taken: {
    about: ({ final_action: action }) => String(action),
    contradiction(values, state) {
      const final = finalActionOf(state);
      if (final === null || values['final_action'] !== final.action) return 'the final action is another one';
      const isLeft = final.action === 'leave_past_due' && final.atMs <= Date.parse(state.now);
      const isTaken = state.payment === 'uncollectible' || (state.payment === 'failed' && isLeft);
      return isTaken ? null : 'the final action was not taken';
    },
  },
};

function ruleOf(template: string): Rule | undefined {
  return Object.hasOwn(rules, template) ? rules[template] : undefined;
}

/** Whether other services may ask for a template: there is a rule by which it is so. */
export function isOpenToOthers(template: string): boolean {
  return ruleOf(template) !== undefined;
}

/** What a request is about, beside its template and payment. @param values its data, as its template reads it */
export function noticeAbout(template: string, values: Values): string {
  return ruleOf(template)?.about(values) ?? '';
}

/** What of a request contradicts the payment's state, in words; null: it is so. */
export function noticeContradiction(template: string, values: Values, state: NoticeState): string | null {
  return ruleOf(template)?.contradiction(values, state) ?? null;
}
