// A binary heap ordered by due time. Each item knows its index, so it can be moved or removed without leaving a stale entry.

export interface HeapItem {
  dueAt: number;
  /** The item's index in the heap. Only the heap reads and writes it. */
  heapIndex: number;
}

/** `peek` takes constant time. Every change takes time proportional to the height of the heap at most. */
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
      const parent = this.#items[(heapIndex - 1) >> 1];
      if (parent === undefined || parent.dueAt <= item.dueAt) break;
      const parentIndex = parent.heapIndex;
      this.#setAt(parent, heapIndex);
      heapIndex = parentIndex;
    }
    this.#setAt(item, heapIndex);
  }

  #siftDown(item: Item): void {
    let { heapIndex } = item;
    let child = this.#earlierChild(heapIndex);
    while (child !== undefined && child.dueAt < item.dueAt) {
      const childIndex = child.heapIndex;
      this.#setAt(child, heapIndex);
      heapIndex = childIndex;
      child = this.#earlierChild(heapIndex);
    }
    this.#setAt(item, heapIndex);
  }

  #earlierChild(index: number): Item | undefined {
    const left = this.#items[2 * index + 1];
    const right = this.#items[2 * index + 2];
    return left !== undefined && right !== undefined && right.dueAt < left.dueAt ? right : left;
  }

  #setAt(item: Item, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }
}
