/**
 * The free text of commands to workflows: metadata and reasons.
 *
 * A history cannot be erased, so a command carries the id of a row with its texts (`texts_id`), and the activity that
 * executes it reads them there. Invariants:
 * - The row is committed before the command is sent. A command without free text has none.
 * - No decision depends on a text: where its row is gone, the text is blank, and a change leaves the metadata as it is.
 */
import type { CommandWithTexts } from '../contracts/workflows/commands';
import { erasedText } from '../domain/personal-text';
import type { Database } from '../prisma/client';
import { exceptLocked } from './locks';
import { sql } from '../prisma/sql';

interface Texts {
  metadata?: Record<string, string>;
  reason?: string;
  /** Of the actor. */
  actor_reason?: string;
}

/** Whose texts they are, and the id of their row: a fresh one for each call. */
export interface TextsOwner {
  id: string;
  /** What the command is for; of a creation the customer, for its own row may never come. */
  subject: { type: 'customer' | 'subscription' | 'payment' | 'bulk_retry'; id: string };
}

/** Commits the texts of a command. @returns the command as it is to be sent */
export async function detachTexts<C extends CommandWithTexts>(
  db: Database,
  { id, subject }: TextsOwner,
  command: C,
): Promise<C> {
  const texts = textsOf(command);
  if (Object.keys(texts).length === 0) return command;
  await sql(db).execute`
    INSERT INTO command_texts (id, subject_type, subject_id, texts)
    VALUES (${id}, ${subject.type}, ${subject.id}, ${JSON.stringify(texts)}::jsonb)`;
  return {
    ...command,
    ...(texts.metadata !== undefined && { metadata: null }),
    ...(texts.reason !== undefined && { reason: erasedText }),
    ...withActorsReason(command, texts.actor_reason === undefined ? undefined : null),
    texts_id: id,
  };
}

/** Reads the texts of a command back. One that carries no id is complete. */
export async function attachTexts<C extends CommandWithTexts>(db: Database, command: C): Promise<C> {
  if (command.texts_id === undefined) return command;
  const [row] = await sql(db).query<{ texts: Texts }[]>`
    SELECT texts FROM command_texts WHERE id = ${command.texts_id}`;
  const { metadata, reason, actor_reason } = row?.texts ?? {};
  return {
    ...command,
    ...(metadata !== undefined && { metadata }),
    ...(reason !== undefined && { reason }),
    ...withActorsReason(command, actor_reason),
  };
}

/** Removes rows that were written before `before`: no command waits so long. @returns how many */
export async function forgetTexts(db: Database, before: Date, limit: number): Promise<number> {
  return sql(db).execute`
    DELETE FROM command_texts WHERE id IN (
      SELECT id FROM command_texts WHERE created_at < ${before} ORDER BY created_at LIMIT ${limit} ${exceptLocked})`;
}

function textsOf({ metadata, reason, actor }: CommandWithTexts): Texts {
  return {
    ...(metadata && Object.keys(metadata).length > 0 && { metadata }),
    ...(reason && { reason }),
    ...(actor?.reason && { actor_reason: actor.reason }),
  };
}

function withActorsReason({ actor }: CommandWithTexts, reason: string | null | undefined) {
  return actor === undefined || reason === undefined ? {} : { actor: { ...actor, reason } };
}
