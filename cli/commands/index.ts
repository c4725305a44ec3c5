/** Every group of commands, in the order in which the usage shows them. A new group is a file and a line here. */
import { setTimeout as pause } from 'node:timers/promises';
import { auditCommands } from './audit';
import { bulkRetryCommands } from './bulk-retries';
import type { CommandGroup } from '../command';
import { deadLetterCommands } from './dead-letters';
import { deliveryCommands } from './deliveries';
import { schedulerCommands } from './scheduler';
import { ledgerCommands } from './ledger';
import { operatorTaskCommands } from './operator-tasks';
import { paymentCommands } from './payments';
import { planCommands } from './plans';
import { policyCommands } from './policies';
import { simulateCommands } from './simulate';
import { subscriptionCommands } from './subscriptions';
import { testClockCommands } from './test-clocks';

export const commandGroups: readonly CommandGroup[] = [
  subscriptionCommands,
  paymentCommands,
  ledgerCommands,
  schedulerCommands,
  deadLetterCommands,
  deliveryCommands,
  operatorTaskCommands,
  bulkRetryCommands({ screen: process.stderr, pause }),
  auditCommands,
  policyCommands,
  simulateCommands,
  planCommands,
  testClockCommands({ screen: process.stderr, pause }),
];
