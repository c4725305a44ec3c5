/**
 * Message a person what is going on, in whole lines, so that it reads as well in a CI log as at a terminal.
 */

/** Takes one line of text, without a line break. */
export type Report = (line: string) => void;

const intervalMs = 5_000;

/** Milliseconds as people say them: `8 s`, `2 min 5 s`. */
export function elapsedText(elapsedMs: number): string {
  const seconds = Math.round(elapsedMs / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A report that passes on the first line, and then one every five seconds. */
export function everyFewSeconds(report: Report): Report {
  let nextAt = 0;
  return (line) => {
    if (Date.now() < nextAt) return;
    nextAt = Date.now() + intervalMs;
    report(line);
  };
}

/**
 * Reports `title: detail, elapsed` every five seconds until the returned function is called.
 * @returns ends the reports, and says how long it took when any was made
 */
export function follow(report: Report, title: string, detail: () => string): () => void {
  const beganAt = Date.now();
  let reported = false;
  const timer = setInterval(() => {
    reported = true;
    report(`${title}: ${detail()}, ${elapsedText(Date.now() - beganAt)}`);
  }, intervalMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (reported) report(`${title}: ended after ${elapsedText(Date.now() - beganAt)}`);
  };
}
