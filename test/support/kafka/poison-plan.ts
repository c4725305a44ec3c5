/**
 * Which poison is written to which topic, each among records that are good.
 *
 * Invariant: each poison record has a key of its own, by which its dead letters are known whoever wrote it, and a good
 * record of the same key comes next.
 */
import type { EventTopic } from '../../../contracts/topics/events';
import { topicNames } from '../../../contracts/topics/topics';
import type { Random } from '../../chaos/random';
import { sampleEvent } from './event-samples';
import type { Line } from './outside-producers';
import { poisonKinds } from './poison';

/** Batches in each codec, and one that unpacks to a gigabyte; the others are those of `poison.ts`. */
export const packedKind = 'compressed, and a bomb';
export const kinds: readonly string[] = [...Object.keys(poisonKinds), packedKind];

/** The kinds of each topic: all of them, or each kind once and no topic without one. */
export function pairs(isFull: boolean, random: Random): Map<EventTopic, string[]> {
  if (isFull) return new Map(topicNames.map((topic) => [topic, random.shuffled(kinds)]));
  const order = random.shuffled(topicNames);
  const chosen = new Map<EventTopic, string[]>(order.map((topic) => [topic, []]));
  for (const [at, kind] of random.shuffled(kinds).entries())
    chosen.get(order[at % order.length] ?? 'payments.failed')?.push(kind);
  return chosen;
}

export interface Planned extends Line {
  /** Of a good record; undefined: it is poison. */
  goodId: string | undefined;
  /** Why it is given up. */
  code: string | undefined;
}

let records = 0;
export function goodRecord(topic: EventTopic, key: string): Planned {
  records += 1;
  const goodId = `good/${records}`;
  return {
    key,
    value: Buffer.from(JSON.stringify(sampleEvent(topic, key, goodId))),
    goodId,
    code: undefined,
  };
}

/** Poison of these kinds, each record followed by a good one of its key and by one of another. */
export function planned(topic: EventTopic, ofKinds: readonly string[], random: Random): Planned[][] {
  const poison = ofKinds.flatMap((kind) => {
    const make = poisonKinds[kind];
    // Each record's key is in its data, too.
    const count = make?.(topic, sampleEvent(topic, 'key', 'id')).length ?? 0;
    return Array.from({ length: count }, (_, at): Planned[] => {
      const key = `${kind}/${at}`;
      const one = make?.(topic, sampleEvent(topic, key, `poison/${key}`))[at];
      if (one === undefined) return [];
      return [{ key, ...one, goodId: undefined }, goodRecord(topic, key), goodRecord(topic, 'other')];
    });
  });
  return random.shuffled(poison);
}
