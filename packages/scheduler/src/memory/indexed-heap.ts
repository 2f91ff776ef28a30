/**
 * A binary heap that can also remove any of its items in O(log n), because it tracks their positions. Used for the ready
 * and delayed jobs of the memory store.
 */
export class IndexedHeap<T> {
  readonly #items: T[] = [];
  readonly #positions = new Map<T, number>();
  readonly #compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  has(item: T): boolean {
    return this.#positions.has(item);
  }

  /** The first item; undefined if there is none. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** In no particular order. */
  values(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    if (this.#positions.has(item)) return;
    this.#items.push(item);
    this.#positions.set(item, this.#items.length - 1);
    this.#rise(this.#items.length - 1);
  }

  /** Does nothing for an item that is not in the heap. */
  remove(item: T): void {
    const position = this.#positions.get(item);
    if (position === undefined) return;
    const last = this.#items.pop()!;
    this.#positions.delete(item);
    if (position === this.#items.length) return;
    this.#set(position, last);
    this.#rise(position);
    this.#sink(this.#positions.get(last)!);
  }

  #set(position: number, item: T): void {
    this.#items[position] = item;
    this.#positions.set(item, position);
  }

  #rise(from: number): void {
    let position = from;
    const item = this.#items[position]!;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      const above = this.#items[parent]!;
      if (this.#compare(item, above) >= 0) break;
      this.#set(position, above);
      position = parent;
    }
    this.#set(position, item);
  }

  #sink(from: number): void {
    let position = from;
    const item = this.#items[position]!;
    const count = this.#items.length;
    for (;;) {
      let child = position * 2 + 1;
      if (child >= count) break;
      if (child + 1 < count && this.#compare(this.#items[child + 1]!, this.#items[child]!) < 0) child += 1;
      const below = this.#items[child]!;
      if (this.#compare(item, below) <= 0) break;
      this.#set(position, below);
      position = child;
    }
    this.#set(position, item);
  }
}
