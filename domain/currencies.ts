/**
 * ISO 4217: which currencies exist, and how many digits their minor unit has.
 *
 * From list one of the standard's maintenance agency, published 2026-01-01. Not from the runtime: its ICU has the digits
 * of CLDR, which are those of cash for some currencies (HUF, IDR, COP and others), and they change with the runtime.
 * Invariant: digits of a code never change here, because stored amounts are counted in them.
 */

/** Codes in use, by the digits of their minor unit. Those without one (gold, special drawing rights, tests) are none. */
const inUse: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
    COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR
    IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD
    NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP
    SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};

/** Withdrawn since 2023: what was charged in them is still told and given back. */
const withdrawn: Readonly<Record<number, string>> = { 2: 'ANG BGN CUC HRK SLL ZWL' };

const digitsByCode: ReadonlyMap<string, number> = new Map(
  [inUse, withdrawn].flatMap((list) =>
    Object.entries(list).flatMap(([digits, codes]) =>
      codes.split(/\s+/).map((code): [string, number] => [code, Number(digits)]),
    ),
  ),
);

/** Every known code, in no order that means anything. */
export const currencyCodes: readonly string[] = [...digitsByCode.keys()];

/** True for a code of ISO 4217 in capitals, such as `EUR`, whose currency has a minor unit. */
export function isCurrency(code: string): boolean {
  return digitsByCode.has(code);
}

/** How many digits the minor unit has: 2 for EUR, 0 for JPY. 2 for a code that is not known. */
export function currencyDigits(code: string): number {
  return digitsByCode.get(code) ?? 2;
}
