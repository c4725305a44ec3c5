/**
 * A subscription's life as money sees it: what providers, banks, dunning and operators do to it, and what its rows and
 * its ledger say afterwards. Plans: basic 10.00, top 100.00 and free a month, year 120.00, week 3.00, in EUR.
 */
import { attemptOf } from '../../billing/payment/attempt-store';
import { payRefund, reserveRefund } from '../../billing/payment/pay-refund';
import { recordProviderRefund } from '../../billing/payment/provider-refund';
import { recordDispute } from '../../billing/payment/record-dispute';
import { settleAttempt } from '../../billing/payment/settle-attempt';
import { settleRefund } from '../../billing/payment/settle-refund';
import { applyPayment } from '../../billing/subscription/apply-payment';
import { recordDunningExhausted, recordDunningStarted } from '../../billing/subscription/dunning';
import { resolveOperatorTask } from '../../billing/operator/tasks';
import type { SubscriptionCreation } from '../../contracts/workflows/commands';
import type { DisputeEvent } from '../../domain/ledger/dispute';
import type { AttemptOutcome } from '../../domain/payment/payment';
import type { RefundOutcome } from '../../domain/payment/refund';
import type { FinalAction } from '../../domain/retry/policy';
import { inTransaction } from '../../prisma/client';
import { completed, refunded, useBilling, type TestBilling } from './billing';
import { actor } from './creation';
import { accountsOf, creditOfCustomer, expectLedgerHolds } from './ledger-rows';
import { lookUpUntil } from './payment-follow-up';
import { startLife, type SubscriptionLife } from './subscription-life';
import { someTrace } from './trace';

/** A payment of the subscription, oldest first from 0. */
type Nth = number;

async function seedPlans({ db }: TestBilling): Promise<void> {
  const plan = (id: string, amount: number, unit = 'month') => ({
    id,
    name: id,
    currency: 'EUR',
    amount,
    interval_unit: unit,
    interval_count: 1,
  });
  const plans = [plan('basic', 1000), plan('top', 10_000), plan('year', 12_000, 'year')];
  await db.plan.createMany({ data: [...plans, plan('week', 300, 'week')] });
}

/** A database for the lives of one file; after each test the ledger of each life that it began has to hold. */
export function useMoneyLives() {
  const given = useBilling();
  const lives: MoneyLife[] = [];
  beforeAll(() => seedPlans(given));
  beforeEach(() => {
    given.provider.refunds = [refunded];
  });
  afterEach(async () => {
    for (const money of lives.splice(0)) await money.holds();
  });
  /** Creates a subscription, paid when there is something to pay. @param day of its beginning; left out: 1 June */
  const begin = async (plan_id: string, day = '06-01', more: Partial<SubscriptionCreation> = {}) => {
    const money = await beginLife(given, day, { plan_id, ...more });
    lives.push(money);
    return money;
  };
  return { given, begin };
}

/** Midnight of a day of 2027. @param day `06-11` */
export const on = (day: string): string => `2027-${day}T00:00:00.000Z`;

async function beginLife(
  given: TestBilling,
  day: string,
  more: Partial<SubscriptionCreation>,
): Promise<MoneyLife> {
  given.provider.charges = [completed];
  const life = await startLife(given, on(day), more);
  return new MoneyLife(given, life, (await life.read()).customer_id);
}

export class MoneyLife {
  private asked = 0;

  constructor(
    protected readonly given: TestBilling,
    readonly life: SubscriptionLife,
    readonly customerId: string,
  ) {}

  private get db() {
    return this.given.db;
  }

  /** Ids of its payments, oldest first. */
  async payments(): Promise<string[]> {
    const rows = await this.db.payment.findMany({
      where: { subscription_id: this.life.id },
      // Two may be made at one instant of a clock.
      orderBy: [{ created_at: 'asc' }, { recorded_at: 'asc' }, { id: 'asc' }],
    });
    return rows.map(({ id }) => id);
  }

  async paymentId(nth: Nth): Promise<string> {
    const found = (await this.payments())[nth];
    if (found === undefined) throw new Error(`${this.life.id} has no payment ${nth}`);
    return found;
  }

  async payment(nth: Nth) {
    return this.db.payment.findUniqueOrThrow({ where: { id: await this.paymentId(nth) } });
  }

  async attempt(nth: Nth) {
    const where = { payment_id_number: { payment_id: await this.paymentId(nth), number: 1 } };
    return this.db.paymentAttempt.findUniqueOrThrow({ where });
  }

  /** Looks an open attempt up each time that it is due before `to`. @returns how often */
  async followUp(nth: Nth, to: string): Promise<number> {
    return lookUpUntil(this.given, (at) => this.life.setNow(at), await this.paymentId(nth), to);
  }

  /** What the provider was asked to charge, in minor units and in order. */
  charged(): number[] {
    const ours = this.given.provider.asked.filter(({ subscriptionId }) => subscriptionId === this.life.id);
    return ours.map(({ amount }) => amount);
  }

  /** Reserves a refund as a caller of the API does. @param amount null: all that is left @returns its id, or why not */
  async refund(nth: Nth, amount: number | null): Promise<string> {
    this.asked += 1;
    const id = `${this.life.id}/refund/${this.asked}`;
    const command = { refund_id: id, amount, reason: 'goodwill', actor };
    const reserved = await reserveRefund(this.given, await this.paymentId(nth), command);
    return reserved.kind === 'refused' ? reserved.reason : id;
  }

  /** Asks the provider for every refund that is reserved. */
  async payOut(): Promise<void> {
    const where = { payment_id: { in: await this.payments() }, settled_at: null };
    for (const { id } of await this.db.refund.findMany({ where })) await payRefund(this.given, id);
  }

  /** A refund's outcome, as a webhook tells it. */
  async receiveRefund(refundId: string, outcome: RefundOutcome): Promise<void> {
    await inTransaction(this.db, (tx) => settleRefund(tx, refundId, outcome));
  }

  async refundAtProvider(nth: Nth, amount: number, reference: string): Promise<void> {
    const paymentId = await this.paymentId(nth);
    const made = { provider: 'sandbox', reference, amount, status: 'succeeded' } as const;
    await inTransaction(this.db, async (tx) =>
      recordProviderRefund(tx, await attemptOf(tx, paymentId, 1), made),
    );
  }

  /** What a bank decides. @param amount left out: all of the payment @param attempt whose charge it is about */
  async dispute(
    nth: Nth,
    event: DisputeEvent,
    {
      amount,
      reference = 'dp_1',
      attempt = 1,
    }: { amount?: number; reference?: string; attempt?: number } = {},
  ): Promise<void> {
    const payment = await this.payment(nth);
    const reported = { provider: 'sandbox', reference, event, amount: amount ?? Number(payment.amount) };
    await inTransaction(this.db, async (tx) =>
      recordDispute(tx, await attemptOf(tx, payment.id, attempt), reported),
    );
  }

  /** A webhook tells the outcome of the first attempt; nobody tells the subscription. */
  async receive(nth: Nth, outcome: AttemptOutcome = completed): Promise<void> {
    const id = await this.paymentId(nth);
    await inTransaction(this.db, (tx) => settleAttempt(tx, id, 1, outcome, 'webhook'));
  }

  /** The subscription is told of a payment that was settled. */
  async apply(nth: Nth): Promise<void> {
    await applyPayment(this.given, this.life.id, await this.paymentId(nth));
  }

  async startDunning(nth: Nth): Promise<void> {
    const { id, period_index } = await this.payment(nth);
    const about = { payment_id: id, period_index: period_index ?? 0 };
    await recordDunningStarted(this.given, this.life.id, about);
  }

  async exhaustDunning(nth: Nth, action: FinalAction): Promise<void> {
    const { id, period_index } = await this.payment(nth);
    const about = { payment_id: id, period_index: period_index ?? 0, final_action: action };
    await recordDunningExhausted(this.given, this.life.id, about);
  }

  /** `[payment, amount, reason]` of each refund, in the order of payments, then in that of asking. */
  async refunds(): Promise<[Nth, number, string][]> {
    const ids = await this.payments();
    const rows = await this.db.refund.findMany({
      where: { payment_id: { in: ids } },
      orderBy: { created_at: 'asc' },
    });
    return rows
      .map((row): [Nth, number, string] => [ids.indexOf(row.payment_id), Number(row.amount), row.reason])
      .toSorted(([a], [b]) => a - b);
  }

  /** What its accounts stand at: debit +, credit -. */
  accounts(): Promise<Record<string, number>> {
    return accountsOf(this.db, 'subscription', this.life.id);
  }

  /** What the provider has of a payment. */
  async cash(nth: Nth): Promise<number> {
    const where = { source: await this.paymentId(nth), account: 'cash/sandbox' };
    const { _sum: sum } = await this.db.ledgerEntry.aggregate({ where, _sum: { amount: true } });
    return Number(sum.amount ?? 0);
  }

  /** Credit of the customer, beside the subscription's. */
  customerCredit(): Promise<number> {
    return creditOfCustomer(this.db, this.customerId);
  }

  /** Kinds of the open operator tasks on the subscription, its payments and refunds. */
  async tasks(): Promise<string[]> {
    return (await this.openTasks()).map(({ kind }) => kind);
  }

  /** An operator's word about the open task of a kind. */
  async resolve(
    kind: string,
    outcome: 'succeeded' | 'failed',
    found: { amount?: number; provider_reference?: string } = {},
  ): Promise<void> {
    const task = (await this.openTasks()).find((open) => open.kind === kind);
    if (task === undefined) throw new Error(`${this.life.id} has no open task ${kind}`);
    const request = { reason: 'looked it up', outcome, ...found };
    const call = { callerId: 'key_1', trace: someTrace };
    await resolveOperatorTask(this.db, task.id, request, call);
  }

  holds(): Promise<void> {
    return expectLedgerHolds(this.db, this.customerId);
  }

  private async openTasks() {
    const ids = await this.payments();
    const refunds = await this.db.refund.findMany({ where: { payment_id: { in: ids } } });
    const subjects = [this.life.id, ...ids, ...refunds.map(({ id }) => id)];
    return this.db.operatorTask.findMany({ where: { subject_id: { in: subjects }, status: 'open' } });
  }
}
