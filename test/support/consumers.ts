/** The handlers of all consumer groups over one database, and what they do beside it. */
import type { Client } from '@temporalio/client';
import { analyticsServiceHandlers } from '../../bridge/consumers/analytics-service';
import { paymentServiceHandlers } from '../../bridge/consumers/payment-service';
import { retryServiceHandlers } from '../../bridge/consumers/retry-service';
import { renewalHandlers, subscriptionServiceHandlers } from '../../bridge/consumers/subscription-service';
import type { Handlers } from '../../bridge/consumer/consumer';
import { Unprocessable } from '../../billing/unprocessable';
import type { ReadEvent } from '../../contracts/topics/envelope';
import type { EventData, EventTopic } from '../../contracts/topics/events';
import type { ConsumerGroup } from '../../contracts/topics/topics';
import type { Database } from '../../prisma/client';
import { WorkflowClient, type Signal } from '../../temporal/client';
import { notificationHandlers, notifierInto } from './notifications';
import { nothingOutside, recordOf } from './outside';

export interface TestConsumers {
  /** Signals, starts and notifications so far, in words; grows. */
  readonly effects: string[];
  /** All that the groups read. */
  readonly topics: EventTopic[];
  /**
   * Has every group that reads the topic handle a record, as `/api-gateway` writes it.
   * @returns by group the code of its refusal, or `nothing` where there was none
   */
  consume<T extends EventTopic>(topic: T, data: EventData<T>): Promise<Record<string, string>>;
}

export function consumers(db: Database, temporal: Client): TestConsumers {
  const effects: string[] = [];
  const deps = { db, client: new NotingClient(temporal, effects), times: { incompleteHours: 23 } };
  const notifier = notifierInto(effects, ({ id }) => `send ${id}`);
  const groups: Record<ConsumerGroup, Handlers> = {
    'payment-service': paymentServiceHandlers({ ...deps, external: nothingOutside }),
    'subscription-service': { ...subscriptionServiceHandlers(deps), ...gathered(deps) },
    'retry-service': retryServiceHandlers({ ...deps, external: nothingOutside }),
    'analytics-service': analyticsServiceHandlers(db),
    'notification-service': notificationHandlers({ db, notifier }),
  };
  return {
    effects,
    topics: Object.values(groups).flatMap((handlers) => Object.keys(handlers) as EventTopic[]),
    async consume(topic, data) {
      const verdicts: Record<string, string> = {};
      const record = recordOf(data, { source: '/api-gateway' });
      for (const [group, handlers] of Object.entries(groups)) {
        const handle = handlers[topic] as ((event: ReadEvent<typeof topic>) => Promise<void>) | undefined;
        if (handle !== undefined) verdicts[group] = await verdictOf(handle(record));
      }
      return verdicts;
    },
  };
}

/** Records of what is due, each gathered alone. */
function gathered(deps: Parameters<typeof renewalHandlers>[0]): Handlers {
  const { 'subscriptions.renew_required': gather } = renewalHandlers(deps, 0);
  const delivery = { place: 'subscriptions.renew_required/0/0', signal: new AbortController().signal };
  return { 'subscriptions.renew_required': async (event) => gather?.(event, delivery) };
}

async function verdictOf(handled: Promise<void>): Promise<string> {
  try {
    await handled;
    return 'nothing';
  } catch (error) {
    if (error instanceof Unprocessable) return error.code;
    throw error;
  }
}

/** Notes what it is asked for, and asks nothing of Temporal. */
class NotingClient extends WorkflowClient {
  constructor(
    temporal: Client,
    private readonly effects: string[],
  ) {
    super(temporal);
  }

  override start({ workflowId }: { workflowId: string }): Promise<void> {
    this.effects.push(`start ${workflowId}`);
    return Promise.resolve();
  }

  override signalWithStart({ workflowId }: { workflowId: string }, { name }: Signal): Promise<void> {
    this.effects.push(`signal ${workflowId} ${name}`);
    return Promise.resolve();
  }

  override signalIfRunning(workflowId: string, { name }: Signal): Promise<boolean> {
    this.effects.push(`signal ${workflowId} ${name}`);
    return Promise.resolve(true);
  }
}
