// Whether a call is over in time.
import { setTimeout as pause } from 'node:timers/promises';

/** After a standstill of the process Node runs timers that are due in any order: each has had its turn after so many. */
const graceTurns = 10;
const graceTurnMs = 10;

/**
 * Tells of a call that is not over by its deadline and a tenth; the call goes on. A process that was stopped, or starved,
 * is late with its deadlines too: a call is late only if the process has been at work since, and it is still not over.
 */
export async function watchDeadline<T>(
  deadlineMs: number,
  late: (deadlineMs: number) => void,
  call: Promise<T>,
): Promise<T> {
  let isOver = false;
  const judge = async () => {
    for (let turn = 0; turn < graceTurns && !isOver; turn += 1) await pause(graceTurnMs);
    if (!isOver) late(deadlineMs);
  };
  const timer = setTimeout(() => void judge(), deadlineMs * 1.1);
  try {
    return await call;
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}
