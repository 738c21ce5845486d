// Outcomes of the last ten minutes as stacked bars. The numbers are in the table below it, so a screen reader skips the bars.
import type { OutcomeName, SeriesPoint } from '../src/activity-series.js';

/** In the order in which they stand on each other, from below. */
export const outcomes: readonly (readonly [name: OutcomeName, title: string, meaning: string])[] = [
  ['executed', 'Executed', 'the work ran, and its outcome is on record'],
  ['replayed', 'Replayed', 'a repeat got the recorded outcome'],
  ['rejected', 'Refused', 'a caller was told to wait, to change something, or that nobody knows'],
  ['released', 'Released', 'the attempt failed, and the key is free for a retry'],
  ['unknown', 'Unknown', 'nobody knows whether the work took effect'],
];

const [width, height, gap] = [600, 120, 2];

export function Chart({ series, pointMs }: { series: readonly SeriesPoint[]; pointMs: number }) {
  const totals = series.map((point) => outcomes.reduce((sum, [name]) => sum + point[name], 0));
  const most = Math.max(...totals, 1);
  const step = width / series.length;
  const minutes = Math.round((series.length * pointMs) / 60_000);
  const sum = totals.reduce((all, total) => all + total, 0);
  return (
    <figure class="chart">
      <figcaption>
        <span>Last {minutes} minutes</span>
        <span class="number">
          {sum} {sum === 1 ? 'outcome' : 'outcomes'}, at most {Math.max(...totals)} in {pointMs / 1_000} s
        </span>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={`${sum} outcomes`}>
        <line class="axis" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
        {series.map((point, index) => (
          <Bar key={point.at} point={point} x={index * step} width={step - gap} scale={(height - 8) / most} />
        ))}
      </svg>
      <ul class="legend" aria-label="Colours">
        {outcomes.map(([name, title, meaning]) => (
          <li key={name} title={meaning}>
            <span class={`swatch ${name}`} aria-hidden="true" />
            {title}
          </li>
        ))}
      </ul>
    </figure>
  );
}

function Bar({ point, x, width, scale }: { point: SeriesPoint; x: number; width: number; scale: number }) {
  let top = height;
  return (
    <g>
      {outcomes.map(([name]) => {
        const size = point[name] * scale;
        top -= size;
        return size > 0 && <rect key={name} class={`fill ${name}`} x={x} y={top} width={width} height={size} />;
      })}
    </g>
  );
}
