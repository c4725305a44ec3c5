/** What the API is made of; put together by the process that runs it, and by tests. */
import type { Logger } from 'pino';
import type { Limits } from '../../access/limits';
import type { FailedSignIns } from '../../access/sign-ins';
import type { StuckAfter } from '../../billing/reconcile/dry-run';
import type { Database } from '../../prisma/client';
import type { BulkRetryProcess } from '../../temporal/bulk-retry';
import type { SendAfterCommit } from '../../temporal/send';
import type { PaymentProcess } from '../../temporal/payment';
import type { SubscriptionProcess } from '../../temporal/subscription';
import type { TestClockProcess } from '../../temporal/test-clock';
import type { AddressClass } from './caller-address';
import type { Webhooks } from './webhook-sources';

/** A part of the system that has to be there before the API can serve. */
export interface ReadinessCheck {
  name: string;
  /** @throws when the part is not there; the message is shown, so it holds no secret */
  check(): Promise<void>;
}

/** How long requests may take; each is a setting. */
export interface Deadlines {
  /** Of an Idempotency-Key, until a repeat takes over, seconds. */
  leaseSeconds: number;
  /** Until when the process may create a subscription, milliseconds after the request. */
  acceptWithinMs: number;
  /** For the first payment of a creation, milliseconds. */
  answerWithinMs: number;
}

export interface ApiDependencies {
  db: Database;
  process: SubscriptionProcess;
  /** Has the reconciliation's schedule start a round. @throws ProblemError `unavailable` */
  reconcileNow(): Promise<void>;
  /** Sends what follows from a commit. Never fails the call: the reconciliation makes up for what was not sent. */
  send: SendAfterCommit;
  payments: PaymentProcess;
  clocks: TestClockProcess;
  bulkRetries: BulkRetryProcess;
  /** Whether test clocks may be made and advanced here. */
  allowTestClocks: boolean;
  readiness: readonly ReadinessCheck[];
  /** By the names that payment methods may have as their provider: which card a token is, where the token shows it. */
  providers: ReadonlyMap<
    string,
    {
      isLive: boolean;
      fingerprintOf?(token: string): string;
      chargeLimits(currency: string): { smallest: number; step: number };
    }
  >;
  webhooks: Webhooks;
  /** Whose X-Forwarded-For is believed, as Express’s `trust proxy` takes it; undefined: no proxy’s. */
  trustProxy?: number | readonly string[] | undefined;
  limits: Limits;
  /** Is given each answer 401, 403 and 429. */
  onRefused?(status: number, caller: AddressClass): void;
  /** Counts calls without a valid key for the audit log. */
  signIns: Pick<FailedSignIns, 'record'>;
  deadlines: Deadlines;
  stuckAfter: StuckAfter;
  log: Logger;
  now: () => Date;
  /** A fresh UUIDv7. */
  newUuid: () => string;
}
