/**
 * A subscription that lives on real rows: its customer's clock is moved by hand, and what its workflow would do is
 * done here, step by step.
 */
import { attemptPayment } from '../../billing/payment/attempt';
import { beginCreation } from '../../billing/subscription/begin';
import { applyPayment } from '../../billing/subscription/apply-payment';
import { concludeChange } from '../../billing/subscription/conclude-change';
import { commitChange } from '../../billing/subscription/commit-change';
import { commitCancellation, commitPause, commitResumption } from '../../billing/subscription/commands';
import { applyFirstPayment } from '../../billing/subscription/first-payment';
import { limitsOfProviders } from '../../billing/ledger/limits';
import { openDue } from '../../billing/subscription/open-due';
import type { SubscriptionRecord } from '../../billing/subscription/record';
import type { Committed } from '../../billing/subscription/transition';
import type { CancelCommand, ChangeCommand, SubscriptionCreation } from '../../contracts/workflows/commands';
import type { EventData, EventTopic } from '../../contracts/topics/events';
import type { Subscription } from '../../contracts/http/subscriptions';
import { inTransaction } from '../../prisma/client';
import { toSubscription } from '../../billing/rows';
import type { TestBilling } from './billing';
import { actor } from './creation';

export interface SubscriptionLife {
  id: string;
  /** The customer's clock, RFC 3339. */
  setNow(at: string): Promise<void>;
  /** Goes from one due instant to the next, as the scheduler and the workflow do, and stops at `to`. */
  advance(to: string): Promise<Subscription>;
  read(): Promise<Subscription>;
  change(request: Partial<ChangeCommand>): Promise<Committed | { kind: 'declined' }>;
  cancel(request: Partial<CancelCommand>): Promise<Committed>;
  pause(resumeAt?: string): Promise<Committed>;
  resume(): Promise<Committed>;
  periods(): Promise<{ index: number; start: string; end: string; paid: boolean }[]>;
  /** What was written for a topic, oldest first. */
  events<T extends EventTopic>(topic: T): Promise<EventData<T>[]>;
}

let clocks = 0;

/** Creates it at `now`, paid when there is something to pay. */
export async function startLife(
  given: TestBilling,
  now: string,
  more: Partial<SubscriptionCreation> = {},
  timeZone = 'UTC',
): Promise<SubscriptionLife> {
  const { db } = given;
  clocks += 1;
  const clockId = `clk_${clocks}`;
  const customerId = `cus_clock_${clocks}`;
  await db.testClock.create({ data: { id: clockId, now: new Date(now) } });
  await db.customer.create({ data: { id: customerId, time_zone: timeZone, test_clock_id: clockId } });
  const method = { id: `pm_${clockId}`, customer_id: customerId, provider: 'sandbox', token: 'tok_ok' };
  await db.paymentMethod.create({ data: method });
  const creation = given.creation({ customer_id: customerId, payment_method_id: method.id, ...more });
  const id = creation.subscription_id;
  const begun = await beginCreation(given, creation);
  if (begun.kind === 'charge') {
    await attemptPayment(given, {
      payment_id: begun.record.first_payment_id ?? '',
      number: 1,
      trigger: 'first',
    });
    await applyFirstPayment(db, id);
  }
  return livedOf(given, id, clockId);
}

function livedOf(given: TestBilling, id: string, clockId: string): SubscriptionLife {
  const { db } = given;
  const limitsOf = limitsOfProviders(given.providers);
  let commands = 0;
  const command = () => {
    commands += 1;
    return { command_id: `${id}/command/${commands}`, actor };
  };
  const setNow = async (at: string) =>
    void (await db.testClock.update({ where: { id: clockId }, data: { now: new Date(at) } }));
  const read = async () => toSubscription(await db.subscription.findUniqueOrThrow({ where: { id } }));

  const advance = async (to: string): Promise<Subscription> => {
    for (;;) {
      const { next_due_at: due } = await db.subscription.findUniqueOrThrow({ where: { id } });
      if (due === null || due > new Date(to)) break;
      const { now } = await db.testClock.findUniqueOrThrow({ where: { id: clockId } });
      if (due > now) await setNow(due.toISOString());
      await charged(given, (await inTransaction(db, (tx) => openDue(tx, id, limitsOf))).record);
    }
    await setNow(to);
    return read();
  };

  return {
    id,
    setNow,
    advance,
    read,
    change: (request) => change(given, id, { ...nothingAsked, ...command(), ...request }),
    cancel: (request) =>
      commitCancellation(given, id, { ...command(), mode: 'now', refund: 'none', reason: null, ...request }),
    pause: (resumeAt) => commitPause(given, id, { ...command(), resume_at: resumeAt ?? null }),
    async resume() {
      const resumed = await commitResumption(given, id, command());
      if (resumed.kind === 'committed') await charged(given, resumed.record);
      return resumed;
    },
    async periods() {
      const rows = await db.subscriptionPeriod.findMany({
        where: { subscription_id: id },
        orderBy: { index: 'asc' },
      });
      return rows.map(({ index, start, end, paid_at }) => ({
        index,
        start: start.toISOString(),
        end: end.toISOString(),
        paid: paid_at !== null,
      }));
    },
    async events(topic) {
      const rows = await db.outboxEvent.findMany({ where: { key: id, topic }, orderBy: { id: 'asc' } });
      return rows.map(({ payload }) => (JSON.parse(payload ?? '{}') as { data: never }).data);
    },
  };
}

/** A change that asks for nothing yet. */
export const nothingAsked = {
  plan_id: null,
  quantity: null,
  payment_method_id: null,
  metadata: null,
  cancel_at_period_end: null,
  effective: 'now',
  proration: 'next_renewal',
  if_version: null,
  answer_within_ms: 0,
} as const;

async function charged(given: TestBilling, record: SubscriptionRecord): Promise<void> {
  const { id, open_payment_id: paymentId, status } = record.subscription;
  if (paymentId === null || status !== 'active') return;
  const answer = await attemptPayment(given, { payment_id: paymentId, number: 1, trigger: 'renewal' });
  if (answer.status === 'completed') await applyPayment(given, id, paymentId);
}

async function change(given: TestBilling, id: string, command: ChangeCommand) {
  const begun = await commitChange(given, id, command);
  if (begun.kind !== 'charge') return begun;
  await attemptPayment(given, { payment_id: begun.payment_id, number: 1, trigger: 'manual' });
  return (await concludeChange(given, id, begun.payment_id, false)).concluded;
}
