/** Renews one member of a run, and names what became of it. */
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import type { FailedMember, RenewalMember, RenewalOutcome, RenewedMember } from '../../domain/renewal/run';
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
  if (shows) messages.push({ kind: 'look', subscription_id: id });
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
  const text = error instanceof Error ? error.message : String(error);
  return { reason: 'fault', detail: text.slice(0, 200) };
}
