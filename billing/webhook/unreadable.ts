/**
 * Stored webhooks that have another shape than their adapter knows.
 *
 * Invariants: what is about nothing of ours is ignored; what concerns us, or may, is one operator task, however often its
 * record comes; a replay reads the kept bytes again with the adapter of today, and answers the task when it can.
 */
import type { ProviderEvent } from '../../contracts/topics/provider-events';
import { systemActor } from '../../contracts/fields';
import { databaseNow, type Transaction } from '../../prisma/client';
import { enqueueAnsweredTask, enqueueReopenedTask, wasOperatorAsked } from '../operator-tasks';
import { findPayment } from '../payment/store';
import type { DeliveryRow } from '../rows';
import type { Verdict } from './store';

const kind = 'webhook_unreadable';
const subjectOf = ({ id }: Pick<DeliveryRow, 'id'>) => ({ type: 'webhook_delivery', id }) as const;

/** Whether an operator was asked about the delivery, and it was not replayed since. */
export async function isWithOperator(tx: Transaction, delivery: DeliveryRow): Promise<boolean> {
  return delivery.status === 'failed' && (await wasOperatorAsked(tx, kind, subjectOf(delivery)));
}

/** Judges what could not be read. @returns the name of what is not there */
export async function judgeUnreadable(
  tx: Transaction,
  delivery: DeliveryRow,
  { payment_id: paymentId, type, unreadable }: ProviderEvent,
): Promise<Verdict | 'payment'> {
  const { reason = '', charge_reference: reference = null } = unreadable ?? {};
  if (paymentId === null && reference !== null)
    return { status: 'ignored', outcome: 'It is about nothing of ours.' };
  if (paymentId !== null && (await findPayment(tx, paymentId)) === null) return 'payment';
  const whose = paymentId === null ? 'Whose it is cannot be read.' : `It is about ${paymentId}.`;
  const detail = `Webhook ${type} from ${delivery.provider} cannot be read. ${reason} ${whose}`;
  enqueueReopenedTask(tx, kind, subjectOf(delivery), detail, await databaseNow(tx));
  return { status: 'failed', outcome: `It cannot be read: a person is asked. ${reason}` };
}

/** Answers the task about a delivery that a replay could read. */
export async function answerUnreadable(tx: Transaction, delivery: DeliveryRow): Promise<void> {
  const resolution = { actor: systemActor('payment-service'), reason: 'a replay could read it' };
  enqueueAnsweredTask(tx, kind, subjectOf(delivery), resolution, await databaseNow(tx));
}
