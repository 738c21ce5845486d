// What is due when: a binary heap whose items know their place, so that one that moves leaves nothing stale behind.

export interface Scheduled {
  dueAt: number;
  /** Where the agenda keeps the item; nobody else's business. */
  place: number;
}

/** `first` costs nothing; every change costs at most the height of the heap. */
export class Agenda<Item extends Scheduled> {
  readonly #heap: Item[] = [];

  first(): Item | undefined {
    return this.#heap[0];
  }

  add(item: Item): void {
    item.place = this.#heap.length;
    this.#rise(item);
  }

  move(item: Item, dueAt: number): void {
    item.dueAt = dueAt;
    this.#rise(item);
    this.#sink(item);
  }

  drop(item: Item): void {
    const last = this.#heap.pop();
    if (last === undefined || last === item) return;
    this.#put(last, item.place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(item: Item): void {
    let { place } = item;
    while (place > 0) {
      const above = this.#heap[(place - 1) >> 1];
      if (above === undefined || above.dueAt <= item.dueAt) break;
      const free = above.place;
      this.#put(above, place);
      place = free;
    }
    this.#put(item, place);
  }

  #sink(item: Item): void {
    let { place } = item;
    let below = this.#earlierBelow(place);
    while (below !== undefined && below.dueAt < item.dueAt) {
      const free = below.place;
      this.#put(below, place);
      place = free;
      below = this.#earlierBelow(place);
    }
    this.#put(item, place);
  }

  #earlierBelow(place: number): Item | undefined {
    const left = this.#heap[2 * place + 1];
    const right = this.#heap[2 * place + 2];
    return left !== undefined && right !== undefined && right.dueAt < left.dueAt ? right : left;
  }

  #put(item: Item, place: number): void {
    this.#heap[place] = item;
    item.place = place;
  }
}
