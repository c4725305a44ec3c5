/**
 * Keeping card numbers out: they must never be stored, logged or echoed.
 *
 * Owns: what looks like one (12 to 19 digits that pass the Luhn check, also in groups set apart by a space or dash).
 */

/** True when the digits end with their own Luhn check digit. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let fromRight = 0; fromRight < digits.length; fromRight += 1) {
    const digit = Number(digits[digits.length - 1 - fromRight]);
    const weighted = fromRight % 2 === 1 ? digit * 2 : digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return digits.length > 0 && sum % 10 === 0;
}

/** True when a part of the text looks like a card number; neighbouring groups of digits are also read together. */
export function holdsCardNumber(text: string): boolean {
  for (const run of text.match(/\d+(?:[ -]\d+)*/g) ?? []) {
    const groups = run.split(/[ -]/);
    for (let first = 0; first < groups.length; first += 1) {
      let digits = '';
      for (let last = first; last < groups.length && digits.length < 20; last += 1) {
        digits += groups[last];
        if (digits.length >= 12 && digits.length <= 19 && passesLuhn(digits)) return true;
      }
    }
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
