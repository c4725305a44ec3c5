/** A first payment that waits at the bank while its customer gives other cards, on real rows. */
import { createSubscriptionActivities } from '../../activities/subscription';
import { addPaymentMethod } from '../../billing/customer/payment-methods';
import { attemptPayment } from '../../billing/payment/attempt';
import { markUnknown, repeatCall } from '../../billing/payment/follow-up';
import { mustRead, type PaymentState } from '../../billing/payment/payment-state';
import { settleAttempt } from '../../billing/payment/settle-attempt';
import type { StuckItem } from '../../billing/reconcile/predicate';
import { findStuckWork } from '../../billing/reconcile/stuck-work';
import { applyFirstPayment } from '../../billing/subscription/first-payment';
import type { AttemptOutcome } from '../../domain/payment/payment';
import { inTransaction } from '../../prisma/client';
import { requiresAction, type TestBilling } from './billing';
import { actor } from './creation';
import { fakeMessenger } from './fake-messenger';
import { MoneyLife, on, useMoneyLives } from './money-life';
import { nothingAsked, startLife } from './subscription-life';

/** What another card's charge is answered by. */
export const paid: AttemptOutcome = { status: 'completed', provider_reference: 'ch_2' };
/** Before the first lookup of an attempt that nobody gives up. */
const soon = '2027-06-01T00:00:30.000Z';

/** A database for the first payments of one file, at a provider that cancels. */
export function useFirstPayments() {
  const { given } = useMoneyLives();
  const opened: OpenFirstPayment[] = [];
  beforeEach(() => {
    given.provider.asked.length = 0;
    given.provider.askedCancels.length = 0;
    given.provider.refusesCancels = false;
    given.provider.lookups = [requiresAction];
  });
  afterEach(async () => {
    for (const money of opened.splice(0)) await money.holds();
  });
  /** A subscription of 1 June whose first payment was answered by `outcome`; other cards are good. */
  const open = async (outcome: AttemptOutcome = requiresAction, deps: TestBilling = given) => {
    given.provider.charges = [outcome];
    const life = await startLife(deps, on('06-01'), { plan_id: 'basic' });
    given.provider.charges = [paid];
    const money = new OpenFirstPayment(deps, life, (await life.read()).customer_id);
    opened.push(money);
    return money;
  };
  return { given, open };
}

let cards = 0;

class OpenFirstPayment extends MoneyLife {
  addCard({ fingerprint = null as string | null, provider = 'sandbox', isDefault = false }) {
    cards += 1;
    const id = `pm_other_${cards}`;
    const method = { provider, token: `tok_ok#${id}`, default: isDefault };
    const { customerId } = this;
    return addPaymentMethod(this.given.db, { id, customerId, fingerprint, isLive: false, method });
  }

  /** Adds a card that is not the default. @returns its id */
  async card(more: { fingerprint?: string; provider?: string } = {}): Promise<string> {
    return (await this.addCard(more)).method.id;
  }

  /** Names a card by PUT. @returns the payments whose process is to look at their rows */
  async put(payment_method_id: string): Promise<string[]> {
    const woken: string[] = [];
    const messenger = fakeMessenger({ refreshPayment: async (id) => void woken.push(id) });
    const activities = createSubscriptionActivities({ ...this.given, messenger });
    cards += 1;
    const command = { ...nothingAsked, actor, command_id: `put/${cards}`, payment_method_id };
    const { kind } = await activities.commitChange(this.life.id, command);
    if (kind !== 'committed') throw new Error(`${this.life.id} does not take ${payment_method_id}: ${kind}`);
    return woken;
  }

  async giveCard(): Promise<string[]> {
    return this.put(await this.card());
  }

  /** Does until `to` what `payment/{id}` does. @returns what the subscription is then */
  async proceed(to = soon): Promise<string> {
    for (;;) {
      await this.repeatedState();
      await this.followUp(0, to);
      const { payment_id, status, other_card: isGiven, attempt } = await this.repeatedState();
      if (status !== 'failed' || isGiven !== true) break;
      const number = (attempt?.number ?? 0) + 1;
      await attemptPayment(this.given, { payment_id, number, trigger: 'first' });
    }
    return (await applyFirstPayment(this.given.db, this.life.id)).subscription.status;
  }

  /** A webhook reports the outcome of an attempt. */
  async report(number: number, outcome: AttemptOutcome): Promise<void> {
    const id = await this.paymentId(0);
    await inTransaction(this.given.db, (tx) => settleAttempt(tx, id, number, outcome, 'webhook'));
  }

  /** Statuses of its attempts. */
  async attempts(): Promise<string[]> {
    const where = { payment_id: await this.paymentId(0) };
    const rows = await this.given.db.paymentAttempt.findMany({ where, orderBy: { number: 'asc' } });
    return rows.map(({ status }) => status);
  }

  /** What the reconciliation finds of what is given up. @param toleranceMs 0: as an advancing clock asks */
  async found(toleranceMs = 0): Promise<StuckItem[]> {
    const id = await this.paymentId(0);
    const { db } = this.given;
    const customer = await db.customer.findUniqueOrThrow({ where: { id: this.customerId } });
    const asked = { toleranceMs, testClockId: customer.test_clock_id, limit: 1_000 };
    return (await findStuckWork(db, asked)).filter(
      ({ predicate, subject }) =>
        subject.id === id && (predicate === 'other_card_not_tried' || predicate === 'cancel_not_asked'),
    );
  }

  /** `[attempt, amount, reason]` of each refund. */
  async givenBack(): Promise<[number, bigint, string][]> {
    const where = { payment_id: await this.paymentId(0) };
    const refunds = await this.given.db.refund.findMany({ where });
    return refunds.map(({ attempt, amount, reason }) => [attempt, amount, reason]);
  }

  /** The state after a call without an answer was repeated. */
  private async repeatedState(): Promise<PaymentState> {
    const id = await this.paymentId(0);
    const state = await mustRead(this.given.db, id);
    if (state.attempt?.status !== 'processing') return state;
    const repeated = await repeatCall(this.given, id).catch(() => state);
    return repeated.attempt?.status === 'processing' ? markUnknown(this.given, id) : repeated;
  }
}

/** One attempt has paid; each of the `others` that took money too is given back. */
export async function expectPaidOnce(money: OpenFirstPayment, others: number[] = []): Promise<void> {
  expect(await money.givenBack()).toEqual(others.map((attempt) => [attempt, 1000n, 'second_success']));
  await money.payOut();
  expect(await money.cash(0)).toBe(1000);
  expect(await money.payment(0)).toMatchObject({ status: 'completed', unapplied_amount: 0n });
  expect(await money.life.read()).toMatchObject({ status: 'active', period: { paid: true } });
}
