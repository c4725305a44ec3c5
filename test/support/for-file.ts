/** What a test file opens before its tests and closes after them. */

/**
 * Registers the set-up and tear-down of something that all tests of a file share.
 * @returns what `open` gives, complete once the tests run
 */
export function forFile<T extends object>(open: () => Promise<T>, close: (opened: T) => Promise<unknown>): T {
  const shared = {} as T;
  let opened: T | undefined;
  beforeAll(async () => {
    opened = await open();
    Object.assign(Object.setPrototypeOf(shared, Object.getPrototypeOf(opened) as object) as T, opened);
  });
  afterAll(() => opened && close(opened));
  return shared;
}
