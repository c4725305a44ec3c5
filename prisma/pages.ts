/**
 * Pages of rows, newest first, by the columns `created_at` and `id`.
 *
 * Invariant: a page never repeats or skips a row that existed when the first page was read.
 */

/** The place of a row in the order. */
export interface Place {
  created_at: Date;
  id: string;
}

/** Which page a caller asks for. `after` null: the first. */
export interface PageRequest<After = Place> {
  after: After | null;
  limit: number;
}

/** `next` is the place that the next page comes after; null on the last page. */
export interface Page<Item, After = Place> {
  items: Item[];
  next: After | null;
}

/** Returns what a query of the client needs; it reads one row more, which shows whether another page follows. */
export function newestFirst({ after, limit }: PageRequest) {
  const { created_at, id } = after ?? {};
  return {
    // The first condition is a range of an index; the alternatives alone would be tried on every newer row.
    after:
      after === null
        ? {}
        : {
            created_at: { lte: created_at },
            OR: [{ created_at: { lt: created_at } }, { created_at, id: { lt: id } }],
          },
    orderBy: [{ created_at: 'desc' as const }, { id: 'desc' as const }],
    take: limit + 1,
  };
}

/** Makes a page of at most `limit` items. @param rows one more than that when another page follows */
export function pageOf<Row extends Place, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
): Page<Item> {
  return pageBy(rows, limit, toItem, ({ created_at, id }) => ({ created_at, id }));
}

/** Makes a page in another order. @param placeOf the row's place in that order */
export function pageBy<Row, Item, After>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  placeOf: (row: Row) => After,
): Page<Item, After> {
  const given = rows.slice(0, limit);
  const last = rows.length > limit ? given.at(-1) : undefined;
  return { items: given.map(toItem), next: last === undefined ? null : placeOf(last) };
}
