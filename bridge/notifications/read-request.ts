/**
 * A request of notifications.requested: read by its template, and confirmed by our own rows.
 *
 * Invariant: a request of another service is one notification by what it is about, whatever its id, and has a name of its
 * own: it takes the place of none of ours.
 */
import type { ReadEvent } from '../../contracts/topics/envelope';
import { requireAllowedSource, type ExternalRules } from '../../billing/external-records';
import { confirmRequest, type ConfirmedRequest } from '../../billing/notification/confirm-request';
import { externalName, isOwnRequest, wasAccepted } from '../../billing/notification/request-origin';
import { confirmNotice } from '../../billing/retry/confirm-notice';
import { Unprocessable } from '../../billing/unprocessable';
import { noticeAbout } from '../../domain/retry/notice-claims';
import type { Database } from '../../prisma/client';
import type { Message, Template, Templates } from './templates';

export interface ReadRequest extends ConfirmedRequest {
  /** What makes it one: the event's id, or what another service's request is about. */
  name: string;
  /** Of another service whose request is new; null: it is ours, or was accepted before. */
  source: string | null;
  template: Template;
  message: Message;
}

/** It becomes a header of the webhook. */
const wellFormedId = /^[\x21-\x7e]{1,255}$/;

/** Reads and confirms a request. @throws Unprocessable */
export async function readRequest(
  db: Database,
  templates: Templates,
  rules: ExternalRules,
  event: ReadEvent<'notifications.requested'>,
): Promise<ReadRequest> {
  const { id, data } = event;
  if (!wellFormedId.test(id)) throw invalid('the id is not printable ASCII of 255 characters at most');
  const template = templates.get(data.template);
  if (template === undefined) throw invalid('there is no such template');
  const message = template.read(data.data);
  if (message === null) throw invalid(`data is not what ${data.template} needs`);
  const { values } = message;
  const isOurs = await isOwnRequest(db, event);
  const name = isOurs ? id : externalName(data.template, data.payment_id, noticeAbout(data.template, values));
  // Once it was accepted it is not judged again: the state has moved on.
  const isNew = !isOurs && !(await wasAccepted(db, name));
  const source = isNew ? requireAllowedSource(rules, event.source) : null;
  const confirmed = await confirmRequest(db, data, template.subject, values);
  if (isNew) await confirmNotice(db, data.template, data.payment_id, values);
  return { ...confirmed, name, source, template, message };
}

function invalid(message: string): Unprocessable {
  return new Unprocessable('invalid_notification', message);
}
