/** The product's consumer groups as Kafka sees them: who reads what, and how far each is. */
import { AssignerProtocol, type Admin } from 'kafkajs';
import { consumerGroups } from '../../contracts/topics/topics';
import { topicEnds, type End } from './topic-dump';

export interface GroupMember {
  id: string;
  /** `topic/partition`. */
  partitions: string[];
}

export interface GroupState {
  group: string;
  /** Its members have agreed, and each knows its partitions. */
  isStable: boolean;
  members: GroupMember[];
}

/** The groups that somebody reads as, or has read as. */
export async function existingGroups(admin: Admin): Promise<string[]> {
  const { groups } = await admin.listGroups();
  const existing = new Set(groups.map(({ groupId }) => groupId));
  return consumerGroups.filter((group) => existing.has(group));
}

export async function describeGroups(admin: Admin): Promise<GroupState[]> {
  const names = await existingGroups(admin);
  if (names.length === 0) return [];
  const { groups } = await admin.describeGroups(names);
  return groups.map(({ groupId, state, members }) => ({
    group: groupId,
    isStable: state === 'Stable',
    members: members.map(({ memberId, memberAssignment }) => ({
      id: memberId,
      partitions: partitionsOf(memberAssignment),
    })),
  }));
}

function partitionsOf(assignment: Buffer): string[] {
  if (assignment.length === 0) return [];
  const decoded = AssignerProtocol.MemberAssignment.decode(assignment);
  return Object.entries(decoded?.assignment ?? {}).flatMap(([topic, partitions]) =>
    partitions.map((partition) => `${topic}/${partition}`),
  );
}

const topicOf = (place: string): string => place.slice(0, place.lastIndexOf('/'));

/** Where the topics that a group reads end now. */
export function endsOf(admin: Admin, { members }: GroupState): Promise<End[]> {
  const places = members.flatMap(({ partitions }) => partitions);
  return topicEnds(admin, [...new Set(places.map(topicOf))]);
}

/** By `topic/partition`, how many records lie between the group's last commit and the end. */
export async function lagOf(
  admin: Admin,
  { group }: GroupState,
  ends: readonly End[],
): Promise<Map<string, number>> {
  const topics = [...new Set(ends.map(({ topic }) => topic))];
  if (topics.length === 0) return new Map();
  const committed = new Map<string, number>();
  for (const { topic, partitions } of await admin.fetchOffsets({ groupId: group, topics })) {
    for (const { partition, offset } of partitions) {
      committed.set(`${topic}/${partition}`, Math.max(0, Number(offset)));
    }
  }
  return new Map(
    ends
      .map(({ topic, partition, end }) => [`${topic}/${partition}`, end] as const)
      .map(([place, end]) => [place, Math.max(0, end - (committed.get(place) ?? 0))]),
  );
}
