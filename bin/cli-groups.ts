/** Every group of commands, in the order in which the usage shows them. A new group is a file and a line here. */
import { setTimeout as pause } from 'node:timers/promises';
import { auditCommands } from './cli-audit';
import { bulkRetryCommands } from './cli-bulk-retries';
import type { CommandGroup } from './cli-command';
import { deadLetterCommands } from './cli-dead-letters';
import { deliveryCommands } from './cli-deliveries';
import { fleetCommands } from './cli-fleet';
import { operatorTaskCommands } from './cli-operator-tasks';
import { paymentCommands } from './cli-payments';
import { planCommands } from './cli-plans';
import { policyCommands } from './cli-policies';
import { simulateCommands } from './cli-simulate';
import { subscriptionCommands } from './cli-subscriptions';
import { testClockCommands } from './cli-test-clocks';

export const commandGroups: readonly CommandGroup[] = [
  subscriptionCommands,
  paymentCommands,
  fleetCommands,
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
