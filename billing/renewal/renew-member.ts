/** Renews one member of a run, and names what became of it. */
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import type { FailedMember, RenewalMember, RenewalOutcome, RenewedMember } from '../../domain/renewal/run';
import { isPaymentPaid, type PaymentStatus } from '../../domain/payment/payment';
import { isFinal } from '../../domain/subscription/subscription';
import type { Database } from '../../prisma/client';
import { sql } from '../../prisma/sql';
import { isDatabaseOutOfOrder, refusesData, sqlStateOf } from '../database-unavailable';
import type { AttemptDependencies } from '../payment/attempt';
import { renewSubscription, type Renewal } from './renew';

/** What became of a member, and what is to be sent; `early`: it is due in `wait_ms`. */
export type MemberRenewal = { messages: WorkflowMessage[] } & (
  { kind: 'done'; renewed: RenewedMember } | { kind: 'early'; wait_ms: number }
);

/** @throws when a part is unavailable, or on a fault; a repeat continues */
export async function renewMember(
  deps: AttemptDependencies,
  runId: string,
  { subscription_id: id, trace }: RenewalMember,
): Promise<MemberRenewal> {
  const renewal = await renewSubscription(deps, id, trace, runId);
  const messages = messagesAfter(id, renewal);
  if (renewal.kind === 'early') return { kind: 'early', wait_ms: renewal.wait_ms, messages };
  const { payment_id, outcome } =
    renewal.charged === undefined && renewal.did === 'nothing'
      ? await repeatedOutcome(deps.db, runId, id)
      : { payment_id: renewal.charged?.payment_id ?? null, outcome: outcomeOf(renewal) };
  return { kind: 'done', renewed: { subscription_id: id, outcome, payment_id }, messages };
}

function messagesAfter(
  id: string,
  renewal: Renewal & { messages: readonly WorkflowMessage[] },
): WorkflowMessage[] {
  const { charged, followUp, shows, record } = renewal;
  const messages = [...renewal.messages];
  if (followUp !== null) messages.push({ kind: 'start_payment', payment_id: followUp });
  // Again where nothing was due: a worker that renewed it before may have been lost with its message.
  const isRepeated = renewal.kind === 'done' && renewal.did === 'nothing';
  if (shows || isRepeated || isFinal(record.subscription.status))
    messages.push({ kind: 'look', subscription_id: id });
  // It was cancelled while it was charged: what was taken goes back.
  if (charged?.status === 'completed' && isFinal(record.subscription.status))
    messages.push({ kind: 'refresh_payment', payment_id: charged.payment_id });
  return messages;
}

/** What became of a member that this run has renewed before, with a worker that was lost. */
async function repeatedOutcome(
  db: Database,
  runId: string,
  subscriptionId: string,
): Promise<Omit<RenewedMember, 'subscription_id'>> {
  const [payment] = await sql(db).query<{ id: string; status: PaymentStatus }[]>`
    SELECT id, status FROM payments WHERE subscription_id = ${subscriptionId} AND renewal_run_id = ${runId}
    ORDER BY period_index DESC LIMIT 1`;
  if (payment === undefined) return { payment_id: null, outcome: 'nothing' };
  const outcome = isPaymentPaid(payment.status)
    ? 'renewed'
    : payment.status === 'failed'
      ? 'declined'
      : 'open';
  return { payment_id: payment.id, outcome };
}

function outcomeOf({ did, charged }: Extract<Renewal, { kind: 'done' }>): RenewalOutcome {
  if (charged !== undefined) {
    const names = { completed: 'renewed', failed: 'declined', refused: 'declined', open: 'open' } as const;
    return names[charged.status];
  }
  switch (did) {
    case 'nothing':
    case 'early':
      return 'nothing';
    case 'cancel':
      return 'ended';
    case 'begin_trial':
      return 'trial_begun';
    case 'past_due':
      return 'past_due';
    case 'carry_on':
      return 'resumed';
    case 'open_period':
      return 'renewed';
  }
}

/** Names why a member failed. No personal data: it is shown to operators. */
export function memberFailure(error: unknown): Omit<FailedMember, 'subscription_id'> {
  const state = sqlStateOf(error);
  if (isDatabaseOutOfOrder(error)) return { reason: 'unavailable', detail: 'the database is unavailable' };
  // The same again would be refused again.
  if (state !== undefined && refusesData(state)) return { reason: 'never', detail: `SQLSTATE ${state}` };
  const name = error instanceof Error ? error.name : typeof error;
  return { reason: 'fault', detail: state === undefined ? name : `SQLSTATE ${state}` };
}
