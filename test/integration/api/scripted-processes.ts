/** The workflows behind a test's API, played: what they are sent, and what the test has them do. */
import { attachTexts } from '../../../billing/command-texts';
import type {
  AdvanceClock,
  CancelPayment,
  CommandWithTexts,
  DecideBulkRetry,
  RefundCommand,
  SubscriptionCreation,
} from '../../../contracts/workflows/commands';
import type { BulkRetryCommand } from '../../../domain/retry/bulk-retry';
import type { Database } from '../../../prisma/client';
import type { BulkRetryProcess } from '../../../temporal/bulk-retry';
import type { PaymentProcess } from '../../../temporal/payment';
import type { SubscriptionProcess } from '../../../temporal/subscription';
import type { TestClockProcess } from '../../../temporal/test-clock';

/** What histories would hold, and how an activity reads it: with the texts that lie in rows. */
export class Histories {
  readonly held: object[] = [];

  constructor(private readonly db: Database) {}

  async read<C extends CommandWithTexts>(command: C): Promise<C> {
    this.held.push(command);
    const complete = { ...(await attachTexts(this.db, command)) };
    delete complete.texts_id;
    return complete;
  }
}

type NamedCommand = CommandWithTexts & { command_id: string };

/** Plays the part of the subscription's workflow. */
export class ScriptedSubscriptions implements SubscriptionProcess {
  constructor(private readonly histories: Histories) {}

  creations: SubscriptionCreation[] = [];
  /** Of the reconciliation, asked for. */
  rounds = 0;
  commands: { subscriptionId: string; name: string; command: { command_id: string } }[] = [];
  woken: string[] = [];
  onCreate: (creation: SubscriptionCreation) => Promise<'concluded' | 'too_late'> = () =>
    Promise.resolve('concluded');
  onCommand: (subscriptionId: string) => Promise<void> = () => Promise.resolve();

  async create(creation: SubscriptionCreation): Promise<'concluded' | 'too_late'> {
    const complete = await this.histories.read(creation);
    this.creations.push(complete);
    return this.onCreate(complete);
  }

  async command(subscriptionId: string, name: string, command: NamedCommand): Promise<void> {
    this.commands.push({ subscriptionId, name, command: await this.histories.read(command) });
    await this.onCommand(subscriptionId);
  }

  async wake(subscriptionId: string): Promise<void> {
    this.woken.push(subscriptionId);
  }
}

/** Plays the part of the payment's workflow. */
export class ScriptedPayments implements PaymentProcess {
  constructor(private readonly histories: Histories) {}

  refunds: { paymentId: string; command: RefundCommand }[] = [];
  looks: string[] = [];
  onCancel: (paymentId: string, request: CancelPayment) => Promise<void> = () => Promise.resolve();
  onLook: () => Promise<void> = () => Promise.resolve();
  onRefund: (paymentId: string, command: RefundCommand) => Promise<void> = () => Promise.resolve();

  async refund(paymentId: string, command: RefundCommand): Promise<void> {
    const complete = await this.histories.read(command);
    this.refunds.push({ paymentId, command: complete });
    return this.onRefund(paymentId, complete);
  }

  async cancel(paymentId: string, request: CancelPayment): Promise<void> {
    return this.onCancel(paymentId, await this.histories.read(request));
  }

  refreshPayment(paymentId: string): Promise<void> {
    this.looks.push(paymentId);
    return this.onLook();
  }
}

/** Plays the part of the test clock's workflow. */
export class ScriptedClocks implements TestClockProcess {
  advances: { clockId: string; command: AdvanceClock }[] = [];
  onAdvance: (clockId: string) => Promise<void> = () => Promise.resolve();

  advance(clockId: string, command: AdvanceClock): Promise<void> {
    this.advances.push({ clockId, command });
    return this.onAdvance(clockId);
  }
}

/** Plays the part of the bulk retry's workflow. */
export class ScriptedBulkRetries implements BulkRetryProcess {
  constructor(private readonly histories: Histories) {}

  started: string[] = [];
  commands: { id: string; name: string; decision: DecideBulkRetry }[] = [];
  onStart: () => Promise<void> = () => Promise.resolve();
  onCommand: (id: string, name: BulkRetryCommand, decision: DecideBulkRetry) => Promise<void> = () =>
    Promise.resolve();

  start(id: string): Promise<void> {
    this.started.push(id);
    return this.onStart();
  }

  async command(id: string, name: BulkRetryCommand, sent: DecideBulkRetry): Promise<void> {
    const decision = await this.histories.read(sent);
    this.commands.push({ id, name, decision });
    return this.onCommand(id, name, decision);
  }
}
