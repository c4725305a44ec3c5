/** A request of notifications.requested: read by its template, and confirmed by our own rows. */
import type { ReadEvent } from '../../contracts/topics/envelope';
import { confirmRequest, type ConfirmedRequest } from '../../billing/notification/confirm-request';
import { Unprocessable } from '../../billing/unprocessable';
import type { Database } from '../../prisma/client';
import type { Message, Template, Templates } from './templates';

export interface ReadRequest extends ConfirmedRequest {
  template: Template;
  message: Message;
}

/** It becomes a header of the webhook. */
const wellFormedId = /^[\x21-\x7e]{1,255}$/;

/** Reads and confirms a request. @throws Unprocessable */
export async function readRequest(
  db: Database,
  templates: Templates,
  { id, data }: ReadEvent<'notifications.requested'>,
): Promise<ReadRequest> {
  if (!wellFormedId.test(id)) throw invalid('the id is not printable ASCII of 255 characters at most');
  const template = templates.get(data.template);
  if (template === undefined) throw invalid('there is no such template');
  const message = template.read(data.data);
  if (message === null) throw invalid(`data is not what ${data.template} needs`);
  const confirmed = await confirmRequest(db, data, template.subject, message.values);
  return { ...confirmed, template, message };
}

function invalid(message: string): Unprocessable {
  return new Unprocessable('invalid_notification', message);
}
