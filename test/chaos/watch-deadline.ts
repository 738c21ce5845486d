// Watches whether a call ends within its deadline.
import { setTimeout as pause } from 'node:timers/promises';

/** After a pause of the process, Node runs due timers in any order. After this many turns each of them has run. */
const graceTurns = 10;
const graceTurnMs = 10;

/**
 * Calls `onOverdue` if the call has not ended by its deadline plus a tenth. The call goes on. A process that was stopped or starved runs
 * its own timers late too. So a call counts as overdue only if it has still not ended after the process has run for a while.
 */
export async function watchDeadline<T>(
  deadlineMs: number,
  onOverdue: (deadlineMs: number) => void,
  call: Promise<T>,
): Promise<T> {
  let isOver = false;
  const judge = async () => {
    for (let turn = 0; turn < graceTurns && !isOver; turn += 1) await pause(graceTurnMs);
    if (!isOver) onOverdue(deadlineMs);
  };
  const timer = setTimeout(() => void judge(), deadlineMs * 1.1);
  try {
    return await call;
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}
