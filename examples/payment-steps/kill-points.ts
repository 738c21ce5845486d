// Kills this process at a point that the request names, as a crash, a deploy or the out-of-memory killer would.
import type { HttpContext } from '@onceguard/express';

type Step = HttpContext['step'];

export const steps = ['reserve', 'charge', 'ship', 'mail'] as const;
/** In the step, before the call to the other system; after that call, before the record; after the record. */
export const killMoments = ['before the call', 'after the call', 'after the record'] as const;

/** `step`, but the process dies at the given point, such as `charge, after the call`. */
export function killableStep(step: Step, point: string | undefined): Step {
  const dieAt = (name: string, moment: (typeof killMoments)[number]) => {
    if (point === `${name}, ${moment}`) process.kill(process.pid, 'SIGKILL');
  };
  return async (name, fn, options) => {
    const act: typeof fn = async (context) => {
      dieAt(name, 'before the call');
      const result = await fn(context);
      dieAt(name, 'after the call');
      return result;
    };
    const result = await step(name, act, options);
    dieAt(name, 'after the record');
    return result;
  };
}
