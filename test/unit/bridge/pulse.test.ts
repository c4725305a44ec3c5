import { EventEmitter } from 'node:events';
import type { Consumer } from 'kafkajs';
import { passPulse } from '../../../bridge/kafka/kafkajs-life';
import { Pulse } from '../../../bridge/pulse';

const limits = { silentMs: 45_000, failures: 3, withinMs: 60_000 };
let nowMs: number;
let pulse: Pulse;
beforeEach(() => {
  nowMs = 1_000_000;
  pulse = new Pulse(() => nowMs, limits);
});

describe('health: a pulse', () => {
  it('has a fault before the first sign of life, and none after it', () => {
    expect(pulse.fault()).toBe('it has not begun yet');
    pulse.beat();
    expect(pulse.fault()).toBeNull();
  });

  it('has a fault within a minute of silence, until the next sign of life', () => {
    pulse.beat();
    nowMs += 44_999;
    expect(pulse.fault()).toBeNull();
    nowMs += 1;
    expect(pulse.fault()).toBe('no sign of life for 45 s');
    pulse.beat();
    expect(pulse.fault()).toBeNull();
  });

  it('has a fault while it fails again and again, whatever its signs of life', () => {
    for (let crash = 0; crash < 3; crash += 1) {
      expect(pulse.fault()).toBe(crash === 0 ? 'it has not begun yet' : null);
      pulse.beat();
      pulse.fail();
      nowMs += 1_000;
    }
    pulse.beat();
    expect(pulse.fault()).toBe('it failed 3 times within 60 s');
    nowMs += 59_000;
    pulse.beat();
    expect(pulse.fault()).toBeNull();
  });

  it('bears failures that are far apart', () => {
    for (let failure = 0; failure < 10; failure += 1) {
      pulse.fail();
      pulse.beat();
      expect(pulse.fault()).toBeNull();
      nowMs += 40_000;
    }
  });
});

describe('health: a consumer of kafkajs', () => {
  const names = { CRASH: 'crash', FETCH: 'fetch', GROUP_JOIN: 'join', HEARTBEAT: 'beat' };
  let consumer: EventEmitter;
  beforeEach(() => {
    consumer = Object.assign(new EventEmitter(), { events: names });
    passPulse(consumer as EventEmitter & Pick<Consumer, 'events'> as never, pulse);
  });

  it.each(['fetch', 'join', 'beat'])('lives with each %s', (sign) => {
    consumer.emit(sign);
    expect(pulse.fault()).toBeNull();
  });

  it('that joins and crashes each second has a fault, although it joins each time', () => {
    for (let round = 0; round < 3; round += 1) {
      consumer.emit('join');
      consumer.emit('crash');
      nowMs += 1_000;
    }
    consumer.emit('join');
    expect(pulse.fault()).toMatch(/failed 3 times/);
  });
});
