/**
 * No record is believed about money: an outcome that is told counts only when our own rows say the same.
 */
import { isDeepStrictEqual } from 'node:util';
import type { EventData } from '../../contracts/topics/events';
import { attemptEventId } from '../../domain/event-ids';
import type { Database } from '../../prisma/client';
import { wasEventWritten } from '../outbox';
import { attemptRow, paymentRow, type AttemptRow, type PaymentRow } from '../rows';
import { attemptHead } from './publish-outcome';
import { Unprocessable } from '../unprocessable';

/** What is told of an attempt: the data of `payments.completed` or `payments.failed`. */
export type ReportedOutcome = EventData<'payments.completed'> | EventData<'payments.failed'>;

export interface ConfirmedOutcome {
  payment: PaymentRow;
  attempt: AttemptRow;
}

/**
 * Our rows of a told outcome, once they agree with it in everything that it says.
 * @throws Unprocessable `unknown_payment`, or `contradicts_payment` with the names of what differs
 */
export async function confirmPaymentOutcome(
  db: Database,
  reported: ReportedOutcome,
): Promise<ConfirmedOutcome> {
  const { payment_id, attempt: number } = reported;
  const found = await db.payment.findUnique({
    where: { id: payment_id },
    include: { attempts: { where: { number } } },
  });
  if (found === null) throw new Unprocessable('unknown_payment', `there is no payment ${payment_id}`);
  const payment = paymentRow(found);
  const [attempt] = payment.attempts.map(attemptRow);
  if (attempt === undefined)
    throw new Unprocessable('contradicts_payment', `${payment_id} has no attempt ${number}`);
  const differing = (await isOvertaken(db, reported, attempt)) ? [] : differences(reported, payment, attempt);
  if (differing.length > 0)
    throw new Unprocessable(
      'contradicts_payment',
      `attempt ${number} of ${payment_id} is another one in ${differing.join(', ')}`,
    );
  return { payment, attempt };
}

/** The failure was ours to tell, and the attempt has turned out to have succeeded since. */
async function isOvertaken(
  db: Database,
  reported: ReportedOutcome,
  attempt: ConfirmedOutcome['attempt'],
): Promise<boolean> {
  if (!('failure' in reported) || attempt.status !== 'completed') return false;
  const event_id = attemptEventId(attempt.payment_id, attempt.number, 'failed');
  return wasEventWritten(db, event_id);
}

function differences(
  reported: ReportedOutcome,
  payment: ConfirmedOutcome['payment'],
  attempt: ConfirmedOutcome['attempt'],
): string[] {
  const ours: Record<string, unknown> = {
    ...attemptHead(payment, attempt),
    status: attempt.status,
    failure: attempt.status === 'failed' ? attempt.failure?.code : undefined,
  };
  const theirs: Record<string, unknown> = {
    ...reported,
    status: 'failure' in reported ? 'failed' : 'completed',
    failure: 'failure' in reported ? reported.failure.code : undefined,
  };
  return Object.keys(ours).filter((name) => !isDeepStrictEqual(ours[name], theirs[name]));
}
