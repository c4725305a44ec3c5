/** What a renewal run shows in the Web UI. No personal data. */
import type { RenewalMember, RenewalRunProgress, WaitingMember } from '../../domain/renewal/run';

export function runDetails(
  members: readonly RenewalMember[],
  { counts, exceptions }: RenewalRunProgress,
  left: readonly WaitingMember[],
): string {
  const oldest = members.map(({ due_at: at }) => at).toSorted()[0] ?? 'nothing';
  const failing = left.filter(({ backOffMs }) => backOffMs > 1_000).length;
  const outcomes = Object.entries(counts).map(([outcome, count]) => `${outcome}: ${count}`);
  return [
    `**${members.length - left.length} of ${members.length} done**, oldest due ${oldest}`,
    ...outcomes,
    ...(failing > 0 ? [`tried again: ${failing}`] : []),
    ...exceptions.map(({ subscription_id: id, detail }) => `${id}: ${detail}`),
  ].join('\n\n');
}
