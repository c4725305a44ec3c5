/** How consumers send the messages that follow from a record. */
import type { FollowUpTimes } from '../../contracts/workflows/commands';
import type { WorkflowMessage } from '../../contracts/workflows/messages';
import type { Database } from '../../prisma/client';
import type { WorkflowClient } from '../../temporal/client';
import { createMessenger } from '../../temporal/messenger';
import { sendInOrder } from '../../temporal/send';

/** What a consumer needs that judges by the rows and prompts workflows. */
export interface PromptDependencies {
  db: Database;
  client: WorkflowClient;
  /** Of the payments whose process is started. */
  times: FollowUpTimes;
}

/** Sends messages under the id of their event, so that a repeat of the record signals nothing twice. */
export async function prompt(
  { client, times }: PromptDependencies,
  eventId: string,
  messages: readonly WorkflowMessage[],
): Promise<void> {
  await sendInOrder(createMessenger(client, times, eventId), messages);
}
