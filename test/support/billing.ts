/** A database with one customer, plan and payment method, and a provider that says what the test wrote for it. */
import type { SubscriptionCreation } from '../../contracts/workflows/commands';
import type { ChargeLimits } from '../../domain/money';
import type { AttemptOutcome } from '../../domain/payment/payment';
import { failure, type DeclineCode } from '../../domain/payment/payment';
import { beginCreation } from '../../billing/subscription/begin';
import { openDue } from '../../billing/subscription/open-due';
import { closeDatabase, createDatabase, inTransaction, type Database } from '../../prisma/client';
import type { RefundOutcome } from '../../domain/payment/refund';
import type {
  CancelRequest,
  ChargeRequest,
  LookupOutcome,
  PaymentProvider,
  ProviderRegistry,
  RefundRequest,
} from '../../providers/port';
import { sandboxWebhooks } from '../../providers/sandbox/webhooks';
import { subscriptionCreation } from './creation';
import { createTestDatabase } from './servers/database';
import { moveBack } from './due';
import { forFile } from './for-file';

export const completed: AttemptOutcome = { status: 'completed', provider_reference: 'ch_1' };
export const declinedAs = (code: DeclineCode, message = 'No.'): AttemptOutcome => ({
  status: 'failed',
  provider_reference: 'ch_1',
  failure: failure(code, message),
});
export const declined = declinedAs('insufficient_funds', 'Not enough money.');
export const pending: AttemptOutcome = { status: 'pending', provider_reference: 'ch_1' };
export const requiresAction: AttemptOutcome & LookupOutcome = {
  status: 'requires_action',
  provider_reference: 'ch_1',
  next_action: { type: 'redirect', url: null, expires_at: null },
};
export const noAnswer: AttemptOutcome = { status: 'unknown', reason: 'timeout' };
export const refunded: RefundOutcome = { status: 'succeeded', provider_reference: 're_1' };
export const mismatch: AttemptOutcome = { status: 'unknown', reason: 'amount_mismatch' };

/** A provider that can charge every amount. */
export const anyAmount = () => ({ smallest: 1, step: 1 });

/** Says `charges`, `lookups`, `refunds` one after the other; their last for ever. */
export class ScriptedProvider implements PaymentProvider {
  readonly name = 'sandbox';
  isLive = false;
  readonly webhooks = sandboxWebhooks;
  limits: ChargeLimits = { smallest: 1, step: 1 };
  charges: AttemptOutcome[] = [completed];
  lookups: LookupOutcome[] = [{ status: 'not_found' }];
  refunds: RefundOutcome[] = [refunded];
  readonly asked: ChargeRequest[] = [];
  readonly askedRefunds: RefundRequest[] = [];
  readonly askedCancels: CancelRequest[] = [];
  /** Charges that are open are not cancelled. */
  refusesCancels = false;
  lookedUp = 0;
  /** Awaited before a charge is answered. */
  slow: () => Promise<void> = () => Promise.resolve();

  chargeLimits(): ChargeLimits {
    return this.limits;
  }

  async charge(request: ChargeRequest): Promise<AttemptOutcome> {
    this.asked.push(request);
    const answer = next(this.charges);
    await this.slow();
    return answer;
  }

  async lookup(): Promise<LookupOutcome> {
    this.lookedUp += 1;
    return next(this.lookups);
  }

  /** A charge that is open is cancelled; else it is as a lookup finds it. Undefined: the provider cancels nothing. */
  cancel: PaymentProvider['cancel'] = async (request) => {
    this.askedCancels.push(request);
    const found = next(this.lookups);
    if (found.status !== 'pending' && found.status !== 'requires_action') return found;
    if (this.refusesCancels) return { status: 'not_cancellable', standing: found };
    return { status: 'cancelled', provider_reference: found.provider_reference };
  };

  async refund(request: RefundRequest): Promise<RefundOutcome> {
    this.askedRefunds.push(request);
    return next(this.refunds);
  }
}

function next<T>(script: T[]): T {
  const [first] = script;
  if (first === undefined) throw new Error('the provider has nothing to say');
  return script.length > 1 ? (script.shift() as T) : first;
}

export interface TestBilling {
  db: Database;
  url: string;
  provider: ScriptedProvider;
  providers: ProviderRegistry;
  /** A creation that is accepted for the next 30 s; ids are `sub_1`, `sub_2` and so on. */
  creation(more?: Partial<SubscriptionCreation>): SubscriptionCreation;
  /** A subscription as it stands when its first payment's first attempt has begun, and nobody has called yet. */
  begun(more?: Partial<SubscriptionCreation>): Promise<{ subscriptionId: string; paymentId: string }>;
  /** A subscription whose period has opened after a trial, and whose payment nobody has tried yet. */
  opened(): Promise<{ subscriptionId: string; paymentId: string }>;
  end(): Promise<void>;
}

/** Opens one for all tests of this file. */
export const useBilling = (): TestBilling =>
  forFile(
    () => openBilling(),
    (billing) => billing.end(),
  );

/** @param prepared returns the URL by which the database is used then; left out: that of its owner */
export async function openBilling(
  prepared: (url: string) => Promise<string> = (url) => Promise.resolve(url),
): Promise<TestBilling> {
  const database = await createTestDatabase();
  const url = await prepared(database.url);
  const db = createDatabase(url, 20);
  await seed(db);
  const provider = new ScriptedProvider();
  const deps = { db, providers: new Map([[provider.name, provider]]) };
  let subscriptions = 0;
  const creation = (more: Partial<SubscriptionCreation> = {}): SubscriptionCreation => {
    subscriptions += 1;
    const id = more.subscription_id ?? `sub_${subscriptions}`;
    return subscriptionCreation(id, { accept_by: new Date(Date.now() + 30_000).toISOString(), ...more });
  };
  return {
    db,
    url,
    provider,
    providers: deps.providers,
    creation,
    async begun(more) {
      const wanted = creation(more);
      const begun = await beginCreation(deps, wanted);
      const paymentId = begun.kind === 'too_late' ? null : begun.record.first_payment_id;
      if (paymentId === null) throw new Error('this creation has no first payment');
      return { subscriptionId: wanted.subscription_id, paymentId };
    },
    async opened() {
      const { subscription_id: subscriptionId, ...wanted } = creation({ trial_days: 1 });
      await beginCreation(deps, { ...wanted, subscription_id: subscriptionId });
      await moveBack(
        { query: (text, values) => db.$executeRawUnsafe(text, ...values) },
        subscriptionId,
        '1 day',
      );
      const { record } = await inTransaction(db, (tx) => openDue(tx, subscriptionId, anyAmount));
      const paymentId = record.subscription.open_payment_id;
      if (paymentId === null) throw new Error('no period was due');
      return { subscriptionId, paymentId };
    },
    async end() {
      await closeDatabase(db);
      await database.drop();
    },
  };
}

async function seed(db: Database): Promise<void> {
  const monthly = { currency: 'EUR', interval_unit: 'month', interval_count: 1 };
  await db.plan.createMany({
    data: [
      { id: 'gold', name: 'Gold', amount: 1000, ...monthly },
      { id: 'free', name: 'Free', amount: 0, ...monthly },
    ],
  });
  await db.customer.create({ data: { id: 'cus_1', time_zone: 'Europe/Moscow' } });
  await db.paymentMethod.create({
    data: { id: 'pm_1', customer_id: 'cus_1', provider: 'sandbox', token: 'tok_ok' },
  });
}
