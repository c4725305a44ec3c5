/**
 * The order of the test files for two workers: one lives through the whole system, which mostly waits, while the
 * other computes. Owns: the order alone; jest hands the next file to whichever worker is free.
 */
const TestSequencer = require('@jest/test-sequencer').default;

/** Seconds, where no earlier run has measured a file: of the long ones, and of any other of a project. */
const expectedSeconds = {
  'e2e/one-system': 240,
  'e2e/chaos': 170,
  'e2e/demo': 80,
  'e2e/story': 75,
  'e2e/rewind': 55,
  'integration/platform/platform': 30,
  'integration/platform/killed-run': 25,
  'integration/bridge/group-processes': 40,
  'integration/bridge/back-pressure': 20,
  'integration/billing/model': 20,
};
const usualSeconds = { e2e: 30, integration: 3, workflow: 12, unit: 0.5 };
const projectOf = ({ context }) => context.config.displayName.name;

function expectedMs(test) {
  if (test.duration !== undefined) return test.duration;
  const [, name = ''] = /\/test\/(.*)\.test\.ts$/.exec(test.path) ?? [];
  return 1_000 * (expectedSeconds[name] ?? usualSeconds[projectOf(test)]);
}

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
