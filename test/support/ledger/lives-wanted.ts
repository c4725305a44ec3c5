/** How many lives at random a run lives, and from which seed: `LIVES` and `LIVES_SEED`, for every test that lives them. */
export function livesWanted(usual: number): { count: number; seed: number } {
  const { LIVES = usual, LIVES_SEED = 17 } = process.env;
  return { count: Number(LIVES), seed: Number(LIVES_SEED) };
}
