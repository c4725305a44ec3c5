/** How consumers send the messages that follow from a record. */
import { createHash } from 'node:crypto';
import type { ReadEvent } from '../../contracts/topics/envelope';
import type { EventTopic } from '../../contracts/topics/events';
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

/**
 * Sends the messages that follow from a record, under its identity, so that a repeat of it signals nothing twice, and
 * with its trace. Ids can be guessed: a record that takes the id of one that is still to come, with other content, keeps
 * no signal back.
 */
export async function prompt(
  { client, times }: PromptDependencies,
  event: ReadEvent<EventTopic>,
  messages: readonly WorkflowMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  await sendInOrder(createMessenger(client, times, { id: identityOf(event), trace: event.trace }), messages);
}

function identityOf({ id, source, time, data }: ReadEvent<EventTopic>): string {
  const content = JSON.stringify([source, time, data]);
  return `${id}/${createHash('sha256').update(content).digest('base64url').slice(0, 22)}`;
}
