// The clock, the address and the calls, as hooks.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { call, messageOf } from './call.js';

/** The time, renewed so often. */
export function useNow(everyMs = 5_000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** The part of the address after `#/`. */
export function useRoute(): string {
  const read = () => location.hash.replace(/^#\/?/, '');
  const [route, setRoute] = useState(read());
  useEffect(() => {
    const onChange = () => setRoute(read());
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return route;
}

export interface Loaded<Reply> {
  readonly reply: Reply | null;
  readonly error: string | null;
  reload(): void;
}

/** Calls at once and again every `everyMs` milliseconds; 0: once. A hidden page asks for nothing. */
export function useCall<Reply>(name: string, input: object, everyMs = 0): Loaded<Reply> {
  const [state, setState] = useState<{ reply: Reply | null; error: string | null }>({ reply: null, error: null });
  const wanted = JSON.stringify(input);
  const latest = useRef(0);
  const load = useCallback(() => {
    latest.current += 1;
    const mine = latest.current;
    call<Reply>(name, JSON.parse(wanted)).then(
      (reply) => mine === latest.current && setState({ reply, error: null }),
      (error: unknown) => mine === latest.current && setState(({ reply }) => ({ reply, error: messageOf(error) })),
    );
  }, [name, wanted]);
  useEffect(() => {
    setState({ reply: null, error: null });
    load();
    const again = () => document.visibilityState === 'visible' && load();
    const timer = everyMs > 0 ? setInterval(again, everyMs) : undefined;
    return () => {
      latest.current += 1;
      clearInterval(timer);
    };
  }, [load, everyMs]);
  return { ...state, reload: load };
}
