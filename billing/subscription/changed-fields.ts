import { isDeepStrictEqual } from 'node:util';
import type { Subscription } from '../../contracts/http/subscriptions';

/** The earlier values of the fields that differ, without the version: `previous` of an event. */
export function changedFields(before: Subscription, after: Subscription): Partial<Subscription> {
  const names = (Object.keys(before) as (keyof Subscription)[]).filter(
    (name) => name !== 'version' && !isDeepStrictEqual(before[name], after[name]),
  );
  return Object.fromEntries(names.map((name) => [name, before[name]]));
}
