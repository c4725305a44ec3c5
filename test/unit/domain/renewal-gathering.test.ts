import { runSize, runStartsAtMs } from '../../../domain/renewal/gathering';

const longestMs = 5_000;

describe('when members become a renewal run', () => {
  it.each([
    [1, 5_000],
    [19, 5_000],
    [20, 200],
    [199, 200],
    [runSize, 0],
    [runSize + 1, 0],
  ])('%i members wait %i ms after the oldest', (waiting, afterMs) => {
    expect(runStartsAtMs(waiting, 1_000, longestMs)).toBe(1_000 + afterMs);
  });

  it('never waits longer than is set', () => {
    expect(runStartsAtMs(20, 0, 50)).toBe(50);
    expect(runStartsAtMs(1, 0, 0)).toBe(0);
  });
});
