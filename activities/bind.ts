/** Activities that are a transaction of billing and nothing else: they are given what it depends on. */

/** The functions without their first argument. */
export type Bound<Functions> = {
  [Name in keyof Functions]: Functions[Name] extends (
    dependencies: never,
    ...rest: infer Rest
  ) => infer Result
    ? (...rest: Rest) => Result
    : never;
};

/** Passes what they depend on to each function. */
export function bindTo<
  Dependencies,
  Functions extends Record<string, (dependencies: Dependencies, ...rest: never[]) => unknown>,
>(dependencies: Dependencies, functions: Functions): Bound<Functions> {
  const bound = Object.entries(functions).map(([name, call]) => [
    name,
    (...rest: never[]) => call(dependencies, ...rest),
  ]);
  return Object.fromEntries(bound) as Bound<Functions>;
}
