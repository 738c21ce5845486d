// The last ten minutes of outcomes, in points of ten seconds.

export type OutcomeName = 'executed' | 'replayed' | 'rejected' | 'released' | 'unknown';

export type OutcomeCounts = Readonly<Record<OutcomeName, number>>;

/** One point: when it began, in milliseconds since 1970, and how many of each outcome came in it. */
export type SeriesPoint = OutcomeCounts & { readonly at: number };

const pointCount = 60;

export class ActivitySeries {
  static readonly pointMs = 10_000;
  /** The last points in which something came, oldest first. */
  readonly #points: {
    at: number;
    executed: number;
    replayed: number;
    rejected: number;
    released: number;
    unknown: number;
  }[] = [];

  add(outcome: OutcomeName, now: number): void {
    const at = pointAt(now);
    let last = this.#points.at(-1);
    // A clock that steps back counts into the last point.
    if (last === undefined || last.at < at) {
      last = emptyPoint(at);
      this.#points.push(last);
      if (this.#points.length > pointCount) this.#points.shift();
    }
    last[outcome] += 1;
  }

  /** Every point until `now`, those without anything too. */
  points(now: number): SeriesPoint[] {
    const known = new Map(this.#points.map((point) => [point.at, point]));
    const last = pointAt(now);
    return Array.from({ length: pointCount }, (_, index) => {
      const at = last - (pointCount - 1 - index) * ActivitySeries.pointMs;
      return { ...(known.get(at) ?? emptyPoint(at)) };
    });
  }
}

function pointAt(now: number): number {
  return now - (now % ActivitySeries.pointMs);
}

function emptyPoint(at: number) {
  return { at, executed: 0, replayed: 0, rejected: 0, released: 0, unknown: 0 };
}
