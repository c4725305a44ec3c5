/**
 * What one contract's money stands at, by who gave it. Part of the oracle: imports nothing of the product.
 *
 * Money of a source is either for time to come (`soon`), was used within the present term (`used`), is kept, is set
 * aside, or is still to be paid (`owes`); `lost` was given up and may still come. Sources stand in the order in which
 * they are used: gifts, then payments as their money came, then `owed`.
 */
export const owed = 'owed';
export const isGift = (source: string): boolean => source.startsWith('grant/');

export interface Row {
  source: string;
  soon: number;
  used: number;
  kept: number;
  aside: number;
  owes: number;
  lost: number;
}

const rank = (source: string): number => (source === owed ? 2 : isGift(source) ? 0 : 1);

/** A share of an amount, the half rounded up. Seconds. */
export function share(amount: number, part: number, whole: number): number {
  if (part >= whole) return amount;
  return Math.floor((2 * amount * part + whole) / (2 * whole));
}

/** Seconds since 1970. */
export const seconds = (instant: string): number => Math.floor(Date.parse(instant) / 1000);

export interface Term {
  start: number;
  end: number;
}

export class Purse {
  term: Term | null = null;
  /** Until when the term's time was counted. */
  counted = 0;
  asideFor: string | null = null;
  /** How often the price of a term was reckoned: at its start, by a change, by giving it up. */
  reckonings = 0;
  private all: Row[] = [];

  rows(): readonly Row[] {
    return this.all;
  }

  row(source: string): Row {
    const known = this.all.find((row) => row.source === source);
    if (known !== undefined) return known;
    const row: Row = { source, soon: 0, used: 0, kept: 0, aside: 0, owes: 0, lost: 0 };
    this.all = [...this.all, row].sort((a, b) => rank(a.source) - rank(b.source));
    return row;
  }

  total(of: 'soon' | 'kept' | 'owes' | 'aside'): number {
    return this.all.reduce((sum, row) => sum + row[of], 0);
  }

  /** Time passes. @returns what it has used, by source */
  pass(until: number): { source: string; amount: number }[] {
    const { term, counted } = this;
    if (term === null) return [];
    const to = Math.min(until, term.end);
    if (to <= counted) return [];
    const soon = this.total('soon');
    let going = soon - share(soon, term.end - to, term.end - counted);
    this.counted = to;
    return this.all.flatMap((row) => {
      const amount = Math.min(row.soon, going);
      going -= amount;
      row.soon -= amount;
      row.used += amount;
      return amount === 0 ? [] : [{ source: row.source, amount }];
    });
  }

  begin(term: Term | null): void {
    this.term = term;
    this.counted = term?.start ?? 0;
    this.reckonings += 1;
    for (const row of this.all) row.used = 0;
  }

  /** Time that is neither served nor paid is not owed. */
  stopUnpaid(): void {
    for (const row of this.all) {
      const amount = Math.min(row.soon, row.owes);
      row.soon -= amount;
      row.owes -= amount;
    }
  }

  /** Money for time to come is kept instead. */
  keep(of: (source: string) => boolean): void {
    for (const row of this.all) {
      if (row.source === owed || !of(row.source)) continue;
      row.kept += row.soon;
      row.soon = 0;
    }
  }

  release(): void {
    for (const row of this.all) {
      row.kept += row.aside;
      row.aside = 0;
    }
    this.asideFor = null;
  }

  copy(): Purse {
    const copy = new Purse();
    Object.assign(copy, this, { all: this.all.map((row) => ({ ...row })) });
    return copy;
  }

  /** Forgets sources of which nothing stands: should their money come back, it comes last. */
  tidy(): void {
    this.all = this.all.filter(
      ({ soon, used, kept, aside, owes, lost }) => soon + used + kept + aside + owes + lost > 0,
    );
  }
}

export function sumOf(parts: readonly { amount: number }[]): number {
  return parts.reduce((sum, { amount }) => sum + amount, 0);
}
