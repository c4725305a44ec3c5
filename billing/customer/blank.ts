/**
 * What an erasure leaves of a column's value. Pure.
 *
 * Invariant: what is left is valid wherever the value is read: an event by its topic's schema, an answer by its route's.
 */
import { eventData } from '../../contracts/topics/events';
import { isNotificationTemplate, notificationTemplates } from '../../contracts/topics/notifications';
import { topics, type Topic } from '../../contracts/topics/topics';
import type { Blank } from '../../domain/personal-columns';
import { erasedText, ownReasons, withoutPersonalText } from '../../domain/personal-text';

/** A column as PostgreSQL gives it: text, JSON, bytes or a number. */
export type Value = string | number | object | null | undefined;

/** @param row the other columns, of which a dead letter's record needs the topic */
export function blanked(blank: Blank, value: Value, row: Readonly<Record<string, unknown>>): unknown {
  if (value === null || value === undefined) return null;
  switch (blank) {
    case 'null':
      return null;
    case 'empty':
      return {};
    case 'erased':
      return erasedText;
    case 'reason':
      return typeof value === 'string' && ownReasons.has(value) ? value : erasedText;
    case 'json':
      return withoutPersonalText(value);
    case 'event':
      return typeof value === 'string' ? JSON.stringify(withoutPersonalText(JSON.parse(value))) : null;
    case 'answer':
      return typeof value === 'string' ? blankedAnswer(value) : null;
    case 'record':
      return blankedRecord(String(row['topic']), value as Uint8Array);
    case 'headers':
      return blankedHeaders(value as Record<string, unknown>);
  }
}

/**
 * A kept answer is a JSON text. A refusal's own reason and detail are codes and texts of ours; what it tells of an
 * operator's decision is not.
 */
function blankedAnswer(text: string): string | null {
  const body = jsonOf(text);
  // Another answer than JSON holds what nobody can look through.
  if (body === null || typeof body !== 'object') return null;
  const { type, title, status, detail, code } = body as Record<string, unknown>;
  const isRefusal = typeof title === 'string' && typeof code === 'string' && typeof status === 'number';
  const left = withoutPersonalText(body, null) as Record<string, unknown>;
  if (isRefusal) return JSON.stringify({ ...left, type, title, status, detail, code, ...reasonOf(body) });
  return JSON.stringify('detail' in left && detail !== null ? { ...left, detail: erasedText } : left);
}

function reasonOf(refusal: object): object {
  return 'reason' in refusal ? { reason: refusal.reason } : {};
}

/** Only what the topic's schema knows can be handled, so only that is left; of anything else nothing is. */
function blankedRecord(topic: string, bytes: Uint8Array): Buffer | null {
  const event = jsonOf(Buffer.from(bytes).toString('utf8'));
  if (event === null || typeof event !== 'object' || !(topic in topics)) return null;
  const { specversion, id, source, type, subject, time, datacontenttype, dataschema, data } = event as Record<
    string,
    unknown
  >;
  const known = eventData[topic as Topic].safeParse(data);
  if (!known.success) return null;
  const left = knownData(known.data);
  if (left === null) return null;
  const envelope = { specversion, id, source, type, subject, time, datacontenttype, dataschema };
  return Buffer.from(JSON.stringify({ ...envelope, data: withoutPersonalText(left) }));
}

/** The data of a notification is the template's; null when nothing knows the template. */
function knownData(data: object): object | null {
  if (!('template' in data)) return data;
  if (!isNotificationTemplate(data.template) || !('data' in data)) return null;
  const known = notificationTemplates[data.template].data.safeParse(data.data);
  return known.success ? { ...data, data: known.data } : null;
}

/** What a record is read by. */
const keptHeaders =
  /^(content-type|ce_(specversion|id|source|type|subject|time|datacontenttype|dataschema))$/i;

function blankedHeaders(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => keptHeaders.test(name)));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
