/**
 * The order of the test files for two workers: one lives through the whole system, which mostly waits, while the
 * other computes. Owns: the order alone; jest hands the next file to whichever worker is free.
 */
const TestSequencer = require('@jest/test-sequencer').default;

/** Milliseconds that a byte of a test file takes, where no earlier run has measured it. */
const msPerByte = { e2e: 7, integration: 0.6, workflow: 1.5, unit: 0.08 };
const projectOf = ({ context }) => context.config.displayName.name;
const expectedMs = (test) =>
  test.duration ?? test.context.hasteFS.getSize(test.path) * msPerByte[projectOf(test)];

module.exports = class extends TestSequencer {
  sort(tests) {
    const longestFirst = super.sort([...tests]).sort((a, b) => expectedMs(b) - expectedMs(a));
    const waiting = startTimes(longestFirst.filter((test) => projectOf(test) === 'e2e'));
    const computing = startTimes(longestFirst.filter((test) => projectOf(test) !== 'e2e'));
    return [...waiting, ...computing].sort((a, b) => a.atMs - b.atMs).map(({ test }) => test);
  }
};

/** When each would begin if one worker ran them in this order. */
function startTimes(tests) {
  let atMs = 0;
  return tests.map((test) => {
    const start = { test, atMs };
    atMs += expectedMs(test);
    return start;
  });
}
