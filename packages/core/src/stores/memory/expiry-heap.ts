// What is due when: a binary heap whose items know their place, so that one that moves leaves nothing stale behind.

export interface HeapItem {
  dueAt: number;
  /** Where the agenda keeps the item; nobody else's business. */
  heapIndex: number;
}

/** `first` costs nothing; every change costs at most the height of the heap. */
export class ExpiryHeap<Item extends HeapItem> {
  readonly #items: Item[] = [];

  peek(): Item | undefined {
    return this.#items[0];
  }

  insert(item: Item): void {
    item.heapIndex = this.#items.length;
    this.#siftUp(item);
  }

  reschedule(item: Item, dueAt: number): void {
    item.dueAt = dueAt;
    this.#siftUp(item);
    this.#siftDown(item);
  }

  remove(item: Item): void {
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#setAt(last, item.heapIndex);
    this.#siftUp(last);
    this.#siftDown(last);
  }

  #siftUp(item: Item): void {
    let { heapIndex } = item;
    while (heapIndex > 0) {
      const above = this.#items[(heapIndex - 1) >> 1];
      if (above === undefined || above.dueAt <= item.dueAt) break;
      const free = above.heapIndex;
      this.#setAt(above, heapIndex);
      heapIndex = free;
    }
    this.#setAt(item, heapIndex);
  }

  #siftDown(item: Item): void {
    let { heapIndex } = item;
    let below = this.#earlierChild(heapIndex);
    while (below !== undefined && below.dueAt < item.dueAt) {
      const free = below.heapIndex;
      this.#setAt(below, heapIndex);
      heapIndex = free;
      below = this.#earlierChild(heapIndex);
    }
    this.#setAt(item, heapIndex);
  }

  #earlierChild(place: number): Item | undefined {
    const left = this.#items[2 * place + 1];
    const right = this.#items[2 * place + 2];
    return left !== undefined && right !== undefined && right.dueAt < left.dueAt ? right : left;
  }

  #setAt(item: Item, place: number): void {
    this.#items[place] = item;
    item.heapIndex = place;
  }
}
