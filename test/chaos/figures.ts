/** What a run did and met, counted. */

/** A name ends in its unit, where it has one. */
export class Figures {
  private readonly counts = new Map<string, number>();
  private readonly series = new Map<string, number[]>();

  /** Adds to a count. */
  add(name: string, by = 1): void {
    this.counts.set(name, this.count(name) + by);
  }

  count(name: string): number {
    return this.counts.get(name) ?? 0;
  }

  /** Adds to a series, of which the median and the largest are shown. */
  note(name: string, value: number): void {
    this.series.set(name, [...(this.series.get(name) ?? []), value]);
  }

  lines(): string[] {
    const counts = [...this.counts].map(([name, value]): [string, string] => [name, String(value)]);
    const series = [...this.series].map(([name, values]): [string, string] => {
      const sorted = values.toSorted((a, b) => a - b);
      const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
      return [name, `median ${Math.round(median)}, largest ${Math.round(sorted.at(-1) ?? 0)}`];
    });
    return [...counts, ...series]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, value]) => `  ${name.padEnd(44)} ${value}`);
  }
}
