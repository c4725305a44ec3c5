/** Every group of commands, in the order in which help shows them. A new group is a file and an entry here. */
import { setTimeout as pause } from 'node:timers/promises';
import { auditCommands } from './audit';
import { bulkRetryCommands } from './bulk-retries';
import type { CommandGroup } from '../command';
import { customerCommands } from './customers';
import { deadLetterCommands } from './dead-letters';
import { deliveryCommands } from './deliveries';
import { renewalRunCommands } from './renewal-runs';
import { schedulerCommands } from './scheduler';
import { keyCommands } from './keys';
import { ledgerCommands } from './ledger';
import { operatorTaskCommands } from './operator-tasks';
import { paymentCommands } from './payments';
import { planCommands } from './plans';
import { policyCommands } from './policies';
import { simulateCommands } from './simulate';
import { subscriptionCommands } from './subscriptions';
import { testClockCommands } from './test-clocks';

/** What stands behind the first word of commands of two, in the help. */
export interface Subject {
  name: string;
  text: string;
  commands: CommandGroup;
}

const watching = { screen: process.stderr, pause };

export const subjects: readonly Subject[] = [
  { name: 'subscriptions', text: 'see, end, pause and resume them', commands: subscriptionCommands },
  { name: 'payments', text: 'see, cancel, refund and retry them', commands: paymentCommands },
  { name: 'ledger', text: 'what moved money, and credit of customers', commands: ledgerCommands },
  { name: 'customers', text: 'export and erase what is kept about one', commands: customerCommands },
  { name: 'renewal-run', text: 'what renews many subscriptions at once', commands: renewalRunCommands },
  { name: 'scheduler', text: 'pause and resume the renewals', commands: schedulerCommands },
  { name: 'dead-letters', text: 'records that a group could not handle', commands: deadLetterCommands },
  { name: 'deliveries', text: 'webhooks of payment providers', commands: deliveryCommands },
  { name: 'operator-tasks', text: 'what only an operator can decide', commands: operatorTaskCommands },
  { name: 'bulk-retry', text: 'try many failed payments again', commands: bulkRetryCommands(watching) },
  { name: 'audit', text: 'who asked for which change', commands: auditCommands },
  { name: 'keys', text: 'who may do what', commands: keyCommands },
  { name: 'policies', text: 'the rules by which failed payments are retried', commands: policyCommands },
  { name: 'simulate', text: 'what a policy would have made of the past', commands: simulateCommands },
  { name: 'plans', text: 'what is sold', commands: planCommands },
  { name: 'test-clocks', text: 'make time pass for test customers', commands: testClockCommands(watching) },
];
