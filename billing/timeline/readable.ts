/**
 * Which entries of a timeline a caller may read: those whose source the caller may read by itself.
 *
 * Owns the scope of each source. Invariant: what is left out follows from the caller's scopes alone, and says nothing about
 * whether there are such entries.
 */
import type { OmittedEntries } from '../../contracts/http/timeline';
import type { Scope } from '../../contracts/scopes';
import { topicNames, type Topic } from '../../contracts/topics/topics';
import { timelineSources, type TimelineSource } from '../../domain/timeline/timeline';
import type { ReadableEntries, TimelineSubject } from './index-query';

/** What `event` and `ledger_transaction` need depends on the row. */
type OneScope = Exclude<TimelineSource, 'event' | 'ledger_transaction'>;

/** The scope of the route that reads the source. */
export const scopeOfSource: Readonly<Record<OneScope, Scope>> = {
  webhook_delivery: 'operator',
  retry_request: 'payments:read',
  attempt: 'payments:read',
  refund: 'payments:read',
  change: 'subscriptions:read',
  retry_plan: 'payments:read',
  retry_refusal: 'payments:read',
  operator_task: 'operator',
  task_resolution: 'operator',
  audit: 'operator',
};

/** An event is about what its topic is about. */
export function scopeOfTopic(topic: Topic): Scope {
  if (topic.startsWith('subscriptions.')) return 'subscriptions:read';
  return topic.startsWith('payments.') ? 'payments:read' : 'operator';
}

/** Returns what a caller with these scopes may read of a timeline, and what that leaves out. */
export function readableEntries(
  type: TimelineSubject['type'],
  scopes: readonly Scope[],
): { readable: ReadableEntries; omitted: OmittedEntries[] } {
  const missing = new Map<Scope, Set<TimelineSource>>();
  const mayRead = (source: TimelineSource, scope: Scope): boolean => {
    if (scopes.includes(scope)) return true;
    missing.set(scope, (missing.get(scope) ?? new Set()).add(source));
    return false;
  };
  // A payment has neither changes nor events of its subscription.
  const isAbsent = (scope: Scope): boolean => type === 'payment' && scope === 'subscriptions:read';
  const topics = topicNames.filter((topic) => {
    const scope = scopeOfTopic(topic);
    return !isAbsent(scope) && mayRead('event', scope);
  });
  // A subscription's transactions are read with it.
  const wholeLedger = type === 'subscription' || mayRead('ledger_transaction', 'customers:read');
  const sources = timelineSources.filter((source) => {
    if (source === 'event') return topics.length > 0;
    if (source === 'ledger_transaction') return wholeLedger || scopes.includes('subscriptions:read');
    const scope = scopeOfSource[source];
    return !isAbsent(scope) && mayRead(source, scope);
  });
  const readable: ReadableEntries = { sources, topics, ledger: wholeLedger ? 'all' : 'of_subscriptions' };
  const omitted = [...missing].map(([scope, types]) => ({ scope, types: [...types] }));
  return { readable, omitted };
}
