/** Subscriptions' workflows on a server that skips time, asked as the API asks them. */
import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { CreationResult, SubscriptionCreation } from '../../../contracts/workflows/commands';
import { subscriptionStart } from '../../../contracts/workflows/workflows';
import { type Fake } from './subscription-activities';
import { subscriptionCreation } from '../creation';
import { skippedTime, type SkippedTime } from './skipped-time';

export interface SubscriptionWorkers {
  time: SkippedTime;
  /** Asks by update-with-start. */
  ask<T>(id: string, withCreation: SubscriptionCreation | null, update: string, args: unknown[]): Promise<T>;
  create(id: string, answerInMs?: number): Promise<CreationResult>;
  /** Runs `work` while a worker with the fake's activities serves. */
  run<T>(fake: Fake, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function startSubscriptionWorkers(): Promise<SubscriptionWorkers> {
  const time = await skippedTime();
  const ask: SubscriptionWorkers['ask'] = (id, withCreation, update, args) => {
    const { workflowType, ...options } = subscriptionStart({ subscription_id: id, creation: withCreation });
    const start = new WithStartWorkflowOperation(workflowType, {
      ...options,
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    });
    return time.env.client.workflow.executeUpdateWithStart(update, {
      startWorkflowOperation: start,
      updateId: randomUUID(),
      args,
    }) as Promise<never>;
  };
  return {
    time,
    ask,
    create: (id, answerInMs = 10_000) =>
      ask(id, subscriptionCreation(id, { answer_within_ms: answerInMs }), 'awaitCreated', []),
    run: (fake, work) => time.withWorker('subscription-service', fake.activities, work),
    close: () => time.close(),
  };
}
