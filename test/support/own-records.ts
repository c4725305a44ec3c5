/** Records about a subscription as the Subscription Service writes them, and forged ones like them. */
import { toSubscription } from '../../billing/rows';
import type { TestBilling } from './billing';
import { actor } from './creation';
import { someTrace } from './trace';

export function subscriptionRecords(billing: TestBilling) {
  /** A record of a cancellation, with a refund, which nobody of ours has written. */
  async function cancellation(subscriptionId: string, refund: { amount: number; currency: string }) {
    const row = await billing.db.subscription.findUniqueOrThrow({ where: { id: subscriptionId } });
    const data = {
      subscription: toSubscription(row),
      mode: 'now' as const,
      reason: 'moved',
      refund,
      open_payment_ids: [],
      actor,
    };
    return { id: 'x', subject: undefined, time: '', trace: someTrace, data };
  }
  /** The same as an older version wrote it: what goes back is a sum, not yet reserved. */
  async function oldCancellation(...about: Parameters<typeof cancellation>) {
    const event = await cancellation(...about);
    const where = { event_id: `${about[0]}/v${event.data.subscription.version}` };
    const { payload } = await billing.db.outboxEvent.findUniqueOrThrow({ where });
    const data = { payload: JSON.stringify({ ...JSON.parse(payload ?? '{}'), data: event.data }) };
    await billing.db.outboxEvent.update({ where, data });
    return event;
  }
  /** The record of a creation, with other ids in it. */
  async function created(subscriptionId: string, ...renamed: [from: string, to: string][]) {
    const { payload } = await billing.db.outboxEvent.findFirstOrThrow({ where: { subject: subscriptionId } });
    const text = renamed.reduce((before, [from, to]) => before.replaceAll(from, to), payload ?? '{}');
    const { data } = JSON.parse(text) as { data: never };
    return { id: 'x', subject: undefined, time: '', trace: someTrace, data };
  }

  return { cancellation, oldCancellation, created };
}
