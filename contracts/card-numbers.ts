/**
 * Keeping card numbers out: they must never be stored, logged or echoed.
 *
 * Owns: what looks like one (12 to 19 digits that pass the Luhn check, also in groups set apart by a space or dash).
 * Invariant: linear in the length of the text, for it is asked about bodies that nobody has checked yet.
 */

const minDigits = 12;
const maxDigits = 19;
/** What a digit adds to the Luhn sum where it counts twice: the digits of its double. */
const weightOfDoubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9] as const;

/** True when a part of the text looks like a card number; neighbouring groups of digits are also read together. */
export function holdsCardNumber(text: string): boolean {
  for (const run of text.match(/\d+(?:[ -]\d+)*/g) ?? []) {
    const groups = run.split(/[ -]/);
    if (groups.some((_, first) => cardNumberBeginsAt(groups, first))) return true;
  }
  return false;
}

/** Whether this group, or it and some that follow, is one. The check is summed up from the left for both parities. */
function cardNumberBeginsAt(groups: readonly string[], first: number): boolean {
  const sums: [number, number] = [0, 0];
  let length = 0;
  for (let group = first; group < groups.length; group += 1) {
    for (const character of groups[group] ?? '') {
      if (length === maxDigits) return false;
      const digit = Number(character);
      // sums[p]: the sum when the digits at positions of parity p count twice.
      sums[length % 2 === 0 ? 0 : 1] += weightOfDoubled[digit] ?? 0;
      sums[length % 2 === 0 ? 1 : 0] += digit;
      length += 1;
    }
    // The last digit counts once, so those at the parity of the length count twice.
    if (length >= minDigits && sums[length % 2 === 0 ? 0 : 1] % 10 === 0) return true;
  }
  return false;
}

/** True when any text, number or field name within a JSON value looks like a card number. */
export function valueHoldsCardNumber(value: unknown): boolean {
  if (typeof value === 'string') return holdsCardNumber(value);
  if (typeof value === 'number') return holdsCardNumber(String(value));
  if (Array.isArray(value)) return value.some(valueHoldsCardNumber);
  if (value === null || typeof value !== 'object') return false;
  return Object.entries(value).some(([name, part]) => holdsCardNumber(name) || valueHoldsCardNumber(part));
}
