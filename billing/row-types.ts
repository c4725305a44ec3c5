/** How a row of the database gets its own types: words as unions, JSON as what our own code wrote. */

/** `T` as a JSON column holds it: an interface becomes a plain object type, which JSON's own type accepts. */
export type Stored<T> = T extends object ? { [K in keyof T]: Stored<T[K]> } : T;

/** `Raw` with the columns of `Own` in their own types, whichever of them are there. */
export type Typed<Raw, Own> = { [K in keyof Raw]: K extends keyof Own ? Own[K] : Raw[K] };

/** For each column of words, all of them. */
type Words<Own> = {
  [K in keyof Own as Own[K] extends string | null ? K : never]: readonly NonNullable<Own[K]>[];
};

/**
 * Makes the function that checks the rows of one table.
 * @returns a function that types a row, or what was selected of it. @throws Error when a column holds another word
 */
export function rowsOf<Own extends object>(table: string, words: Words<Own>) {
  return <Raw extends object>(row: Raw): Typed<Raw, Own> => {
    const valueOf = (name: string): unknown => Reflect.get(row, name) ?? null;
    for (const [name, known] of Object.entries<readonly unknown[]>(words)) {
      const value = valueOf(name);
      if (value === null || known.includes(value)) continue;
      const key = ['id', 'payment_id', 'number'].map(valueOf).filter((part) => part !== null);
      throw new Error(
        `${table}: row ${JSON.stringify(key)} has an unknown ${name}: ${JSON.stringify(value)}`,
      );
    }
    const checked: unknown = row;
    return checked as Typed<Raw, Own>;
  };
}
