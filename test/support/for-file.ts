/** What a test file opens before its tests and closes after them. */

/**
 * Registers the set-up and tear-down of something that all tests of a file share.
 * @returns what `open` gives, complete once the tests run; its methods must not need `this`
 */
export function forFile<T extends object>(open: () => Promise<T>, close: (opened: T) => Promise<unknown>): T {
  const shared = {} as T;
  let opened: T | undefined;
  beforeAll(async () => {
    opened = await open();
    Object.assign(shared, opened);
  });
  afterAll(() => opened && close(opened));
  return shared;
}
