/** Renews one member of a run, and names what became of it. */
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import type { FailedMember, RenewalMember, RenewalOutcome, RenewedMember } from '../../domain/renewal/run';
import { isFinal } from '../../domain/subscription/subscription';
import { isDatabaseUnavailable, sqlStateOf } from '../database-unavailable';
import type { AttemptDependencies } from '../payment/attempt';
import { renewSubscription, type Renewal } from './renew';

/** What became of a member, and what is to be sent; `early`: it is due in `wait_ms`. */
export type MemberRenewal =
  { kind: 'done'; renewed: RenewedMember; messages: WorkflowMessage[] } | { kind: 'early'; wait_ms: number };

/** @throws when a part is unavailable, or on a fault; a repeat continues */
export async function renewMember(
  deps: AttemptDependencies,
  runId: string,
  { subscription_id: id, trace }: RenewalMember,
): Promise<MemberRenewal> {
  const renewal = await renewSubscription(deps, id, trace, runId);
  if (renewal.kind === 'early') return { kind: 'early', wait_ms: renewal.wait_ms };
  const { charged, followUp, messages, shows } = renewal;
  const outcome = outcomeOf(renewal);
  const renewed = { subscription_id: id, outcome, payment_id: charged?.payment_id ?? null };
  if (followUp !== null) messages.push({ kind: 'start_payment', payment_id: followUp });
  // Again where it is repeated: the message may have been lost with who sent it.
  const { status } = renewal.record.subscription;
  if (shows || isFinal(status)) messages.push({ kind: 'look', subscription_id: id });
  // It was cancelled while it was charged: what was taken goes back.
  if (charged?.status === 'completed' && isFinal(status))
    messages.push({ kind: 'refresh_payment', payment_id: charged.payment_id });
  return { kind: 'done', renewed, messages };
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

/** SQLSTATE: a value or a constraint refuses what is to be written, whenever it is tried. */
const neverStates = /^(22|23)/;

/** Names why a member failed. No personal data: it is shown to operators. */
export function memberFailure(error: unknown): Omit<FailedMember, 'subscription_id'> {
  const state = sqlStateOf(error);
  if (isDatabaseUnavailable(error)) return { reason: 'unavailable', detail: 'the database is unavailable' };
  if (state !== undefined && neverStates.test(state)) return { reason: 'never', detail: `SQLSTATE ${state}` };
  const name = error instanceof Error ? error.name : typeof error;
  return { reason: 'fault', detail: state === undefined ? name : `SQLSTATE ${state}` };
}
