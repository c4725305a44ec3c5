/**
 * What the service was worth that a subscription delivered, by its prices and the clock alone. Part of the oracle:
 * imports nothing, knows no payment and no account.
 */
interface Span {
  price: number;
  start: number;
  end: number;
  from: number;
  /** Null: still served, at most until the term's end. */
  to: number | null;
}

/** What a customer has agreed to. */
export interface Terms {
  price: number;
  days: number;
}

export class Worth {
  private readonly terms = new Map<string, { now: Terms; next: Terms | null }>();
  private readonly spans = new Map<string, Span[]>();
  /** How often amounts were rounded: each time by half a unit at most. */
  private readonly roundings = new Map<string, number>();
  /** Where money went back while the service continued: less is earned than it was worth. */
  private readonly reduced = new Set<string>();

  /** The customer and we agree on what is sold from now on, whatever was to follow. */
  agrees(sub: string, now: Terms): void {
    this.terms.set(sub, { now, next: null });
  }

  /** From the next term on. */
  agreesNext(sub: string, next: Terms): void {
    const { now } = this.terms.get(sub) ?? { now: next };
    this.terms.set(sub, { now, next });
  }

  /** A term begins: its price and its length are of the same terms. @throws Error when they are not */
  begins(sub: string, { price, term }: { price: number; term: { start: number; end: number } }): void {
    const known = this.terms.get(sub);
    const terms = known?.next ?? known?.now;
    const days = (term.end - term.start) / 86_400;
    if (terms === undefined || terms.price !== price || Math.abs(terms.days - days) > 0.001) {
      throw new Error(`${days} days for ${price}; agreed was ${JSON.stringify(terms)}`);
    }
    this.terms.set(sub, { now: terms, next: null });
  }

  /** From an instant on service is delivered that costs `price` for the whole term. Seconds. */
  serves(
    sub: string,
    { from, price, term }: { from: number; price: number; term: { start: number; end: number } },
  ): void {
    this.stops(sub, from);
    this.of(sub).push({ price, ...term, from, to: null });
  }

  /** Service that was stopped goes on: the rest of its term, for `price`. */
  resumes(sub: string, from: number, price: number): void {
    const last = this.of(sub).at(-1);
    if (last === undefined || from >= last.end) return;
    this.of(sub).push({ price, start: from, end: last.end, from, to: null });
  }

  stops(sub: string, at: number): void {
    for (const span of this.of(sub)) if (span.to === null || span.to > at) span.to = Math.max(span.from, at);
  }

  rounds(sub: string): void {
    this.roundings.set(sub, (this.roundings.get(sub) ?? 0) + 1);
  }

  givesBack(sub: string): void {
    this.reduced.add(sub);
  }

  /**
   * What must have been earned until an instant.
   * @returns bounds; the lower one is 0 where money went back for service that continued
   */
  bounds(sub: string, now: number): { least: number; most: number } {
    const exact = this.of(sub).reduce((sum, { price, start, end, from, to }) => {
      const until = Math.min(to ?? now, now, end);
      return sum + (until > from ? (price * (until - from)) / (end - start) : 0);
    }, 0);
    const error = 0.51 + 0.5 * (this.roundings.get(sub) ?? 0);
    return { least: this.reduced.has(sub) ? 0 : exact - error, most: exact + error };
  }

  private of(sub: string): Span[] {
    const known = this.spans.get(sub);
    if (known !== undefined) return known;
    const fresh: Span[] = [];
    this.spans.set(sub, fresh);
    return fresh;
  }
}
