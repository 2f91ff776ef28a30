import { expect, it } from "vitest";
import { startSlots } from "./start-slots.ts";

it("gives out so many slots at once, and the next in order as they come back", async () => {
  const slots = startSlots(2);
  const order: number[] = [];
  const taken = [1, 2, 3, 4].map(async (number) => {
    const slot = await slots.take();
    order.push(number);
    return slot;
  });
  const first = (await taken[0]) as Disposable;
  await taken[1];
  expect(order).toEqual([1, 2]);
  first[Symbol.dispose]();
  const third = (await taken[2]) as Disposable;
  expect(order).toEqual([1, 2, 3]);
  third[Symbol.dispose]();
  await taken[3];
  expect(order).toEqual([1, 2, 3, 4]);
});

it("a slot given back twice is one slot", async () => {
  const slots = startSlots(1);
  const first = await slots.take();
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await slots.take();
  let another = false;
  void slots.take().then(() => (another = true));
  await new Promise(setImmediate);
  expect(another).toBe(false);
});
